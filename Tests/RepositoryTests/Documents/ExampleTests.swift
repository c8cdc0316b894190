import Foundation
import Testing

/// The files of `config/` that operators copy, as the daemon of this build sees them.
@Suite struct ExampleTests {
    private static let production = Tree.root.appendingPathComponent("config/production.toml")

    /// What the example looks up among its credentials, in the order in which it stands there.
    private func credentials() throws -> [String] {
        let text = try String(contentsOf: Self.production, encoding: .utf8)
        return text.matches(of: /(?m)^[a-z_]+_file = "([^\/"]+)"$/).map { String($0.output.1) }
    }

    private func check(leavingOut missing: String? = nil) throws -> Program {
        try withFolder { folder in
            for name in try credentials() + ["authority.pem"] where name != missing {
                let path = folder.appendingPathComponent(name).path
                let isMade = FileManager.default.createFile(
                    atPath: path, contents: Data(String(repeating: "0a", count: 32).utf8),
                    attributes: [.posixPermissions: 0o600])
                #expect(isMade)
            }
            return try Program.daemon(
                "check", "--config", Self.production.path,
                environment: [
                    "CREDENTIALS_DIRECTORY": folder.path,
                    // The one file that the example has outside of its credentials: it is no secret.
                    "LEAVE_ALBUMD_BROKER_TLS_CA_FILE": folder.appendingPathComponent("authority.pem").path,
                ])
        }
    }

    @Test func theProductionExampleIsGood() throws {
        let checked = try check()
        #expect(checked.status == 0, "\(checked.text)")
        #expect(!checked.text.contains("warning"), "\(checked.text)")
        #expect(
            try credentials() == [
                "broker-client.pem", "broker-client.key", "operator-password", "store-key", "client-secret",
            ])
    }

    @Test func everyCredentialOfItIsMissed() throws {
        for name in try credentials() {
            let checked = try check(leavingOut: name)
            #expect(checked.status == 78, "\(name)")
            #expect(checked.text.contains(name), "\(checked.text)")
        }
    }

    @Test(
        .enabled(
            if: FileManager.default.fileExists(
                atPath: Tree.root.appendingPathComponent("systemd/leave-albumd.service").path)))
    func theUnitLoadsEveryCredentialOfIt() throws {
        let unit = try String(
            contentsOf: Tree.root.appendingPathComponent("systemd/leave-albumd.service"), encoding: .utf8)
        // The operator's is not the daemon's to read: commands read it themselves.
        for name in try credentials() where name != "operator-password" {
            #expect(unit.contains("LoadCredential=\(name):"), "\(name)")
        }
    }

    @Test(arguments: [("3", "definitions.json"), ("4", "definitions-4.json")])
    func theDefinitionsAreWhatTheDaemonExports(version: String, file: String) throws {
        let printed = try Program.daemon(
            "topology", "export", "--rabbitmq", version, "--config",
            Tree.root.appendingPathComponent("config/leave-albumd.toml").path)
        #expect(printed.status == 0, "\(printed.text)")
        let exported = try JSONSerialization.jsonObject(with: Data(printed.text.utf8)) as? NSDictionary
        let path = Tree.root.appendingPathComponent("config/rabbitmq/\(file)")
        let kept = try JSONSerialization.jsonObject(with: try Data(contentsOf: path)) as? NSDictionary
        #expect(exported != nil)
        #expect(exported == kept, "leave-albumd topology export --rabbitmq \(version) | jq . > config/rabbitmq/\(file)")
    }
}
