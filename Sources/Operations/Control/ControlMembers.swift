import Clocks
import JSON
import Jobs
import Secrets

/// The members of an object of the control socket, each read as the type that it must have.
struct ControlMembers {
    private let object: JSONValue

    init(_ json: JSONValue) throws(ControlFormatError) {
        guard json.members != nil else { throw ControlFormatError("it is \(json.kind), not an object") }
        object = json
    }

    func text(_ name: String) throws(ControlFormatError) -> String { try read(name, as: "a string", \.text) }

    func bool(_ name: String) throws(ControlFormatError) -> Bool { try read(name, as: "a truth value", \.bool) }

    func integer(_ name: String) throws(ControlFormatError) -> Int64 { try read(name, as: "an integer", \.integer) }

    /// An integer that is not negative.
    func count(_ name: String) throws(ControlFormatError) -> Int {
        let number = try integer(name)
        guard let count = Int(exactly: number), count >= 0 else {
            throw ControlFormatError("\(name) is \(number), not a count")
        }
        return count
    }

    /// With or without a fraction.
    func number(_ name: String) throws(ControlFormatError) -> Double {
        try read(name, as: "a number") { value in
            switch value {
            case .integer(let number): Double(number)
            case .real(let number): number
            default: nil
            }
        }
    }

    /// RFC 3339.
    func time(_ name: String) throws(ControlFormatError) -> Timestamp {
        let text = try text(name)
        guard let time = Timestamp(rfc3339: text) else {
            throw ControlFormatError("\(name) is \(DetailText.scrubbed(text)), not a time")
        }
        return time
    }

    /// A word of a closed set.
    func word<Word: RawRepresentable>(_ name: String) throws(ControlFormatError) -> Word
    where Word.RawValue == String {
        let text = try text(name)
        guard let word = Word(rawValue: text) else {
            throw ControlFormatError("\(name) is \(DetailText.scrubbed(text)), which is not known here")
        }
        return word
    }

    func jobID(_ name: String = "jobId") throws(ControlFormatError) -> JobID {
        guard let bytes = object[name]?.utf8, let id = JobID(checking: bytes) else { throw .noJobID }
        return id
    }

    func account(_ name: String = "account") throws(ControlFormatError) -> AccountID {
        AccountID(utf8: try read(name, as: "a string", \.utf8))
    }

    /// Whatever it is.
    func value(_ name: String) throws(ControlFormatError) -> JSONValue { try read(name, as: "a value", \.self) }

    func part<Part: ControlValue>(_ name: String) throws(ControlFormatError) -> Part {
        try Self.part(try value(name), in: name)
    }

    func list<Element: ControlValue>(_ name: String) throws(ControlFormatError) -> [Element] {
        try elements(name) { element, place throws(ControlFormatError) in try Self.part(element, in: place) }
    }

    func texts(_ name: String) throws(ControlFormatError) -> [String] {
        try elements(name) { element, place throws(ControlFormatError) in
            guard let text = element.text else {
                throw ControlFormatError("\(place) is \(element.kind), not a string")
            }
            return text
        }
    }

    func jobIDs(_ name: String) throws(ControlFormatError) -> [JobID] {
        try elements(name) { element, _ throws(ControlFormatError) in
            guard let id = element.utf8.flatMap(JobID.init(checking:)) else { throw .noJobID }
            return id
        }
    }

    /// Nil if there is no such member, or null.
    func optional<Value>(
        _ name: String, _ read: (String) throws(ControlFormatError) -> Value
    ) throws(ControlFormatError) -> Value? {
        switch object[name] {
        case nil, .null?: nil
        case .some: try read(name)
        }
    }

    private func read<Value>(
        _ name: String, as kind: String, _ take: (JSONValue) -> Value?
    ) throws(ControlFormatError) -> Value {
        guard let value = object[name] else { throw ControlFormatError("\(name) is missing") }
        guard let taken = take(value) else { throw ControlFormatError("\(name) is \(value.kind), not \(kind)") }
        return taken
    }

    private func elements<Element>(
        _ name: String, _ take: (JSONValue, String) throws(ControlFormatError) -> Element
    ) throws(ControlFormatError) -> [Element] {
        var taken: [Element] = []
        for (index, element) in try read(name, as: "a list", \.elements).enumerated() {
            taken.append(try take(element, "\(name)[\(index)]"))
        }
        return taken
    }

    private static func part<Part: ControlValue>(
        _ json: JSONValue, in place: String
    ) throws(ControlFormatError) -> Part {
        do throws(ControlFormatError) {
            return try Part(json: json)
        } catch {
            throw ControlFormatError("\(place): \(error)")
        }
    }
}

extension ControlFormatError {
    static var noJobID: Self { Self("a jobId is 1 to 128 of A-Z a-z 0-9 . _ : / -") }
}

/// How the parts of a request or an answer are written.
extension JSONValue {
    /// An object of the members that have a value.
    static func object(of members: KeyValuePairs<String, JSONValue?>) -> JSONValue {
        .object(members.compactMap { name, value in value.map { Member(name, $0) } })
    }

    static func count(_ number: Int) -> JSONValue { .integer(Int64(number)) }

    static func time(_ time: Timestamp) -> JSONValue { .text(time.rfc3339) }

    static func list(_ parts: [some ControlValue]) -> JSONValue { .array(parts.map(\.json)) }

    static func id(_ identity: some Identity) -> JSONValue { .string(identity.utf8) }

    static func word(_ word: some RawRepresentable<String>) -> JSONValue { .text(word.rawValue) }
}
