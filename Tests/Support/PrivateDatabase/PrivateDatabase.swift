import Foundation
import PrivateBroker

/// A PostgreSQL server of the tests' own: its data and its socket in a temporary folder, its port picked free.
///
/// It ends with the test process, whatever becomes of that: by SIGQUIT, at which it frees its shared memory too.
package actor PrivateDatabase {
    package struct NotReady: Error, CustomStringConvertible {
        package let description: String
    }

    package nonisolated let port: Int
    private let directory: TemporaryDirectory
    private let settings: [String]
    private var server: ChildProcess?

    /// The superuser, for whom the socket asks for nothing.
    package static let superuser = "test_admin"
    /// Making and starting one takes about three seconds on two idle cores, and the suite keeps them busy.
    private static let timeout = ChildProcess.timeout

    /// `settings` of the server, `name=value`; `access` is pg_hba.conf's, in front of trust for the socket alone.
    package init(settings: [String] = [], access: String = "host all all 127.0.0.1/32 trust") async throws {
        directory = try TemporaryDirectory("database")
        port = freePort()
        // Nothing here has to outlive the machine.
        self.settings = ["fsync=off", "full_page_writes=off", "shared_buffers=16MB", "autovacuum=off"] + settings
        try ServerUser.give(directory.url)
        let initialized = try await ChildProcess.run(
            ServerUser.command
                + [
                    try Self.program("initdb"), "--no-sync", "--no-instructions", "--auth=trust", "--encoding=UTF8",
                    "--locale=C", "--username=\(Self.superuser)", "--pgdata=\(data.path)",
                ], seconds: Self.timeout)
        guard initialized.ending == .exited(0) else {
            throw NotReady(description: "initdb: \(initialized.text)")
        }
        try allow(access)
        try await start()
    }

    /// A standby of another, which follows it by asynchronous replication until it is promoted. That one lets in
    /// `replication` from 127.0.0.1.
    package init(standbyOf primary: PrivateDatabase) async throws {
        directory = try TemporaryDirectory("standby")
        port = freePort()
        settings = primary.settings
        try ServerUser.give(directory.url)
        let copied = try await ChildProcess.run(
            ServerUser.command
                + [
                    try Self.program("pg_basebackup"), "--no-sync", "--checkpoint=fast", "--write-recovery-conf",
                    "--pgdata=\(data.path)", "--host=127.0.0.1", "--port=\(primary.port)",
                    "--username=\(Self.superuser)",
                ], seconds: Self.timeout)
        guard copied.ending == .exited(0) else { throw NotReady(description: "pg_basebackup: \(copied.text)") }
        try await start()
    }

    private nonisolated var data: URL { directory.file("data") }

    /// The directory of its socket, which a URL may name.
    package nonisolated var socketDirectory: String { directory.url.path }

    /// A file of the server's own, such as a key, which it insists that nobody else can read.
    package func install(_ name: String, copyOf path: String) throws -> String {
        let file = directory.file(name)
        try? FileManager.default.removeItem(at: file)
        try FileManager.default.copyItem(atPath: path, toPath: file.path)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
        try ServerUser.give(file)
        return file.path
    }

    /// Who may log in how. It is in force from the next start or `reload` on.
    package func allow(_ access: String) throws {
        try "\(access)\nlocal all all trust\n".write(
            to: data.appendingPathComponent("pg_hba.conf"), atomically: false, encoding: .utf8)
    }

    package func start() async throws {
        let deadline = Date().addingTimeInterval(Self.timeout)
        var text = ""
        repeat {
            let server = try ChildProcess(
                ServerUser.command
                    + [
                        try Self.program("postgres"), "-D", data.path, "-p", "\(port)", "-k", socketDirectory,
                        "-c", "listen_addresses=127.0.0.1",
                    ] + settings.flatMap { ["-c", $0] }, output: directory.file("server.out"))
            self.server = server
            while server.isRunning, Date() < deadline {
                // A standby accepts read-only ones.
                if server.text.contains("database system is ready to accept ") { return }
                try await Task.sleep(for: .milliseconds(20))
            }
            text = server.text
            // After a kill the children of the old one may still be about to go.
        } while text.contains("is still in use") && Date() < deadline
        throw NotReady(description: "the database did not start: \(text)")
    }

    /// Makes of a standby a server that takes writes without ever having been promoted: a copy, on the same timeline.
    package func startAsCopy() async throws {
        await stop()
        try FileManager.default.removeItem(at: data.appendingPathComponent("standby.signal"))
        try await start()
    }

    package func reload() { server?.signal(SIGHUP) }

    /// An orderly end, which ends sessions; its data stay.
    package func stop() async {
        server?.signal(SIGINT)
        if await server?.wait(seconds: 60) == nil { await kill() }
        server = nil
    }

    /// SIGKILL. The sessions' processes see that, and go.
    package func kill() async {
        server?.signal(SIGKILL)
        _ = await server?.wait(seconds: 30)
        server = nil
    }

    /// Whoever made it calls this at last.
    package func end() async {
        await stop()
    }

    /// Runs SQL as the superuser, and gives what psql prints of rows: one a line, columns apart by `|`.
    @discardableResult
    package func run(_ sql: String, database: String = "postgres") async throws -> String {
        let (ending, text) = try await ChildProcess.run(
            [
                try Self.program("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", socketDirectory, "-p", "\(port)",
                "-U", Self.superuser, "-d", database, "-c", sql,
            ])
        guard ending == .exited(0) else { throw NotReady(description: "psql: \(text)") }
        return text.trimmingCharacters(in: .newlines)
    }

    /// Names a folder with other programs than Debian's newest.
    private static let programsVariable = "LEAVE_ALBUMD_POSTGRES_BIN"

    /// Debian keeps each version's programs apart.
    private static func program(_ name: String) throws -> String {
        if let folder = ProcessInfo.processInfo.environment[programsVariable], !folder.isEmpty {
            return "\(folder)/\(name)"
        }
        let root = "/usr/lib/postgresql"
        let versions = try FileManager.default.contentsOfDirectory(atPath: root).compactMap(Int.init).sorted()
        guard let newest = versions.last else { throw NotReady(description: "no PostgreSQL in \(root)") }
        return "\(root)/\(newest)/bin/\(name)"
    }
}
