import Clocks
import Ledger
import PostgresLedger

/// The members of one ledger in PostgreSQL, one for each client.
actor DatabaseMembers {
    /// Short enough that leases end while the clients work.
    static let durations = LeaseDurations(
        sendWindow: .milliseconds(50), callTimeout: .milliseconds(100), grace: .milliseconds(50))

    private let configuration: PostgresConfiguration
    private var members: [Int: DatabaseLedger] = [:]

    init(configuration: PostgresConfiguration) { self.configuration = configuration }

    func member(_ client: Int) async throws(LedgerError) -> DatabaseLedger {
        if let member = members[client] { return member }
        let member = try await join(client, cuts: 0)
        members[client] = member
        return member
    }

    /// A connection that is cut while it joins is no reason to stop.
    private func join(_ client: Int, cuts: Int) async throws(LedgerError) -> DatabaseLedger {
        do throws(LedgerError) {
            return try await DatabaseLedger.join(
                configuration, member: MemberDescription(name: "client-\(client)", version: "test"),
                durations: Self.durations)
        } catch {
            guard case .unavailable = error, cuts < Self.mostCuts else { throw error }
            return try await join(client, cuts: cuts + 1)
        }
    }

    private static let mostCuts = 3

    func kill(_ client: Int) async {
        await members.removeValue(forKey: client)?.close(within: .zero)
    }

    func end() async {
        for member in members.values { await member.close(within: DatabaseLedger.closeTime) }
        members = [:]
    }
}
