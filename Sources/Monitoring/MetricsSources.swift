package import AMQP
package import Ledger
package import Pipeline

/// What a scrape asks: each answers from memory, at once.
package struct MetricsSources: Sendable {
    /// Holds, what is in flight, and who waits.
    package var pipeline: @Sendable () -> JobPipeline.Snapshot
    /// The links' own counters.
    package var consuming: @Sendable () -> LinkReading
    package var publishing: @Sendable () -> LinkReading
    package var ledger: @Sendable () -> Ledger

    /// What keeps the ledger, and what it says of those that share it.
    package struct Ledger: Sendable {
        package var kind: LedgerKind
        package var member: MemberIdentity?
        package var shared: SharedLedgerReading?

        package init(kind: LedgerKind, member: MemberIdentity? = nil, shared: SharedLedgerReading? = nil) {
            self.kind = kind
            self.member = member
            self.shared = shared
        }

        package init(_ ledger: any LedgerKeeping) {
            self.init(kind: ledger.kind, member: ledger.member, shared: ledger.sharedReading)
        }
    }

    package init(
        pipeline: @escaping @Sendable () -> JobPipeline.Snapshot, consuming: @escaping @Sendable () -> LinkReading,
        publishing: @escaping @Sendable () -> LinkReading, ledger: @escaping @Sendable () -> Ledger
    ) {
        self.pipeline = pipeline
        self.consuming = consuming
        self.publishing = publishing
        self.ledger = ledger
    }
}
