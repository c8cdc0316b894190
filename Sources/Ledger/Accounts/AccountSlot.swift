package import Clocks

/// A place for one call of an account at a time, which a claim takes: what several workers share of the account.
///
/// An account has as many as `AccountLimits.slots`, each a row by its number, from 0; one that nobody has taken yet has
/// no row and is free. Number 0 also has what concerns the account as a whole: the wait after a refusal. Whoever takes,
/// frees or gives back a slot changes `busyFence`, `busyUntil` and `tat`, on the condition that `busyFence` is what was
/// read; whoever notes a refusal or its end changes `waitUntil`, `waitCause` and `step`, on the condition that those
/// are. So neither undoes the other's word. A row that holds nothing any more may be deleted at any time.
package struct AccountSlot: Equatable, Sendable {
    package var number: Int
    /// Of the claim whose call has the slot. Nil: it is free.
    package var busyFence: Int64?
    /// The end of that claim's lease. At that very moment the slot is still taken; after it anybody may take it.
    package var busyUntil: Timestamp?
    /// The theoretical arrival time of the generic cell rate algorithm (ITU-T I.371): when the slot's next call would
    /// begin if they came evenly at its rate. Nil: no limit, or no call yet.
    package var tat: Timestamp?
    /// Until when the account is left alone, and why. Only in number 0.
    package var waitUntil: Timestamp?
    package var waitCause: AccountWaitCause?
    /// Refusals in a row, with no success since. Only in number 0.
    package var step = 0

    package init(number: Int) {
        self.number = number
    }

    /// A call may be under way in it.
    package func isBusy(at now: Timestamp) -> Bool { busyUntil.map { $0 >= now } ?? false }

    /// What a claim took, for the case that it is withdrawn.
    package struct Taken: Equatable, Sendable {
        package var number: Int
        /// The slot's theoretical arrival time as it was before.
        package var earlierTAT: Timestamp?

        package init(number: Int, earlierTAT: Timestamp?) {
            (self.number, self.earlierTAT) = (number, earlierTAT)
        }
    }
}

/// Why no call of an account may begin now, and when one may be claimed again.
package enum AccountBusy: Equatable, Sendable {
    /// As many calls as may be are under way. At the latest then one of them is over; mostly long before.
    case calls(endingBy: Timestamp)
    /// Its minute is spent until then.
    case rate(until: Timestamp)
    /// The API refused the account, to whichever worker, and it is left alone until then.
    case refused(AccountWaitCause, until: Timestamp)
}
