package import Clocks
package import Jobs

/// Every decision about an account's slots, as functions of its rows: a ledger loads them all, asks here, and saves
/// what is given back.
///
/// A slot is not what keeps a job's own calls apart, that is the lease of its row: it keeps apart those of the account's
/// different jobs. It is taken by the commit of the claim and freed by the one of the record that heard the call. What
/// is never recorded, or went unheard, keeps it to the end of the lease and no longer, so that none is lost. An album
/// query has no effect, and takes none.
package enum AccountSlotRules {
    package enum Ruling: Equatable, Sendable {
        /// The slot as it is to be saved, if it still has the fence that it had.
        case taken(AccountSlot, AccountSlot.Taken)
        /// Nothing is to be written.
        case busy(AccountBusy)
    }

    // MARK: take

    /// What a claim of a call gets. `slots`: all rows of the account. `fence`, `callUntil`: of the lease. `job`: its
    /// hash says where the search begins, so that several workers do not try for the same slot first.
    package static func take(
        _ slots: [AccountSlot], for job: JobID, fence: Int64, callUntil: Timestamp, limits: AccountLimits,
        at now: Timestamp
    ) -> Ruling {
        if let first = slots.first(where: { $0.number == 0 }), let until = first.waitUntil, until > now,
            let cause = first.waitCause
        {
            return .busy(.refused(cause, until: until))
        }
        // Also those with a number that is past the limit: it has been lowered since, and their calls count.
        let ends = slots.filter { $0.isBusy(at: now) }.compactMap(\.busyUntil)
        if ends.count >= limits.slots, let end = ends.min() { return .busy(.calls(endingBy: end)) }
        let first = Int(hash(job) % UInt64(limits.slots))
        var next: Timestamp?
        for offset in 0..<limits.slots {
            let number = (first + offset) % limits.slots
            let slot = slots.first { $0.number == number } ?? AccountSlot(number: number)
            guard !slot.isBusy(at: now), let rate = Rate(limits, of: number) else { continue }
            guard let opens = rate.opens(slot.tat), opens > now else {
                var taken = slot
                (taken.busyFence, taken.busyUntil) = (fence, callUntil)
                taken.tat = rate.next(slot.tat, at: now)
                return .taken(taken, AccountSlot.Taken(number: number, earlierTAT: slot.tat))
            }
            next = min(next ?? opens, opens)
        }
        if let next { return .busy(.rate(until: next)) }
        guard let end = ends.min() else { preconditionFailure("a limit that is not 0 gives some slot a part") }
        return .busy(.calls(endingBy: end))
    }

    /// FNV-1a, the same in every process.
    /// https://datatracker.ietf.org/doc/html/draft-eastlake-fnv
    private static func hash(_ job: JobID) -> UInt64 {
        job.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    // MARK: free

    /// The slot that the claim of `fence` has, without it: the call was heard. Nil: it has none, or not any more.
    package static func free(_ slots: [AccountSlot], fence: Int64) -> AccountSlot? {
        guard var slot = slots.first(where: { $0.busyFence == fence }) else { return nil }
        (slot.busyFence, slot.busyUntil) = (nil, nil)
        return slot
    }

    /// The slot without a claim of which nothing was sent: as `free`, and its rate is given back.
    package static func withdraw(_ slots: [AccountSlot], fence: Int64, _ taken: AccountSlot.Taken?) -> AccountSlot? {
        guard var slot = free(slots, fence: fence) else { return nil }
        if let taken, taken.number == slot.number { slot.tat = taken.earlierTAT }
        return slot
    }

    // MARK: refusals

    /// Slot 0 after the API refused the account for its rate, with the time until which it is left alone. A refusal
    /// while it is left alone was of a call that had begun before: it is no further step.
    package static func refuse(
        _ slots: [AccountSlot], _ cause: AccountWaitCause, atLeast minimum: Duration, at now: Timestamp
    ) -> (slot: AccountSlot, until: Timestamp) {
        var slot = slots.first { $0.number == 0 } ?? AccountSlot(number: 0)
        let until: Timestamp
        if let running = slot.waitUntil, running > now {
            until = max(running, now + minimum)
        } else {
            until = now + max(minimum, cause.wait(step: slot.step))
            slot.step += 1
            slot.waitCause = cause
        }
        slot.waitUntil = until
        return (slot, until)
    }

    /// Slot 0 after a success, or nil if that says nothing: there was no refusal, or the account is left alone for one
    /// that came after the call had begun.
    package static func succeed(_ slots: [AccountSlot], at now: Timestamp) -> AccountSlot? {
        guard var slot = slots.first(where: { $0.number == 0 }), slot.step > 0,
            slot.waitUntil.map({ $0 <= now }) ?? true
        else { return nil }
        (slot.waitUntil, slot.waitCause, slot.step) = (nil, nil, 0)
        return slot
    }

    /// A slot's part of the account's minute: the parts of all of them are the minute, so that a row decides alone.
    ///
    /// A quarter of it may begin at once, and what that leaves comes evenly: in no 61 seconds are there more than the
    /// part, at whatever time they begin.
    private struct Rate {
        let interval: Duration
        let atOnce: Int

        /// Nil: the slot has no part of a minute that has fewer calls than there are slots.
        init?(_ limits: AccountLimits, of number: Int) {
            guard limits.perMinute > 0 else {
                (interval, atOnce) = (.zero, 1)
                return
            }
            let part = limits.perMinute / limits.slots + (number < limits.perMinute % limits.slots ? 1 : 0)
            guard part > 0 else { return nil }
            atOnce = max(1, part / 4)
            // Rounded up: times have milliseconds.
            let intervals = Int64(part - atOnce + 1)
            interval = .milliseconds((AccountLimits.minute.milliseconds + intervals - 1) / intervals)
        }

        /// When a call may begin, by the slot's theoretical arrival time; nil: at once.
        func opens(_ tat: Timestamp?) -> Timestamp? {
            interval > .zero ? tat.map { $0 - interval * (atOnce - 1) } : nil
        }

        /// The theoretical arrival time after a call at `now`.
        func next(_ tat: Timestamp?, at now: Timestamp) -> Timestamp? {
            interval > .zero ? max(tat ?? now, now) + interval : nil
        }
    }
}
