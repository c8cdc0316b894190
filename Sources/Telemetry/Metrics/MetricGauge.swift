package import Clocks
import Concurrency

/// A number that goes up and down, or is not known: then it is not shown. From any thread.
package final class MetricGauge: Sendable {
    private let number = Lock<Double?>(nil)

    package init() {}

    package func set(_ value: Double?) { number.withLock { $0 = value } }
    package func set(_ value: Int?) { set(value.map(Double.init)) }
    package func set(_ isSo: Bool) { set(isSo ? 1.0 : 0.0) }

    /// Seconds since 1970.
    package func set(_ time: Timestamp?) { set(time.map { Double($0.milliseconds) / 1000 }) }

    package var value: Double? { number.withLock { $0 } }
}
