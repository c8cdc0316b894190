import Threads

/// A number that scripts raise and tests read.
public final class RawCount: Sendable {
    private let state = Lock(0)

    public init() {}

    public var value: Int { state.withLock { $0 } }

    public func add(_ amount: Int) {
        state.withLock { $0 += amount }
    }
}
