import Clocks
import HTTP
import Testing

@testable import Service

/// Runs `body` over a server with these routes beside `/livez`, and stops it.
func serving(
    _ routes: [String: AdminServer.Handler] = [:], host: String = "127.0.0.1", limits: AdminLimits = AdminLimits(),
    _ body: (AdminServer) async throws -> Void
) async throws {
    let usual: [String: AdminServer.Handler] = ["/livez": { _ in .text("alive") }]
    let server = try AdminServer(
        host: host, port: 0, limits: limits, routes: usual.merging(routes) { $1 })
    do {
        try await body(server)
    } catch {
        await onAThread { server.stop() }
        throw error
    }
    await onAThread { server.stop() }
}

func limits(_ change: (inout AdminLimits) -> Void) -> AdminLimits {
    var limits = AdminLimits()
    change(&limits)
    return limits
}

func expect(_ status: Int, of path: String, _ server: AdminServer) async throws {
    let answer = try await AdminClient.get(server.port, path)
    #expect(answer.status == status)
}
