import Foundation
import JSON
import PrivateBroker
import Testing

extension ServiceOnABroker {
    /// The support archive of a site whose every secret is known here.
    @Suite struct Bundles {
        private func unpack(_ harness: DaemonHarness, _ archive: String) async throws -> [String: Data] {
            let folder = harness.directory.file("unpacked-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let (ending, text) = try await ChildProcess.run(
                ["/bin/tar", "--extract", "--gzip", "--file", archive, "--directory", folder.path])
            #expect(ending == .exited(0), "\(text)")
            let inner = folder.appendingPathComponent("leave-albumd-bundle")
            var files: [String: Data] = [:]
            for name in try FileManager.default.contentsOfDirectory(atPath: inner.path) {
                files[name] = try Data(contentsOf: inner.appendingPathComponent(name))
            }
            return files
        }

        private static let secrets = [
            "pw-in-uri-4711", "password-in-file-0815", "sim:anna@example.org", "sim:bertha", "sealing-key-material",
            "client-secret-of-ours", "proxy-pass-99", "album-anna", "album-bertha", "album-nobody",
            "--exec-argument=42",
        ]

        @Test func noSecretIsInItWhateverRunsAndWhateverDoesNot() async throws {
            let harness = try await DaemonHarness()
            try harness.directory.write("tokens", "anna@example.org\tsim:anna@example.org\nbertha\tsim:bertha\n")
            try harness.directory.write("password", "password-in-file-0815\n")
            try harness.directory.write("key", "sealing-key-material-32-bytes-ok\n")
            try harness.directory.write("client-secret", "client-secret-of-ours\n")
            let user = harness.prefix
            try await harness.broker.control("add_user", user, "password-in-file-0815")
            try await harness.broker.control("set_permissions", user, ".*", ".*", ".*")
            let settings = try String(contentsOf: harness.directory.file("d.toml"), encoding: .utf8)
                .replacingOccurrences(of: "amqp://", with: "amqp://other:pw-in-uri-4711@")
                .replacingOccurrences(
                    of: "[api]",
                    with:
                        "username = \"\(user)\"\npassword_file = \"\(harness.directory.file("password").path)\"\n[api]\n"
                        + "canary_account = \"anna@example.org\"")
            try harness.directory.write(
                "d.toml",
                settings + """

                    [credentials.store]
                    key_file = "\(harness.directory.file("key").path)"
                    client_secret_file = "\(harness.directory.file("client-secret").path)"
                    [credentials.exec]
                    command = ["/bin/false", "--exec-argument=42"]
                    """)
            try await harness.start()
            try await harness.waitUntilConsuming()
            for (id, account) in [("j1", "anna@example.org"), ("j2", "bertha"), ("j3", "nobody")] {
                let token = "album-\(account.prefix { $0 != "@" })"
                try await harness.publish(DaemonHarness.body(id, account: account, token: token))
            }
            _ = try await harness.take("results", atLeast: 3)
            #expect(try await harness.command("pause", "--account", "bertha").ending == .exited(0))

            let archive = harness.directory.file("live.tar.gz").path
            let live = try await harness.command("bundle", archive)
            #expect(live.ending == .exited(0), "\(live.text)")
            let mode = try FileManager.default.attributesOfItem(atPath: archive)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let files = try await unpack(harness, archive)
            for name in [
                "MANIFEST", "settings.txt", "check.json", "status.json", "holds.json", "quota.json", "queues.json",
                "ledger-stats.json", "ledger-verify.json", "ledger-schema.txt", "dead-stats.json", "topology.json",
                "kernel.txt", "distribution.txt",
            ] { #expect(files[name]?.isEmpty == false, "\(name) of \(files.keys.sorted())") }
            let status = try JSONValue.parse(Array(files["status.json"] ?? Data()))
            #expect(status["state"]?.text == "consuming")
            let holds = try JSONValue.parse(Array(files["holds.json"] ?? Data()))
            #expect(holds["accounts"]?.elements?.first?["account"]?.text?.hasPrefix("sha256:") == true)
            expectNothingSecret(files, and: live.text)

            // Everything is down.
            try await harness.stopInOrder()
            let broken = try String(contentsOf: harness.directory.file("d.toml"), encoding: .utf8)
                .replacingOccurrences(of: "127.0.0.1:\(harness.broker.port)", with: "127.0.0.1:\(freePort())")
            try harness.directory.write("d.toml", broken)
            let second = harness.directory.file("down.tar.gz").path
            let down = try await harness.command("bundle", second)
            #expect(down.ending == .exited(0), "\(down.text)")
            let left = try await unpack(harness, second)
            expectNothingSecret(left, and: down.text)
            let manifest = String(decoding: left["MANIFEST"] ?? Data(), as: UTF8.self)
            #expect(left["status.json"] == nil && manifest.contains("status.json: not there"))
            #expect(manifest.contains("no daemon listens"))
            #expect(left["ledger-stats.json"] != nil, "the file is there without a daemon")

            // Not even the settings can be read.
            try harness.directory.write("d.toml", "[broker]\nuris = [\"amqp://u:pw-in-uri-4711@h\"]\nwrong = 1\n")
            let third = harness.directory.file("broken.tar.gz").path
            let bare = try await harness.command("bundle", third)
            #expect(bare.ending == .exited(0), "\(bare.text)")
            let rest = try await unpack(harness, third)
            #expect(String(decoding: rest["settings.txt"] ?? Data(), as: UTF8.self).contains("wrong"))
            expectNothingSecret(rest, and: bare.text)

            let nowhere = try await harness.command("bundle", "/nonexistent/b.tar.gz")
            #expect(nowhere.ending == .exited(73), "\(nowhere.text)")
            let names = try FileManager.default.contentsOfDirectory(atPath: harness.directory.file(".").path)
            #expect(!names.contains { $0.contains(".tar.gz.") }, "nothing half-made is left")
            try await harness.broker.control("delete_user", user)
            await harness.end()
        }

        private func expectNothingSecret(_ files: [String: Data], and printed: String) {
            for (name, data) in files.merging(["printed": Data(printed.utf8)], uniquingKeysWith: { $1 }) {
                let text = String(decoding: data, as: UTF8.self)
                for secret in Self.secrets + ["anna@example", "bertha"] {
                    #expect(!text.contains(secret), "\(name) has \(secret)")
                }
            }
        }
    }
}
