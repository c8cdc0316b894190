import Concurrency

/// The series of one metric, told apart by the values of its labels.
///
/// How many they can be is bounded, because a label value that comes from outside must not fill memory here and in
/// whatever stores the series: what is new beyond the bound is counted in one series of its own.
package final class MetricFamily<Series: Sendable>: Sendable {
    private struct State {
        var series: [[String]: Series] = [:]
    }

    let labels: [String]
    private let most: Int
    private let make: @Sendable () -> Series
    private let state = Lock(State())

    /// Takes the place of each label's value in the series that stands for all beyond the bound.
    package static var overflow: String { "other" }

    init(labels: [String], most: Int, make: @escaping @Sendable () -> Series) {
        self.labels = labels
        self.most = most
        self.make = make
    }

    /// The series of these values, in the order of the labels; made at the first call. Keep it where calls are many:
    /// the look-up costs more than the count.
    package func with(_ values: String...) -> Series { with(values) }

    package func with(_ values: [String]) -> Series {
        precondition(values.count == labels.count, "a value for each of \(labels)")
        return state.withLock { state in
            if let known = state.series[values] { return known }
            let key = state.series.count < most ? values : labels.map { _ in Self.overflow }
            if let known = state.series[key] { return known }
            let new = make()
            state.series[key] = new
            return new
        }
    }

    /// In the order of the values' bytes, so that a text is the same each time.
    var all: [(values: [String], series: Series)] {
        state.withLock { $0.series.map { ($0.key, $0.value) } }
            .sorted { left, right in
                left.0.lexicographicallyPrecedes(right.0) { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            }
    }
}
