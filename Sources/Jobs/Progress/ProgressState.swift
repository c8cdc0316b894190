/// The progress of a job before its result, each reported once: docs/messages.md, progress version 1.
public enum ProgressState: String, CaseIterable, Sendable {
    /// It waits in a retry queue.
    case parked
    /// It met a fault that is not its own, and waits until that is over.
    case held
    /// A call failed, and the next one comes in a moment.
    case retrying
}

/// Which of them were reported already. It goes with the job's copies.
public struct ReportedProgress: Equatable, Sendable {
    private var bits: UInt8 = 0

    public init() {}

    public var isEmpty: Bool { bits == 0 }
    public var count: Int { bits.nonzeroBitCount }

    public func contains(_ state: ProgressState) -> Bool { bits & Self.bit(of: state) != 0 }

    public mutating func insert(_ state: ProgressState) { bits |= Self.bit(of: state) }

    private static func bit(of state: ProgressState) -> UInt8 {
        switch state {
        case .parked: 1
        case .held: 2
        case .retrying: 4
        }
    }

    // MARK: As text

    /// `parked,held`. Nil for what this program would not write.
    public init?(text: some StringProtocol) {
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let state = ProgressState(rawValue: String(word)) else { return nil }
            insert(state)
        }
    }

    public var text: String {
        ProgressState.allCases.filter(contains).map(\.rawValue).joined(separator: ",")
    }
}
