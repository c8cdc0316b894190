import Clocks
import Ledger

/// Which member this process is, and what it last heard of that. A value of the ledger's thread.
struct Membership: Sendable {
    let description: MemberDescription
    /// Of the first joining, under which what spans a return is noted.
    let firstEpoch: Int
    private(set) var epoch: Int
    private var sequence: UInt32

    /// `sequence`: of the newest fence that was given under that epoch.
    init(_ description: MemberDescription, epoch: Int, sequence: UInt32 = 0) {
        self.description = description
        self.epoch = epoch
        self.sequence = sequence
        firstEpoch = epoch
    }

    /// Under a new epoch, and with it new fences.
    mutating func rejoin(as epoch: Int) {
        self.epoch = epoch
        sequence = 0
    }

    /// Given once in the cluster, as an epoch is. Nil: those of this epoch are all given, and the member has to join anew.
    mutating func nextFence() -> Int64? {
        guard sequence < .max else { return nil }
        sequence += 1
        return Int64(epoch) << 32 | Int64(sequence)
    }

    /// It joins anew at its next heartbeat: the half that is left is more than it can claim until then.
    var needsNewEpoch: Bool { sequence > .max / 2 }

    static let isExhausted = LedgerError.unavailable(
        "this process has claimed as often as one member can: it joins anew, and goes on then")
}
