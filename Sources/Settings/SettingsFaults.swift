/// Everything that is wrong with the settings, in the order of the file. Never empty.
public struct SettingsFaults: Error, Equatable, Sendable, CustomStringConvertible {
    public let faults: [SettingsFault]

    init(_ faults: [SettingsFault]) {
        precondition(!faults.isEmpty, "settings without a fault are loaded")
        self.faults = faults
    }

    /// One line each.
    public var description: String { faults.map(\.description).joined(separator: "\n") }
}
