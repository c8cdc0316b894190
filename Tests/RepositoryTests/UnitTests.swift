import Foundation
import Testing

/// `systemd/leave-albumd.service` beside what the settings and the daemon say.
@Suite struct UnitTests {
    private static let path = Tree.root.appendingPathComponent("systemd/leave-albumd.service")
    /// Of `dead`, `submit` and `results`: the daemon has no use for it.
    private static let operators = "operator-password"

    /// The values of a setting, in their order.
    private func values(_ name: String) throws -> [String] {
        try String(contentsOf: Self.path, encoding: .utf8).split(separator: "\n")
            .filter { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
    }

    private func seconds(_ name: String) throws -> Int {
        let value = try #require(try values(name).first)
        #expect(value.hasSuffix("s"))
        return try #require(Int(value.dropLast()))
    }

    /// The secrets that the documented settings name without a path.
    private func secrets(_ file: String) throws -> [String] {
        let text = try String(contentsOf: Tree.root.appendingPathComponent("config/\(file)"), encoding: .utf8)
        return text.matches(of: /(?m)^(?:#> )?[a-z_]+_file = "([^\/"]+)"$/).map { String($0.output.1) }
    }

    @Test(arguments: ["leave-albumd.toml", "production.toml"])
    func everySecretOfTheSettingsReachesTheDaemon(file: String) throws {
        let loaded = try values("LoadCredential")
        let defaults = try values("SetCredential")
        let names = try secrets(file)
        #expect(names.contains("store-key"))
        for name in names where name != Self.operators {
            #expect(loaded.contains("\(name):/etc/leave-albumd/credentials/\(name)"))
            // Without it systemd would not start the unit when the file is missing.
            #expect(defaults.contains("\(name):\\n"))
        }
        #expect(loaded.count == defaults.count)
        #expect(!loaded.contains { $0.hasPrefix(Self.operators) })
    }

    @Test func theSandboxLeavesLittleOpen() throws {
        let judged = try Program.run([
            "systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=12", Self.path.path,
        ])
        #expect(judged.status == 0, "\(judged.text)")
        #expect(judged.text.contains("Overall exposure level"))
    }

    @Test func theSandboxIsJudgedAtAll() throws {
        try withFolder { folder in
            let bare = folder.appendingPathComponent("bare.service")
            try "[Service]\nExecStart=/usr/bin/leave-albumd run\n".write(to: bare, atomically: true, encoding: .utf8)
            let judged = try Program.run([
                "systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=12", bare.path,
            ])
            #expect(judged.status != 0)
        }
    }

    @Test func noKeyOfItIsUnknownToThisSystemd() throws {
        let verified = try Program.run(["systemd-analyze", "verify", "--man=no", Self.path.path])
        let complaints = verified.text.split(separator: "\n").filter { !$0.contains("is not executable") }
        #expect(complaints == [])
    }

    @Test func wrongSettingsAreNotTriedAgain() throws {
        #expect(try values("Restart") == ["on-failure"])
        let words = try #require(try values("RestartPreventExitStatus").first).split(separator: " ")
        #expect(words.contains("78"))
        // Those heal by themselves: a service that is away, a full disk.
        for status in ["69", "70", "73", "75"] { #expect(!words.contains(Substring(status))) }
    }

    /// With as much of everything as the settings allow.
    @Test func itsLimitOfDescriptorsIsEnoughForAnySettings() throws {
        try withFolder { folder in
            let file = folder.appendingPathComponent("all.toml")
            try """
            [broker]
            uris = ["amqp://127.0.0.1"]
            [worker]
            concurrency = 1024
            [credentials]
            providers = ["store", "broker", "exec"]
            [credentials.store]
            directory = "/var/lib/leave-albumd/grants"
            key_file = "/dev/null"
            client_id = "client"
            [credentials.broker]
            url = "unix:///run/tokens"
            [credentials.exec]
            command = ["/usr/bin/tokens"]
            """.write(to: file, atomically: true, encoding: .utf8)
            let told = try Program.run([
                "/bin/sh", "-c", "ulimit -n 100; exec \(Program.products)/leave-albumd check --config \(file.path)",
            ])
            let need = try #require(told.text.firstMatch(of: /may need (\d+) file descriptors/), "\(told.text)").output
                .1
            let limit = try #require(try values("LimitNOFILE").first)
            #expect(try #require(Int(need)) <= #require(Int(limit)))
            #expect(try #require(Int(need)) > 2 * 1024, "each job may have a call and a grant under way")
        }
    }

    @Test func aDrainEndsBeforeSystemdKills() throws {
        let settings = try String(
            contentsOf: Tree.root.appendingPathComponent("config/leave-albumd.toml"), encoding: .utf8)
        let drain = try #require(settings.firstMatch(of: /#drain_timeout = "(\d+)s"/)).output.1
        #expect(try seconds("TimeoutStopSec") > Int(drain) ?? .max)
    }

    @Test func itSpeaksToSystemdByItself() throws {
        #expect(try values("Type") == ["notify"])
        #expect(try values("NotifyAccess") == ["main"])
        #expect(try values("LimitCORE") == ["0"])
        #expect(try seconds("WatchdogSec") > 0)
        #expect(try values("StateDirectory") + values("RuntimeDirectory") == ["leave-albumd", "leave-albumd"])
    }
}
