import AMQP
import Jobs
import Ledger
import Messages
import Threads

/// Whether a call may begin.
enum Claiming: Equatable, Sendable {
    /// The intent is durable.
    case claimed(OpenJob)
    /// The ledger knows otherwise than the claim presumed.
    case refused(Finding)
    /// What is left of the day is no longer what admission saw: begin again.
    case outOfDate
    case ledgerIsAway
}

/// The ledger's answers; nil means that it cannot answer now.
extension Worker {
    /// The ledger's own health decides when work goes on; this only keeps one job from asking in a loop.
    static let ledgerRetry = Duration.seconds(1)

    func look(_ hand: JobInHand) async -> Finding? {
        do throws(LedgerError) {
            return try await ledger.look(hand.arrival, at: clock.wall())
        } catch {
            onEvent(.ledgerRefused(hand.jobID, detail: error.description))
            return nil
        }
    }

    /// `isFirst`: of this turn. A job that has called asks or calls on, even beyond the day's share.
    func claim(_ hand: JobInHand, isFirst: Bool, presumesNew: Bool = false) async -> Claiming {
        let now = clock.wall()
        let isBulk = hand.item.originLane == .bulk
        guard let ticket = budget.take(isBulk: isBulk, mustBeWithin: isFirst, at: now) else { return .outOfDate }
        let claim = Claim(
            arrival: hand.arrival, kind: hand.mustAsk ? .probe : .call, day: budget.dayName(at: now), at: now,
            attempts: hand.progress.attempts, isAmbiguous: hand.progress.isAmbiguous,
            malformedAnswers: hand.progress.malformedAnswers, presumesNew: presumesNew)
        do throws(LedgerError) {
            switch try await ledger.claim(claim) {
            case .claimed(let open):
                budget.settle(ticket, isClaimed: true)
                dispatcher.callBegan(hand.job.account)
                return .claimed(open)
            case .refused(let finding):
                budget.settle(ticket, isClaimed: false)
                return .refused(finding)
            }
        } catch {
            budget.settle(ticket, isClaimed: false)
            onEvent(.ledgerRefused(hand.jobID, detail: error.description))
            return .ledgerIsAway
        }
    }

    /// The call ended and the job stays in hand. False if the ledger was closed.
    func keep(_ hand: JobInHand) async -> Bool {
        await record(
            .kept(
                hand.arrival, attempts: hand.progress.attempts, isAmbiguous: hand.progress.isAmbiguous,
                malformedAnswers: hand.progress.malformedAnswers), of: hand.jobID) != nil
    }

    /// Waits out a ledger that cannot commit. Nil if it was closed: the delivery is handed back then, and the next
    /// worker finds the open intent.
    func record(_ record: Record, of jobID: JobID) async -> Int? {
        hook(.record, .before)
        do throws(LedgerError) {
            let copy = try await ledger.record(record)
            hook(.record, .after)
            return copy
        } catch {
            onEvent(.ledgerRefused(jobID, detail: error.description))
            return nil
        }
    }

    func waitForLedger(_ hand: JobInHand, _ delivery: consuming Delivery) {
        dispatcher.putBack(delivery, as: hand.item, until: clock.now() + Self.ledgerRetry)
    }
}
