/// How the collector takes what it is sent: a change is told, and what lasts is not told again.
struct ExportHealth: Equatable, Sendable {
    private enum State: Equatable {
        case works
        case rejects
        case fails
    }

    private var state = State.works

    /// What the answer changes, to be told.
    mutating func note(_ answer: ExportAnswer) -> ExportEvent? {
        let next: State
        let event: ExportEvent
        switch answer {
        case .taken(let rejected, let message) where rejected > 0 || !message.isEmpty:
            (next, event) = (.rejects, .rejects("\(rejected) rejected\(message.isEmpty ? "" : ": \(message)")"))
        case .taken: (next, event) = (.works, .works)
        case .later(let detail, _), .refused(let detail): (next, event) = (.fails, .failing(detail))
        case .stopped: return nil
        }
        guard next != state else { return nil }
        state = next
        return event
    }
}
