import Concurrency
import Foundation
import PrivateDatabase
import ScriptedPeer
import Testing

@testable import PostgresLedger

/// Passwords and certificates at a server that asks for them: only SCRAM that is bound to the connection, or a
/// certificate, says who this is. One server with every method of login, each for a role of its name.
@Suite struct LoginTests {
    private struct Server {
        let database: PrivateDatabase
        let identity: TLSIdentity
        let client: TLSIdentity

        func url(_ role: String, _ query: String = "", database name: String = "postgres") -> String {
            "postgresql://\(role)@127.0.0.1:\(database.port)/\(name)?sslmode=verify-full\(query)"
        }

        func end() async {
            await database.end()
            identity.remove()
            client.remove()
        }
    }

    private static func start() async throws -> Server {
        let identity = try TLSIdentity()
        let client = try TLSIdentity()
        // libpq insists on that, as does the server, whose copy is made so.
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: client.keyFile)
        let database = try await PrivateDatabase(
            access: """
                hostssl all scram 127.0.0.1/32 scram-sha-256
                hostssl all md5 127.0.0.1/32 md5
                hostssl all plain 127.0.0.1/32 password
                hostssl all peer 127.0.0.1/32 cert
                hostssl all trusted 127.0.0.1/32 trust
                hostnossl all loopback 127.0.0.1/32 password
                """)
        let settings = [
            "ssl": "on",
            "ssl_cert_file": try await database.install("certificate.pem", copyOf: identity.certificateFile),
            "ssl_key_file": try await database.install("key.pem", copyOf: identity.keyFile),
            "ssl_ca_file": try await database.install("clients.pem", copyOf: client.authorityFile),
        ]
        for (name, value) in settings { try await database.run("ALTER SYSTEM SET \(name) = '\(value)'") }
        for role in ["scram", "plain", "peer", "trusted", "loopback"] {
            try await database.run("CREATE ROLE \(role) LOGIN PASSWORD 'right'")
        }
        try await database.run("SET password_encryption = 'md5'; CREATE ROLE md5 LOGIN PASSWORD 'right'")
        await database.stop()
        try await database.start()
        return Server(database: database, identity: identity, client: client)
    }

    private func logIn(_ configuration: PostgresConfiguration) async throws -> String {
        try await connected(configuration) { connection in
            try connection.run(
                "me",
                "SELECT current_user || coalesce(' ' || version, '') FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            ).value(0, 0)
        }
    }

    @Test func everyMethodOfLogin() async throws {
        let server = try await Self.start()
        let authority = server.identity.authorityFile
        do {
            try await passwords(server, authority)
            try await certificates(server, authority)
            try await trust(server)
        } catch {
            await server.end()
            throw error
        }
        #expect(try socketsOpen(to: server.database.port) == 0)
        await server.end()
    }

    private func passwords(_ server: Server, _ authority: String) async throws {
        let right = try configuration(server.url("scram"), password: "right", caFile: authority)
        #expect(try await logIn(right) == "scram TLSv1.3")
        let wrong = try await failure(configuration(server.url("scram"), password: "wr0ng", caFile: authority))
        #expect(wrong.kind == .refusedConfiguration && wrong.state == "28P01", "\(wrong)")
        #expect(!"\(wrong)".contains("wr0ng") && "\(wrong)".hasSuffix("the role's password"), "\(wrong)")
        let none = try await failure(configuration(server.url("scram"), caFile: authority))
        #expect(none.kind == .refusedConfiguration && none.message.contains("no password supplied"), "\(none)")
        // Both would tell the server more than that the password is known.
        for role in ["md5", "plain"] {
            let refused = try await failure(configuration(server.url(role), password: "right", caFile: authority))
            #expect(refused.kind == .refusedConfiguration && Self.isAboutMethod(refused), "\(refused)")
            let nothing = try await failure(configuration(server.url(role), caFile: authority))
            #expect(nothing.kind == .refusedConfiguration, "\(nothing)")
        }
        let database = try await failure(
            configuration(server.url("scram", database: "no_such"), password: "right", caFile: authority))
        #expect(database.kind == .refusedConfiguration && database.state == "3D000", "\(database)")
        let role = try await failure(configuration(server.url("nobody"), password: "right", caFile: authority))
        #expect(role.kind == .refusedConfiguration && role.state == "28000", "\(role)")
    }

    private func certificates(_ server: Server, _ authority: String) async throws {
        let client = server.client
        let shown = try configuration(
            server.url("peer"), caFile: authority, certificateFile: client.certificateFile, keyFile: client.keyFile)
        #expect(try await logIn(shown) == "peer TLSv1.3")
        let unshown = try await failure(configuration(server.url("peer"), caFile: authority))
        #expect(unshown.kind == .refusedConfiguration, "\(unshown)")
        let unreadable = try await failure(
            configuration(
                server.url("peer"), caFile: authority, certificateFile: client.certificateFile, keyFile: "/no/such"))
        #expect(unreadable.kind == .refusedConfiguration && unreadable.message.contains("private key"), "\(unreadable)")
        // Whoever vouches for the clients here does not vouch for the server.
        let wrong = try await failure(
            configuration(server.url("scram"), password: "right", caFile: client.authorityFile))
        #expect(wrong.kind == .refusedConfiguration && wrong.message.contains("certificate verify failed"), "\(wrong)")
        let missing = try await failure(configuration(server.url("scram"), password: "right", caFile: "/no/such.pem"))
        #expect(missing.kind == .refusedConfiguration && missing.message.contains("/no/such.pem"), "\(missing)")
        let url = "postgresql://scram@elsewhere.example:\(server.database.port)/postgres"
        let elsewhere = url + "?hostaddr=127.0.0.1&sslmode=require"
        let other = try await failure(configuration(elsewhere, password: "right", caFile: authority))
        #expect(other.kind == .refusedConfiguration && other.message.contains("does not match host name"), "\(other)")
    }

    private func trust(_ server: Server) async throws {
        let loopback = "postgresql://loopback@localhost:\(server.database.port)/postgres"
        #expect(try await logIn(configuration(loopback, password: "right")) == "loopback", "any method, nobody between")
        #expect(try await failure(configuration(loopback, password: "wr0ng")).state == "28P01")
        let directory = server.database.socketDirectory.replacing("/", with: "%2F")
        let socket = "postgresql://trusted@\(directory):\(server.database.port)/postgres?sslmode=verify-full"
        #expect(try await logIn(configuration(socket)) == "trusted", "a socket has no TLS")
        // A password is given to nobody who does not prove that he knows it.
        let trusted = try await failure(
            configuration(server.url("trusted"), password: "right", caFile: server.identity.authorityFile))
        #expect(trusted.kind == .refusedConfiguration && Self.isAboutMethod(trusted), "\(trusted)")
    }

    /// In the words of libpq 15, or of those that can be told which methods of login to answer.
    private static func isAboutMethod(_ error: PostgresError) -> Bool {
        ["channel binding", "authentication method"].contains { error.message.contains($0) }
    }
}
