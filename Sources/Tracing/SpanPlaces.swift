import Synchronization

/// Places for spans that nobody may want: those of deliveries that are not sampled are kept until it is known how they
/// end. From any thread.
package final class SpanPlaces: Sendable {
    /// Some megabytes at a kilobyte a span.
    package static let all = 4_096

    private let taken = Atomic(0)
    private let most: Int

    package init(_ most: Int = all) {
        self.most = most
    }

    /// False: there is none.
    package func take() -> Bool {
        if taken.add(1, ordering: .relaxed).newValue <= most { return true }
        taken.subtract(1, ordering: .relaxed)
        return false
    }

    package func giveBack(_ count: Int) { taken.subtract(count, ordering: .relaxed) }

    package var count: Int { taken.load(ordering: .relaxed) }
}
