package import JSON
import Jobs

/// A value with one form on the control socket: a request's arguments, an answer, a part of either. Both ends use the
/// same type, so what one writes is what the other reads.
package protocol ControlValue: Equatable, Sendable {
    /// Other tools read this form: names and types of its members are fixed.
    var json: JSONValue { get }

    /// Reads the form that `json` writes; members that are not known are ignored.
    ///
    /// - Throws: which member is missing or of a wrong type. Nothing is made up in its place.
    init(json: JSONValue) throws(ControlFormatError)
}

/// A member of a request or of an answer that is not what it must be.
package struct ControlFormatError: Error, Equatable, Sendable, CustomStringConvertible {
    /// `pruned is missing`
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// An object of any members, for what only passes through.
extension JSONValue: ControlValue {
    package var json: JSONValue { self }

    package init(json: JSONValue) throws(ControlFormatError) {
        _ = try ControlMembers(json)
        self = json
    }
}
