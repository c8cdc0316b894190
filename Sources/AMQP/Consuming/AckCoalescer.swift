/// Many acks become few: what is acked without a gap from the oldest unsettled delivery on goes out as one `multiple`.
/// https://www.rabbitmq.com/docs/confirms#consumer-acks-multiple-parameter
struct AckCoalescer {
    struct Ack: Equatable {
        var tag: UInt64
        var multiple: Bool
    }

    private enum State {
        case outstanding
        case acked
        case settled
    }

    // From the oldest unsettled delivery on, without a gap: the broker numbers a channel's deliveries from 1.
    private var states: [State] = []
    private var first: UInt64 = 1
    private var pending: [UInt64] = []
    private(set) var outstanding = 0

    /// The broker gave out a delivery.
    mutating func delivered(_ tag: UInt64) {
        guard tag >= first + UInt64(states.count) else { return }
        while tag > first + UInt64(states.count) { states.append(.settled) }
        states.append(.outstanding)
        outstanding += 1
    }

    /// Notes an ack for the next flush. False if there is no such delivery to settle.
    mutating func ack(_ tag: UInt64) -> Bool {
        guard mark(tag, .acked) else { return false }
        pending.append(tag)
        return true
    }

    /// The delivery was settled by a frame of its own.
    mutating func settle(_ tag: UInt64) -> Bool {
        mark(tag, .settled)
    }

    private mutating func mark(_ tag: UInt64, _ state: State) -> Bool {
        guard tag >= first, tag - first < UInt64(states.count), states[Int(tag - first)] == .outstanding else {
            return false
        }
        states[Int(tag - first)] = state
        outstanding -= 1
        return true
    }

    /// The frames that settle all that was noted.
    mutating func flush() -> [Ack] {
        guard !pending.isEmpty else { return [] }
        var run = 0
        var last: UInt64?
        var inRun = 0
        while run < states.count, states[run] != .outstanding {
            if states[run] == .acked {
                last = first + UInt64(run)
                inRun += 1
            }
            run += 1
        }
        var acks: [Ack] = []
        if let last { acks.append(Ack(tag: last, multiple: inRun > 1)) }
        for tag in pending.sorted() where tag >= first + UInt64(run) {
            acks.append(Ack(tag: tag, multiple: false))
            states[Int(tag - first)] = .settled
        }
        states.removeFirst(run)
        first += UInt64(run)
        pending = []
        return acks
    }
}
