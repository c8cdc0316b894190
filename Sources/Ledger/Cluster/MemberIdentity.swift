/// Who a daemon is among those that share its ledger.
package struct MemberIdentity: Equatable, Sendable {
    /// `ledger.instance`.
    package var name: String
    /// Of this start: given once.
    package var epoch: Int

    package init(name: String, epoch: Int) {
        self.name = name
        self.epoch = epoch
    }
}
