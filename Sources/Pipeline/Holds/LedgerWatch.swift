import Clocks
import Concurrency
import Jobs
import Ledger

/// Hold `ledger_unavailable`, of which there are two reasons: the ledger says that it cannot commit, or it commits so
/// slowly that calls are late for it. The first it takes back itself. Of the second it knows nothing: it is asked until it
/// answers in time.
final class LedgerWatch: Sendable {
    /// An answer within it leaves most of a send window to the call.
    static let inTime = Duration.seconds(1)
    private static let pauses = Backoff(first: .seconds(2), longest: .seconds(30))

    private struct State {
        var fault: LedgerError?
        var isSlow = false
    }

    private let ledger: any JobLedger
    private let dispatcher: Dispatcher
    private let clock: any TimeSource
    // Written by the ledger's thread, by workers and by `run`; under the lock.
    private let state = Lock(State())
    private let slowed = AsyncSignal()

    init(ledger: any JobLedger, dispatcher: Dispatcher, clock: any TimeSource) {
        self.ledger = ledger
        self.dispatcher = dispatcher
        self.clock = clock
    }

    /// The ledger's own word.
    func note(_ health: LedgerHealth) {
        switch health {
        case .available:
            let isOver = state.withLock { state in
                state.fault = nil
                return !state.isSlow
            }
            dispatcher.lift(.ledgerLostCommits)
            if isOver { dispatcher.lift(.ledgerUnavailable) }
        case .comparing(let detail):
            let isOver = state.withLock { state in
                state.fault = nil
                return !state.isSlow
            }
            // First the one, and then the other is over: nothing begins between the two.
            dispatcher.hold(.ledgerLostCommits, detail: detail)
            if isOver { dispatcher.lift(.ledgerUnavailable) }
        case .unavailable(let error):
            state.withLock { $0.fault = error }
            dispatcher.hold(.ledgerUnavailable, detail: error.description)
        }
    }

    /// Calls are late for the ledger: it holds by now.
    func isSlow() {
        state.withLock { $0.isSlow = true }
        slowed.signal()
    }

    /// Works until its task is cancelled.
    func run() async {
        var seen = 0
        while await slowed.wait(for: seen + 1) {
            seen = slowed.count
            await waitUntilInTime()
        }
    }

    private func waitUntilInTime() async {
        var pauses = Self.pauses
        while !Task.isCancelled {
            await clock.sleep(for: pauses.next())
            guard !Task.isCancelled, await answersInTime() else { continue }
            let isOver = state.withLock { state in
                state.isSlow = false
                return state.fault == nil
            }
            if isOver { dispatcher.lift(.ledgerUnavailable) }
            // Its own word may have come between the two.
            if let fault = state.withLock({ $0.fault }) {
                dispatcher.hold(.ledgerUnavailable, detail: fault.description)
            }
            return
        }
    }

    /// The trial goes the way of the claims, with a commit as theirs.
    private func answersInTime() async -> Bool {
        let asked = clock.now()
        do throws(LedgerError) {
            try await ledger.commitTrial()
        } catch {
            // It says so itself.
            return false
        }
        return clock.now() - asked <= Self.inTime
    }
}
