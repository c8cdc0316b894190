/// Why a token file cannot be used. It never quotes the file.
public struct TokenFileError: Error, Equatable, Sendable, CustomStringConvertible {
    public let path: String
    /// From 1; nil for the file as a whole.
    public let line: Int?
    public let problem: String

    /// `/etc/leave-albumd/tokens:3: the token is empty`
    public var description: String {
        "\(path)\(line.map { ":\($0)" } ?? ""): \(problem)"
    }
}
