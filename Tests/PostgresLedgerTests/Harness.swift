import Clocks
import Concurrency
import Foundation
import PrivateDatabase
import Secrets
import Testing

@testable import PostgresLedger

/// One server for all suites that need one, for as long as they run.
struct OnAServer: SuiteTrait, TestScoping {
    @TaskLocal static var running: PrivateDatabase?

    @concurrent func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        let server = try await PrivateDatabase(
            settings: [
                "max_connections=60", "deadlock_timeout=50ms", "password_encryption=scram-sha-256",
                // There is no such standby: who waits for it waits until the test ends that.
                "synchronous_standby_names=nobody_there", "synchronous_commit=local",
            ])
        do {
            try await server.run(
                """
                CREATE ROLE worker LOGIN;
                CREATE ROLE waiting LOGIN; ALTER ROLE waiting SET synchronous_commit = on;
                CREATE ROLE stranger LOGIN;
                """)
            try await server.run("CREATE DATABASE ledger OWNER worker")
            try await server.run(
                "REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT ALL ON SCHEMA public TO worker, waiting",
                database: "ledger")
            try await Self.$running.withValue(server) { try await function() }
        } catch {
            await server.end()
            throw error
        }
        await server.end()
    }

    static var server: PrivateDatabase {
        get throws { try #require(running, "a suite below ServerTests") }
    }
}

extension Trait where Self == OnAServer {
    static var onAServer: Self { Self() }
}

/// The suites that share a server.
@Suite(.onAServer) enum ServerTests {}

/// How long an answer is waited for that must come: longer than on a machine that does much else.
let answerTime = Duration.seconds(240)

/// What blocks is for a thread of its own.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await NativeThread.offload("test") { Result { try body() } }.get()
}

/// The error of a connection that is not to be had.
func failure(_ configuration: PostgresConfiguration, host: Int = 0) async throws -> PostgresError {
    let error = try await onThread { () -> PostgresError? in
        do throws(PostgresError) {
            _ = try PostgresConnection.open(to: configuration.url.hosts[host], configuration)
            return nil
        } catch {
            return error
        }
    }
    return try #require(error, "a connection was made")
}

func configuration(
    _ url: String, password: String? = nil, caFile: String? = nil, certificateFile: String? = nil,
    keyFile: String? = nil, adjust: (inout PostgresConfiguration) -> Void = { _ in }
) throws -> PostgresConfiguration {
    var secret: (@Sendable () throws -> Secret)?
    if let password { secret = { Secret(copying: Array(password.utf8)) } }
    var made = try PostgresConfiguration(
        PostgresURL(url), password: secret, caFile: caFile, certificateFile: certificateFile, keyFile: keyFile)
    made.connectTimeout = answerTime
    adjust(&made)
    return made
}

extension PrivateDatabase {
    nonisolated func url(_ role: String = "worker", _ query: String = "", database: String = "ledger") -> String {
        "postgresql://\(role)@127.0.0.1:\(port)/\(database)\(query)"
    }
}

/// A connection for as long as `body` runs, on a thread of its own.
func connected<Value: Sendable>(
    _ configuration: PostgresConfiguration, _ body: @escaping @Sendable (inout PostgresConnection) throws -> Value
) async throws -> Value {
    try await onThread {
        var connection = try PostgresConnection.open(to: configuration.url.hosts[0], configuration)
        return try body(&connection)
    }
}

extension PostgresConnection {
    /// One statement as a batch.
    @discardableResult
    mutating func run(
        _ name: String, _ text: String, _ parameters: [PostgresParameter] = [], within timeout: Duration = answerTime
    ) throws(PostgresError) -> PostgresRows {
        var batch = PostgresBatch()
        batch.add(PostgresStatement(name, text, parameters.map(\.type)), parameters)
        return try run(batch, within: timeout).rows()[0]
    }
}

/// The error that `body` throws.
func thrown(_ body: () throws(PostgresError) -> Void) throws -> PostgresError {
    do throws(PostgresError) {
        try body()
    } catch {
        return error
    }
    throw NothingThrown()
}

struct NothingThrown: Error {}

/// Sockets of this process whose other end has this port: what a connection leaves open shows here, whatever else the
/// process has.
func socketsOpen(to port: Int) throws -> Int {
    let suffix = String(format: ":%04X", port)
    let table = try String(contentsOfFile: "/proc/self/net/tcp", encoding: .utf8)
    let inodes = Set(
        table.split(separator: "\n").dropFirst().compactMap { line -> String? in
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[2].hasSuffix(suffix) else { return nil }
            return "socket:[\(fields[9])]"
        })
    let links = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
    }
    return links.count { inodes.contains($0) }
}
