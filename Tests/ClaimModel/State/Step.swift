/// A worker's place on the path of a job. Between any two of them time may pass, and the worker may die.
enum Step: UInt8, CaseIterable {
    case idle
    /// It has a delivery, and looks the job up, or claims on the presumption that it is new.
    case delivered
    /// It knows what the ledger knows, and decides whether to ask, to call, or to do neither.
    case decide
    /// The claim is on its way to the ledger: of a new job, of a call, of a question.
    case presuming, claimingCall, claimingQuestion
    /// The claim is durable, its answer is on its way back.
    case claimedCall, claimedQuestion
    /// The worker has the answer: before the gate, and before the question.
    case atGate, atQuestion
    /// The call is sent; its answer is what `CallAnswer` says.
    case calling
    /// The album has answered; that is on its way back.
    case asked
    /// What became of the job is on its way to the ledger: `Outcome`.
    case recording
    /// Nothing was sent: the claim is to be taken back.
    case withdrawing
    case publishingResult
    /// The copy is decided: it is to be published, and then marked.
    case publishingCopy, markingCopy
    /// The same copy is to be published again, for later.
    case steppingAside
    case acking
    /// The account has no slot: the delivery has another turn later.
    case waiting
}

/// What comes back to the worker that called.
enum CallAnswer: UInt8 {
    /// The call may still take effect.
    case flying
    /// It took effect: "left".
    case left
    /// Heard, and without effect.
    case refused
    /// A heard failure of the server, which says nothing of the effect.
    case faulty
    /// Nothing will come.
    case silent
    /// The user was not in the album.
    case notMember
}

/// What a worker records.
enum Outcome: UInt8 {
    case left
    case alreadyLeft
    /// Failed, and the result says that the user has not left.
    case failedWithoutEffect
    /// Failed, and the result says that nobody knows.
    case failedInDoubt
    case parked
    case callEnded
    case postponed
    case steppedAside

    var isEnd: Bool { rawValue <= Outcome.failedInDoubt.rawValue }
}

/// What a worker knows of the album in a run.
enum Album: UInt8 {
    case unknown
    case member
    case cannotTell
    case notMember
}

/// Whether a fence that somebody remembers is the row's. Fences are compared for equality only, and none is given
/// twice: so this is all that there is to know of one.
enum Fence: UInt8 {
    case none
    case past
    case current
}

/// A message of a job, with its place among the counts of those that are ready.
enum Message {
    /// Two generations; the first has copies up to this number, the second one less.
    static let lastCopy = 2
    /// Of two jobs each has one generation, with copies up to this number.
    static let lastCopyOfTwo = 1
    /// Those of a second job come after those of the first.
    private static let second: UInt8 = 5

    static func index(job: Int = 0, generation: Int = 0, copy: Int) -> UInt8 {
        job == 0 ? UInt8(generation * (lastCopy + 1) + copy) : second + UInt8(copy)
    }
    static func job(_ index: UInt8) -> Int { index < second ? 0 : 1 }
    static func generation(_ index: UInt8) -> Int { index < second ? Int(index) / (lastCopy + 1) : 0 }
    static func copy(_ index: UInt8) -> Int { Int(index < second ? index : index - second) % (lastCopy + 1) }
    static func lastCopy(of generation: Int) -> Int { generation == 0 ? lastCopy : lastCopy - 1 }

    static func all(hasTwoJobs: Bool) -> [UInt8] { hasTwoJobs ? ofTwoJobs : ofOneJob }
    private static let ofOneJob: [UInt8] = Array(0..<second)
    private static let ofTwoJobs = (0...1).flatMap { job in (0...lastCopyOfTwo).map { index(job: job, copy: $0) } }
}

/// Ticks.
enum Ticks {
    /// The send window S, the call's own time limit D, and what the network may deliver later, G.
    static let sendWindow: Int8 = 1
    static let timeLimit: Int8 = 1
    static let grace: Int8 = 1
    /// A copy is overdue when it is late by more than this.
    static let lateness: Int8 = 2
}
