import Clocks
import Ledger
import PostgresLedger

/// The members of one ledger in PostgreSQL, one for each client.
actor DatabaseMembers {
    /// Short enough that leases end while the clients work.
    static let durations = LeaseDurations(
        sendWindow: .milliseconds(50), callTimeout: .milliseconds(100), grace: .milliseconds(50))

    private let configuration: PostgresConfiguration
    private var members: [Int: PostgresLedger] = [:]

    init(configuration: PostgresConfiguration) { self.configuration = configuration }

    func member(_ client: Int) async throws(LedgerError) -> PostgresLedger {
        if let member = members[client] { return member }
        let member = try await PostgresLedger.join(
            configuration, member: MemberDescription(name: "client-\(client)", version: "test"),
            durations: Self.durations)
        members[client] = member
        return member
    }

    func kill(_ client: Int) async {
        await members.removeValue(forKey: client)?.close(within: .zero)
    }

    func end() async {
        for member in members.values { await member.close(within: PostgresLedger.closeTime) }
        members = [:]
    }
}
