/// One worker, as far as anything depends on it.
struct WorkerState: Equatable {
    var step = Step.idle
    /// Index of the message that it works on.
    var message: UInt8 = 0
    /// False once the broker has given the message to somebody else.
    var hasDelivery = false
    /// How long ago it asked for its claim, up to where that matters no more.
    var claimAge: Int8 = 0
    /// It knows of a call that went unheard.
    var isAmbiguous = false
    var album = Album.unknown
    /// Of this run's newest claim.
    var lease = Fence.none
    var leaseIsFirstCall = false
    /// What the next claim is decided under.
    var decided = Fence.none
    /// Its call may still be on its way.
    var isUnheard = false
    /// A `CallAnswer`, an `Outcome` or the index of a message to publish, by its step.
    var detail: UInt8 = 0

    static let longestClaimAge = Ticks.sendWindow + 1

    var job: Int { Message.job(message) }
    var generation: Int { Message.generation(message) }
    var copy: Int { Message.copy(message) }
    var callAnswer: CallAnswer? { step == .calling ? CallAnswer(rawValue: detail) : nil }
    var isFlying: Bool { callAnswer == .flying }
    var isWaiting: Bool { step == .idle || step == .waiting || isFlying }
    var hasWindow: Bool {
        switch step {
        case .presuming, .claimingCall, .claimedCall, .atGate: true
        default: false
        }
    }

    /// Forgets all but the delivery.
    mutating func restart() {
        self = WorkerState(step: .delivered, message: message, hasDelivery: hasDelivery)
    }

    /// Another turn of the same delivery: what was heard still holds as long as nobody else claims.
    mutating func takeTurn() {
        let (album, decided) = (album, decided)
        restart()
        if decided != .none { (self.album, self.decided) = (album, decided) }
    }

    mutating func ack() {
        self = WorkerState(step: .acking, message: message, hasDelivery: hasDelivery)
    }

    mutating func go(_ step: Step, _ detail: UInt8 = 0) {
        (self.step, self.detail) = (step, detail)
        if !hasWindow { claimAge = 0 }
    }

    mutating func record(_ outcome: Outcome, isUnheard: Bool = false) {
        go(.recording, outcome.rawValue)
        self.isUnheard = isUnheard
        leaseIsFirstCall = false
    }

    /// The other job of two is this one now.
    mutating func renameJobs() {
        guard step != .idle else { return }
        message = Message.index(job: 1 - job, copy: copy)
        if step == .publishingCopy || step == .markingCopy {
            detail = Message.index(job: 1 - Message.job(detail), copy: Message.copy(detail))
        }
    }

    // MARK: Code

    func write(_ code: inout Code) {
        code.put(step.rawValue, 5)
        code.put(message, 3)
        code.put(hasDelivery)
        code.put(UInt8(claimAge), 2)
        code.put(isAmbiguous)
        code.put(album.rawValue, 2)
        code.put(lease.rawValue, 2)
        code.put(leaseIsFirstCall)
        code.put(decided.rawValue, 2)
        code.put(isUnheard)
        code.put(detail, 3)
    }

    static func read(_ code: inout Code) -> WorkerState {
        var state = WorkerState()
        state.step = code.take(5)
        state.message = code.takeByte(3)
        state.hasDelivery = code.takeBool()
        state.claimAge = Int8(code.takeByte(2))
        state.isAmbiguous = code.takeBool()
        state.album = code.take(2)
        state.lease = code.take(2)
        state.leaseIsFirstCall = code.takeBool()
        state.decided = code.take(2)
        state.isUnheard = code.takeBool()
        state.detail = code.takeByte(3)
        return state
    }

    /// The same bits for the same state; the order of two workers is by this.
    var code: UInt64 {
        var code = Code()
        write(&code)
        return code.low
    }
}
