/// A part of the system that is explored by itself: all of it at once has too many states.
struct Scenario: Sendable {
    var name: String
    var budget = SystemState.Budget()
    /// Workers park, postpone and end jobs without a call.
    var hasDenials = false
    /// Heard failures that say nothing of the effect, and an album that cannot tell.
    var hasVagueAnswers = false
    /// A copy may be lost, which an order pays for; the sweep for lost jobs runs.
    var losesCopies = false
    /// A parked job has copies up to this number.
    var lastCopy = 0
    /// Two jobs of one account, which may have one call at a time.
    var hasTwoJobs = false

    static let all = [
        Scenario(name: "two crashes, a lost link", budget: .init(crashes: 2, lostLinks: 1)),
        Scenario(name: "a commit's answer is lost", budget: .init(crashes: 1, lostLinks: 1, lostAnswers: 1)),
        Scenario(name: "vague answers", budget: .init(crashes: 1, lostLinks: 1), hasVagueAnswers: true),
        Scenario(name: "ends and waits without a call", budget: .init(crashes: 1, lostLinks: 1), hasDenials: true),
        Scenario(name: "copies", budget: .init(crashes: 1, lostLinks: 1), lastCopy: 1),
        Scenario(name: "copies and waits without a call", budget: .init(lostLinks: 1), hasDenials: true, lastCopy: 1),
        lostCopy, lostCopyAfterLostLink,
        Scenario(name: "orders", budget: .init(lostLinks: 1, orders: 1), hasDenials: true),
        ordersAndCopies,
        Scenario(name: "a redrive", budget: .init(lostLinks: 1, redrives: 1), hasDenials: true),
        Scenario(name: "two jobs of an account, a crash", budget: .init(crashes: 1), hasTwoJobs: true),
        Scenario(
            name: "two jobs of an account, a commit's answer is lost", budget: .init(lostAnswers: 1), hasTwoJobs: true),
        Scenario(name: "two jobs of an account with copies", lastCopy: 1, hasTwoJobs: true),
    ]

    /// What takes minutes.
    static let whole = [
        Scenario(name: "two crashes, two lost links", budget: .init(crashes: 2, lostLinks: 2)),
        Scenario(
            name: "copies and waits without a call, a crash more", budget: .init(crashes: 1, lostLinks: 1),
            hasDenials: true, lastCopy: 1),
        Scenario(
            name: "orders, a lost link and copies", budget: .init(lostLinks: 1, orders: 1), hasDenials: true,
            lastCopy: 1),
        twoJobsAndLostLink,
    ]

    // MARK: Where mutants are looked for

    private static let lostLink = Scenario(name: "a lost link", budget: .init(lostLinks: 1))
    private static let crash = Scenario(name: "a crash and a lost link", budget: .init(crashes: 1, lostLinks: 1))
    private static let crashWithCopies = Scenario(name: "a crash with copies", budget: .init(crashes: 1), lastCopy: 1)
    private static let denials = Scenario(name: "ends without a call", budget: .init(lostLinks: 1), hasDenials: true)
    private static let lostCopy = Scenario(
        name: "a crash and a lost copy", budget: .init(crashes: 1, orders: 1), losesCopies: true, lastCopy: 1)
    private static let lostCopyAfterLostLink = Scenario(
        name: "a lost link and a lost copy", budget: .init(lostLinks: 1, orders: 1), losesCopies: true, lastCopy: 1)
    private static let ordersAndCopies = Scenario(
        name: "orders and copies", budget: .init(orders: 1), hasDenials: true, lastCopy: 1)
    private static let redrive = Scenario(
        name: "a redrive alone", budget: .init(redrives: 1), hasDenials: true)

    private static let twoJobs = Scenario(name: "two jobs of an account", hasTwoJobs: true)
    private static let twoJobsAndLostLink = Scenario(
        name: "two jobs of an account, a lost link", budget: .init(lostLinks: 1), hasTwoJobs: true)

    /// The smallest that shows what is wrong.
    init(for mutant: Mutant) {
        self =
            switch mutant {
            case .recordWithoutLeaseIsBelieved: Self.denials
            case .newGenerationIgnoresLease, .newGenerationForgetsDoubt: Self.redrive
            case .cancelWhileLeased, .staleOrder: Self.ordersAndCopies
            case .lostWhileLeased: Self.lostCopyAfterLostLink
            case .acksBeforeTheCopy, .marksBeforeTheCopy: Self.crashWithCopies
            case .overdueClosesDue: Self.lostCopy
            case .dropsWhenFenced: Self.crash
            case .callTakesNoSlot, .busySlotIsTaken, .slotIsTakenAtTheEnd, .slotWithoutTimeLimit, .slotWithoutGrace,
                .unheardFreesTheSlot, .slotIsFreedByAnybody:
                Self.twoJobsAndLostLink
            case .slotHasNoEnd, .dropsWhenBusy: Self.twoJobs
            default: Self.lostLink
            }
    }
}

extension Scenario {
    init(
        name: String, budget: SystemState.Budget = .init(), hasDenials: Bool = false, hasVagueAnswers: Bool = false,
        losesCopies: Bool = false, lastCopy: Int = 0, hasTwoJobs: Bool = false
    ) {
        self.name = name
        self.budget = budget
        self.hasDenials = hasDenials
        self.hasVagueAnswers = hasVagueAnswers
        self.losesCopies = losesCopies
        self.lastCopy = lastCopy
        self.hasTwoJobs = hasTwoJobs
    }
}
