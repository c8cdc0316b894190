import Clocks
import JSON
import Operations

extension BundlePart {
    /// Everything that a bundle asks other processes. This program's own commands are among them: one that hangs or
    /// dies harms nobody but itself.
    static func all(config: String, unit: String, lines: Int) -> [BundlePart] {
        func own(
            _ name: String, _ command: String, timeout: Duration = .seconds(10), answers: Set<Int32> = [0]
        ) -> BundlePart {
            BundlePart(
                name: name,
                command: ["/proc/self/exe"] + command.split(separator: " ").map(String.init) + [
                    "--json", "--config", config,
                ],
                source: "leave-albumd \(command) --json", form: .json, timeout: timeout, answers: answers)
        }
        func other(
            _ name: String, _ command: String..., form: Form = .text, answers: Set<Int32> = [0]
        ) -> BundlePart {
            BundlePart(
                name: name, command: command, source: command.joined(separator: " "), form: form, answers: answers)
        }
        return [
            own("check.json", "check --live", timeout: .seconds(30), answers: [0, 1, 69, 75, 77, 78]),
            own("status.json", "status"), own("holds.json", "holds"), own("quota.json", "quota"),
            own("queues.json", "queues"), own("ledger-stats.json", "ledger stats"),
            // A second for each two million jobs, and a slow disk.
            own("ledger-verify.json", "ledger verify", timeout: .seconds(60), answers: [0, 1]),
            own("topology.json", "topology verify", timeout: .seconds(20), answers: [0, 1]),
            own("dead-stats.json", "dead stats", timeout: .seconds(20)),
            other("kernel.txt", "/bin/uname", "-srvmo"), other("distribution.txt", "/bin/cat", "/etc/os-release"),
            other("systemd.txt", "/bin/systemctl", "--version"), other("memory.txt", "/bin/cat", "/proc/meminfo"),
            other("clock.txt", "/bin/date", "--utc", "+%Y-%m-%dT%H:%M:%S.%NZ"),
            other(
                "packages.txt", "/usr/bin/dpkg-query", "--show", "leave-albumd", "libc6", "librabbitmq4", "libcurl4*",
                "libsqlite3-0", "libjansson4", "zlib1g", "libsodium23", "libssl3*", "libsystemd0", "libmicrohttpd12*",
                "tzdata",
                answers: [0, 1]),
            other(
                "unit.txt", "/bin/systemctl", "show", unit, "--no-pager",
                "--property=Id,LoadState,ActiveState,SubState,UnitFileState,Result,NRestarts,MainPID,StatusText,"
                    + "ActiveEnterTimestamp,ExecMainStartTimestamp,ExecMainExitTimestamp,ExecMainStatus,Restart,"
                    + "WatchdogUSec,WatchdogTimestamp,MemoryCurrent,MemoryPeak,CPUUsageNSec,TasksCurrent,LimitNOFILE,"
                    + "FragmentPath,DropInPaths,NeedDaemonReload"),
            other(
                "journal.jsonl", "/bin/journalctl", "--unit", unit, "--lines", "\(lines)", "--output=json",
                "--no-pager", form: .journal),
        ]
    }

    /// What is no JSON after all is text.
    static func json(_ contents: [UInt8], _ scrubber: Scrubber) -> [UInt8] {
        guard let json = try? JSONValue.parse(contents) else { return scrubber.scrubbed(contents) }
        var learned = scrubber
        learned.learn(from: json)
        return learned.scrubbed(json).encoded() + [UInt8(ascii: "\n")]
    }
}
