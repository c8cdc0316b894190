public import Threads

/// A number that goes up and down, or is not known: then it is not shown. From any thread.
public final class MetricGauge: Sendable {
    private let number = Lock<Double?>(nil)

    public init() {}

    public func set(_ value: Double?) { number.withLock { $0 = value } }
    public func set(_ value: Int?) { set(value.map(Double.init)) }
    public func set(_ isSo: Bool) { set(isSo ? 1.0 : 0.0) }

    /// Seconds since 1970.
    public func set(_ time: Timestamp?) { set(time.map { Double($0.milliseconds) / 1000 }) }

    public var value: Double? { number.withLock { $0 } }
}
