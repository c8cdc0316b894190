/// A setting in which a live member differs from this one.
package struct DifferingSetting: Hashable, Sendable, CustomStringConvertible {
    /// Of the other member.
    package var name: String
    package var epoch: Int
    /// As the settings file has it.
    package var key: String

    package init(name: String, epoch: Int, key: String) {
        self.name = name
        self.epoch = epoch
        self.key = key
    }

    package var description: String { "\(key) of \(name)#\(epoch)" }
}
