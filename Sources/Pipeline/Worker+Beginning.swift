import AMQP
import Credentials
import Ledger
import Threads

/// How a walk begins.
enum Beginning: Sendable {
    /// A new job: its intent is durable.
    case claimed(AccessToken)
    /// What the ledger knows of it, and what admission said if it was asked and that still holds.
    case found(Finding, Admission?)
    case outOfDate
    case ledgerIsAway
}

extension Worker {
    /// What is known of the job. One that is new to all appearances, as nearly all are, is admitted first and claimed
    /// on the presumption that the ledger does not know it: that is one way to the ledger instead of two, and a claim
    /// that presumes wrongly changes nothing and says what there is.
    func begin(_ hand: inout JobInHand, mustPark: Bool) async -> Beginning {
        guard hand.seemsNew, !mustPark else { return await looked(&hand, admission: nil) }
        hook(.admit, .before)
        let admission = await admit(hand, mustPark: false)
        // Whatever keeps a new job from calling, an old one may have ended long ago.
        guard case .proceed(let token) = admission, pastDeadline(hand, at: clock.wall()) == nil else {
            return await looked(&hand, admission: admission)
        }
        hook(.admit, .after)
        hook(.claim, .before)
        switch await claim(hand, isFirst: true, presumesNew: true) {
        case .claimed(let open):
            hand.item.isKnown = true
            hand.claimed(open)
            hook(.claim, .after)
            return .claimed(token)
        case .refused(let finding):
            hand.item.isKnown = true
            return .found(finding, nil)
        case .outOfDate: return .outOfDate
        case .ledgerIsAway: return .ledgerIsAway
        }
    }

    private func looked(_ hand: inout JobInHand, admission: Admission?) async -> Beginning {
        hook(.look, .before)
        guard let finding = await look(hand) else { return .ledgerIsAway }
        hook(.look, .after)
        hand.item.isKnown = true
        // Admission saw a job without a past.
        if case .fresh(isAmbiguous: false, predecessor: nil) = finding { return .found(finding, admission) }
        return .found(finding, nil)
    }

    func hook(_ step: PathStep, _ side: PathSide) {
        onStep?(step, side)
    }
}
