/// The protocol with one thing wrong. The properties are worth what they find wrong with these.
enum Mutant: String, CaseIterable {
    // Lease and window
    case takeoverAtTheEnd = "a lease is taken over at its end, not after it"
    case leaseWithoutTimeLimit = "the lease leaves out the call's time limit"
    case leaseWithoutGrace = "the lease leaves out what the network delivers later"
    case noLease = "no lease"
    case noGate = "no gate"
    case windowFromTheAnswer = "the send window counts from the claim's answer"
    case unheardClosesTheLease = "a call that went unheard closes its lease"
    case newGenerationIgnoresLease = "a new generation does not wait for the old one's call"

    // What a claim rests on
    case questionTakesNoLease = "a question takes no lease"
    case noQuestion = "no question after a call that went unheard"
    case claimIgnoresFence = "a claim does not say what it was decided under"
    case claimIgnoresDoubt = "a claim is granted to one who does not know of an unheard call"
    case takeoverForgetsIntent = "a takeover closes the intent and leaves no doubt"
    case withdrawnDecisionIsKept = "after a withdrawn claim the next rests on nothing"
    case newGenerationForgetsDoubt = "a new generation is not in doubt of the old one's call"

    // Whose word counts
    case fencedIsBelieved = "a fenced record is believed"
    case recordWithoutLeaseIsBelieved = "a record that knows of no unheard call closes one"
    case withdrawOfAnother = "a claim is withdrawn by another's fence"
    case holderIsFenced = "the holder is fenced"
    case secondResultIsBelieved = "a finished job is finished again"
    case staleOrder = "a lost job ends as it was read, whatever has become of it"
    case cancelWhileLeased = "a cancel by force does not wait for the lease"
    case lostWhileLeased = "a job is reported lost while it is leased"
    case livingCountsAsDead = "every takeover counts as a death"

    // Slots
    case callTakesNoSlot = "a call takes no slot"
    case busySlotIsTaken = "a slot is taken whoever has it"
    case slotIsTakenAtTheEnd = "a slot is free at the end of its lease, not after it"
    case slotWithoutTimeLimit = "a slot's lease leaves out the call's time limit"
    case slotWithoutGrace = "a slot's lease leaves out what the network delivers later"
    case slotHasNoEnd = "a slot that nobody frees is taken for ever"
    case unheardFreesTheSlot = "a call that went unheard frees its slot"
    case slotIsFreedByAnybody = "a record frees the slot whoever has it"
    case dropsWhenBusy = "a delivery whose account has no slot is acked"

    // Deliveries
    case questionIsNotRecorded = "the question's lease is not closed before the call is claimed"
    case dropsWhenLeased = "a delivery that finds a lease is acked"
    case dropsWhenFenced = "a delivery whose record was fenced is acked"
    case acksBeforeTheCopy = "a parked delivery is acked before its copy is published"
    case marksBeforeTheCopy = "a copy is marked before it is published"
    case overdueClosesDue = "a delivery that takes the place of an overdue copy clears when it was due"
}
