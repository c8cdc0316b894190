import Clocks

/// When a lease ends, as far as it is known from outside: an operation is done at some moment between its call and its
/// return, and that moment is what the lease counts from.
struct LeaseSpan: Equatable {
    var earliest: Timestamp
    var latest: Timestamp

    /// Of a claim that was made by the operation. `durations`: what the ledger may make of a lease.
    init(of operation: Operation, lasting durations: ClosedRange<Duration>) {
        (earliest, latest) = (operation.from + durations.lowerBound, operation.until + durations.upperBound)
    }

    /// If the lease still runs when the operation is done. Nil: it cannot. `end`: its end, where the answer says it,
    /// which may be by the clock that the client had when it asked.
    func running(at operation: Operation, to end: Timestamp? = nil) -> LeaseSpan? {
        var span = self
        span.earliest = max(earliest, end ?? operation.from)
        span.latest = min(latest, end.map { $0 + (operation.until - operation.from) } ?? latest)
        return span.earliest <= span.latest && span.latest >= operation.from ? span : nil
    }

    /// If the lease is over when the operation is done. Nil: it cannot be.
    func over(at operation: Operation) -> LeaseSpan? {
        var span = self
        span.latest = min(latest, operation.until - .milliseconds(1))
        return span.earliest <= span.latest ? span : nil
    }
}
