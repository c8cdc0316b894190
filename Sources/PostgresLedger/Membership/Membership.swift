import Clocks
import Ledger

/// Which member this process is, and what it last heard of that. A value of the ledger's thread.
struct Membership: Sendable {
    let description: MemberDescription
    /// Of the first joining, under which what spans a return is noted.
    let firstEpoch: Int
    private(set) var epoch: Int
    private var sequence: UInt32 = 0

    init(_ description: MemberDescription, epoch: Int) {
        self.description = description
        self.epoch = epoch
        firstEpoch = epoch
    }

    /// Under a new epoch, and with it new fences.
    mutating func rejoin(as epoch: Int) {
        self.epoch = epoch
        sequence = 0
    }

    /// Given once in the cluster: an epoch is given once, and a process makes fewer claims than there are numbers.
    mutating func nextFence() -> Int64 {
        sequence += 1
        return Int64(epoch) << 32 | Int64(sequence)
    }
}
