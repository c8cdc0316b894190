/// Where in the sources something was said.
public struct CodeLocation: Hashable, Sendable {
    /// `Room/File.swift`.
    public let file: String
    public let line: Int
    public let function: String

    public init(file: String, line: Int, function: String) {
        self.file = file
        self.line = line
        self.function = function
    }
}
