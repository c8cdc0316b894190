package import Clocks

/// A process that works, or worked, on a shared ledger, as all of them see it.
package struct ClusterMember: Equatable, Sendable {
    /// The raw value is the word of the table, of status and of metrics.
    package enum State: String, CaseIterable, Sendable {
        case working
        /// It ends: what it began it brings to its end, and it takes nothing new.
        case draining
        /// It ended in order.
        case gone
        /// It has not been heard of in time. It may be back one day, and joins anew then.
        case dead

        /// It claims, and spends of the day. Whoever has ended does neither, ever again.
        package var isLive: Bool {
            switch self {
            case .working, .draining: true
            case .gone, .dead: false
            }
        }
    }

    /// Given once: to each start of a process, and to each return of one that was taken for dead.
    package var epoch: Int
    /// By default its host's. Two live members may have the same.
    package var name: String
    package var version: String
    package var state: State
    package var started: Timestamp
    /// When it was heard of last.
    package var seen: Timestamp
    /// How long ago that is, by the database's clock.
    package var lag: Duration
    /// A few digits of a hash of the settings in which members should not differ: who has others has another one.
    package var settings: String
    /// The versions of a database's schema that its program works with, as far as it knows them. A newer one may have let
    /// it in all the same. Nil for a ledger without any.
    package var schema: ClosedRange<Int>?
    /// What it says of itself, as JSON.
    package var report: String
    /// An operator has paused whoever bears its name. Of those that have ended, said of the newest of a name alone, and
    /// only where no live one has it.
    package var isPaused: Bool

    package init(
        epoch: Int, name: String, version: String, state: State, started: Timestamp, seen: Timestamp,
        lag: Duration = .zero, settings: String = "", schema: ClosedRange<Int>? = nil, report: String,
        isPaused: Bool = false
    ) {
        self.epoch = epoch
        self.name = name
        self.version = version
        self.state = state
        self.started = started
        self.seen = seen
        self.lag = lag
        self.settings = settings
        self.schema = schema
        self.report = report
        self.isPaused = isPaused
    }
}

extension [ClusterMember] {
    /// Says of which members an operator has paused the name. They are in the order of their epochs.
    package mutating func note(paused names: Set<String>) {
        for name in names {
            let own = indices.filter { self[$0].name == name }
            let live = own.filter { self[$0].state.isLive }
            for index in live.isEmpty ? [Int](own.suffix(1)) : live { self[index].isPaused = true }
        }
    }
}

/// What a process says of itself when it joins.
package struct MemberDescription: Sendable {
    /// `ledger.instance`.
    package var name: String
    /// Of the program.
    package var version: String
    /// Settings in which members should not differ: a digest of each by its key. Asked for as `report` is.
    package var settings: @Sendable () -> [String: String]
    /// JSON of what it is at, asked for at each heartbeat, on the ledger's thread. It must not block.
    package var report: @Sendable () -> String

    package init(
        name: String, version: String, settings: @escaping @Sendable () -> [String: String] = { [:] },
        report: @escaping @Sendable () -> String = { "{}" }
    ) {
        self.name = name
        self.version = version
        self.settings = settings
        self.report = report
    }
}
