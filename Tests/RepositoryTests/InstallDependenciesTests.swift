import Foundation
import Testing

/// `scripts/install-dependencies` as a user with sudo, among programs that only note what they are asked: it must not
/// touch this machine.
@Suite struct InstallDependenciesTests {
    /// sudo as Debian sets it up: nothing of the caller's environment passes. It runs apt-get and nothing else.
    private static let sudo = """
        #!/bin/bash
        case $1 in
            env | apt-get) exec env -i PATH="$PATH" ROOM="$ROOM" "$@" ;;
            tee) cat >/dev/null ;;
        esac
        """

    /// `answers` are the statuses of apt-get's calls, one after another.
    private func run(_ answers: [Int]) throws -> (program: Program, calls: [String]) {
        try withFolder { folder in
            let aptGet = """
                #!/bin/bash
                echo "DEBIAN_FRONTEND=$DEBIAN_FRONTEND $*" >>"$ROOM/calls"
                # A question of tzdata's would be read from here.
                [[ -z $(cat) ]] || echo "somebody could answer" >>"$ROOM/calls"
                number=$(wc -l <"$ROOM/calls")
                answers=(\(answers.map(String.init).joined(separator: " ")))
                status=${answers[number - 1]}
                [[ $status -eq 0 ]] || echo "E: the words of call $number" >&2
                exit "$status"
                """
            let programs = [
                "sudo": Self.sudo, "apt-get": aptGet, "dpkg-query": "#!/bin/sh\nexit 1",
                "id": "#!/bin/sh\necho 1000",
            ]
            for (name, text) in programs {
                let file = folder.appendingPathComponent(name)
                try text.write(to: file, atomically: true, encoding: .utf8)
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
            }
            let script = Tree.root.appendingPathComponent("scripts/install-dependencies").path
            let program = try Program.run(
                [script], environment: ["PATH": "\(folder.path):/usr/bin:/bin", "ROOM": folder.path])
            let calls = try String(contentsOf: folder.appendingPathComponent("calls"), encoding: .utf8)
            return (program, calls.split(separator: "\n").map(String.init))
        }
    }

    /// A copy of the script in a checkout of its own, with all of Debian's packages there and a pip that ends so, one try
    /// after another.
    private func runForTests(
        _ tries: [Int], times: Int = 1
    ) throws -> (programs: [Program], calls: [String], made: Bool) {
        try withFolder { folder in
            let python = """
                #!/bin/bash
                echo "$*" >>"$ROOM/calls"
                number=$(wc -l <"$ROOM/calls")
                tries=(\(tries.map(String.init).joined(separator: " ")))
                status=${tries[number - 1]}
                [[ $status -eq 0 ]] || { echo "the words of try $number" >&2; exit "$status"; }
                while [[ $1 != --target ]]; do shift; done
                mkdir -p "$2/cloudevents-2.2.0.dist-info"
                """
            let scripts = folder.appendingPathComponent("scripts")
            try FileManager.default.createDirectory(
                at: scripts.appendingPathComponent("testbed"), withIntermediateDirectories: true)
            func read(_ path: String) throws -> String {
                try String(contentsOf: Tree.root.appendingPathComponent(path), encoding: .utf8)
            }
            let original = try read("scripts/install-dependencies")
                .replacingOccurrences(of: "/usr/bin/python3", with: "python3")
            let list = "scripts/testbed/requirements.txt"
            let programs = [
                "python3": python, "sleep": "#!/bin/sh\n", "dpkg-query": "#!/bin/sh\necho install ok installed",
                "getent": "#!/bin/sh\n", "scripts/install-dependencies": original, list: try read(list),
            ]
            for (name, text) in programs {
                let file = folder.appendingPathComponent(name)
                try text.write(to: file, atomically: true, encoding: .utf8)
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
            }
            let ran = try (0..<times).map { _ in
                try Program.run(
                    [folder.appendingPathComponent("scripts/install-dependencies").path, "--tests"],
                    environment: ["PATH": "\(folder.path):/usr/bin:/bin", "ROOM": folder.path])
            }
            let calls = try? String(contentsOf: folder.appendingPathComponent("calls"), encoding: .utf8)
            let made = folder.appendingPathComponent(".build/python/cloudevents-2.2.0.dist-info")
            return (
                ran, (calls ?? "").split(separator: "\n").map(String.init),
                FileManager.default.fileExists(atPath: made.path)
            )
        }
    }

    @Test func whatTestsNeedOfPythonsIndexIsAskedForOnceAndByItsHash() throws {
        let (programs, calls, made) = try runForTests([0], times: 2)
        #expect(programs.map(\.status) == [0, 0], "\(programs.map(\.text))")
        #expect(calls.count == 1 && made)
        #expect(calls.allSatisfy { $0.contains("--require-hashes") && $0.contains("--no-deps") }, "\(calls)")
    }

    @Test func anIndexThatDoesNotAnswerIsAskedAgainAndThenSaidToBeMissing() throws {
        let late = try runForTests([1, 1, 0])
        #expect(late.programs.map(\.status) == [0] && late.calls.count == 3 && late.made)
        #expect(!late.programs[0].text.contains("the words"))
        let never = try runForTests([1, 1, 1])
        #expect(never.programs.map(\.status) == [69] && never.calls.count == 3 && !never.made)
        #expect(never.programs[0].text.contains("the words of try 1"))
        #expect(never.programs[0].text.contains("could not install from PyPI"), "\(never.programs[0].text)")
    }

    @Test func noPackageAsksAlsoBehindSudo() throws {
        let (program, calls) = try run([0])
        #expect(program.status == 0, "\(program.text)")
        #expect(calls.count == 1)
        #expect(calls.allSatisfy { $0.hasPrefix("DEBIAN_FRONTEND=noninteractive ") }, "\(calls)")
        #expect(calls[0].contains(" install ") && calls[0].contains("tzdata"))
    }

    @Test func anOldListIsRenewedWithoutANoise() throws {
        let (program, calls) = try run([100, 0, 0])
        #expect(program.status == 0, "\(program.text)")
        #expect(calls.map { $0.contains(" update") } == [false, true, false])
        #expect(!program.text.contains("E:"))
    }

    @Test func whatAptSaysOfItsFailureIsShown() throws {
        let (refused, _) = try run([100, 0, 100])
        #expect(refused.status == 69)
        #expect(refused.text.contains("words of call 1") && refused.text.contains("words of call 3"), "\(refused.text)")
        let (offline, calls) = try run([100, 100])
        #expect(offline.status == 69 && calls.count == 2)
        #expect(offline.text.contains("words of call 2"), "\(offline.text)")
    }
}
