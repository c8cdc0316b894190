import Glibc
import Secrets
import Testing

@testable import Settings

@Suite final class SecretFileTests {
    private let directory: String

    init() throws {
        var template = Array("/tmp/leave-albumd-settings-XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&template))
        directory = String(cString: made)
    }

    deinit {
        rmdir("\(directory)/credentials")
        for name in ["secret", "empty", "leave-albumd.toml"] { unlink("\(directory)/\(name)") }
        rmdir(directory)
    }

    private func write(_ bytes: String, to name: String = "secret") throws -> String {
        let path = "\(directory)/\(name)"
        let file = try #require(fopen(path, "w"))
        fputs(bytes, file)
        fclose(file)
        return path
    }

    @Test(arguments: [
        ("word", "word"), ("word\n", "word"), ("word\r\n", "word"), ("word\n\n", "word\n"), (" word \n", " word "),
        ("word\r", "word\r"),
    ])
    func oneNewlineAtTheEndIsNotPartOfTheSecret(content: String, secret: String) throws {
        let file = SecretFile(key: "broker.password_file", path: try write(content))
        #expect(try file.read() == Secret(copying: Array(secret.utf8)))
    }

    @Test func whatCannotBeReadNamesFileAndKey() throws {
        let absent = SecretFile(key: "broker.password_file", path: "\(directory)/absent")
        let error = #expect(throws: SettingsFault.self) { try absent.read() }
        #expect(
            error?.description
                == "\(directory)/absent: broker.password_file: it cannot be read: No such file or directory")

        let empty = SecretFile(key: "broker.password_file", path: try write("\n", to: "empty"))
        #expect(throws: SettingsFault.self) { try empty.read() }
        let notAFile = SecretFile(key: "broker.password_file", path: directory)
        #expect(throws: SettingsFault.self) { try notAFile.read() }
    }

    @Test func relativeNamesAreLookedUpInTheCredentialsDirectory() throws {
        let variable = "LEAVE_ALBUMD_API_CA_FILE"
        let settings = try Loading.settings(environment: [
            variable: "ca", "CREDENTIALS_DIRECTORY": "/run/credentials/x",
        ])
        #expect(settings.api.caFile?.path == "/run/credentials/x/ca")
        #expect(
            Loading.faults("", environment: [variable: "ca"]).map {
                $0.contains("\"ca\" is relative, and $CREDENTIALS_DIRECTORY is not set")
            } == [true])
        for name in ["../ca", "a/b", ".", "..", ""] {
            let environment = [variable: "\"\(name)\"", "CREDENTIALS_DIRECTORY": "/run/credentials/x"]
            #expect(Loading.faults("", environment: environment).count == 1)
        }
    }

    /// The unit loads its credentials from there, so both see the same secret.
    @Test func withoutACredentialsDirectoryTheOneBesideTheSettingsCounts() throws {
        let path = try write(
            """
            [broker]
            uris = ["amqp://localhost"]
            username = "worker"
            password_file = "word"
            [credentials]
            providers = ["exec"]
            [credentials.exec]
            command = ["/bin/true"]
            """, to: "leave-albumd.toml")
        let faults = #expect(throws: SettingsFaults.self) { try DaemonSettings.load(path: path, environment: [:]) }
        #expect(faults?.description.contains("\"word\" is relative, and $CREDENTIALS_DIRECTORY is not set") == true)

        #expect(mkdir("\(directory)/credentials", 0o700) == 0)
        #expect(
            try DaemonSettings.load(path: path, environment: [:]).broker.passwordFile?.path
                == "\(directory)/credentials/word"
        )
        let systemd = ["CREDENTIALS_DIRECTORY": "/run/credentials/x"]
        #expect(
            try DaemonSettings.load(path: path, environment: systemd).broker.passwordFile?.path
                == "/run/credentials/x/word")
        #expect(DaemonSettings.credentialsDirectory(of: "leave-albumd.toml", environment: [:]) == nil)
        // The settings may be named from where the operator stands.
        let here = try #require(realpath(".", nil))
        defer { free(here) }
        let up = String(cString: here).split(separator: "/").map { _ in ".." }.joined(separator: "/")
        #expect(
            try DaemonSettings.load(path: up + path, environment: [:]).broker.passwordFile?.path
                == "\(directory)/credentials/word")
    }

    @Test func allSecretFilesCanBeTriedAtOnce() throws {
        var settings = DaemonSettings()
        settings.broker.passwordFile = SecretFile(key: "broker.password_file", path: try write("word"))
        #expect(settings.secretFileFaults().isEmpty)
        settings.api.caFile = SecretFile(key: "api.ca_file", path: "/nonexistent/ca")
        settings.broker.tls.keyFile = SecretFile(key: "broker.tls.key_file", path: "/nonexistent/key")
        #expect(settings.secretFileFaults().map(\.key) == ["broker.tls.key_file", "api.ca_file"])
    }
}
