import Clocks
package import Files
package import Ledger

/// The file in which a host's daemons remember the ledger that they work on. It is beside the outcomes that they leave, and
/// says the same of whichever daemon wrote it last.
package struct LedgerMemory: Sendable {
    package typealias Failure = PrivateFolder.Failure

    private let folder: PrivateFolder

    private static let name = "ledger.json"
    private static let mostBytes = 4_096

    /// Makes the folder where there is none.
    package init(_ path: String) throws(Failure) {
        folder = try PrivateFolder(path)
    }

    package var path: String { "\(folder.path)/\(Self.name)" }

    /// Nil: the host has worked on none, so far as it knows.
    package func load() throws(Failure) -> RememberedLedger? {
        guard let bytes = try folder.read(Self.name, atMost: Self.mostBytes) else { return nil }
        guard let remembered = RememberedLedger(json: bytes) else {
            throw .refused("\(path) is none that a daemon has written")
        }
        return remembered
    }

    /// It blocks.
    package func save(_ remembered: RememberedLedger) throws(Failure) {
        try folder.write(Self.name, remembered.json)
    }
}

extension DatabaseLedger {
    /// What is to be remembered of it now; nil while this process is no member, or the database has lost it.
    package func remember() async throws(LedgerError) -> RememberedLedger? {
        guard let epoch else { return nil }
        let found = try await ask { _ in MemoryStatements.state(of: epoch) }
        return found.member.map {
            RememberedLedger(
                ledger: found.ledger, system: found.system, timeline: found.timeline, epoch: epoch, started: $0.started,
                seen: $0.seen)
        }
    }

    /// Whether the database is what a daemon of this host knew, and has what that one knew.
    package func ruling(
        by remembered: RememberedLedger, retention: Duration
    ) async throws(LedgerError) -> RememberedLedger.Ruling {
        let found = try await ask { _ in MemoryStatements.state(of: remembered.epoch) }
        return remembered.ruling(on: found, retention: retention)
    }

    /// An operator has said that the state is meant: no daemon refuses it any more for what it knew before.
    package func acceptState() async throws(LedgerError) {
        try await ask { MemoryStatements.accept(by: $0.epoch) }
    }
}
