/// Why a message is not a result that can be read.
public struct ResultFault: Error, Equatable, Sendable, CustomStringConvertible {
    public let fault: String

    init(_ fault: String) {
        self.fault = fault
    }

    public var description: String { "the result cannot be read: \(fault)" }
}
