/// The members of one JSON object that somebody asked for, by name; of all others it is only known that they are JSON.
/// So what nobody reads breaks nothing: an integer beyond 64 bits, a real beyond every range, any depth, a NUL in a
/// name, half a surrogate pair, a name that is there twice.
///
/// What can be read is there even if the text as a whole is faulty: the members before the fault.
public struct JSONMembers: Sendable {
    private struct Found: Sendable {
        var name: String
        var value: Result<JSONValue, JSONFault>
        var isTwice = false
        var isIntegerOutOfRange = false
    }

    private var found: [Found] = []
    /// Where the value stands of the member that is not read, only found; up to the fault if that is in it.
    public private(set) var place: Range<Int>?
    /// Why the text is not one JSON value. A member that cannot be read is no such fault.
    public private(set) var fault: JSONFault?
    /// It is JSON, but no object: what it is instead, for a message.
    public private(set) var otherKind: String?

    /// Reads the members of these names, each strictly, as `JSONValue.parse` does. The names are ASCII. `unread`: the name
    /// of one more, of which only the place is wanted.
    public init(_ text: [UInt8], naming names: [String], placing unread: String? = nil) {
        do throws(JSONFault) {
            try JSONValue.checkEncoding(text)
        } catch {
            fault = error
            return
        }
        // What stands before the fault can still be read.
        let valid = text.lengthOfValidUTF8
        text.withUnsafeBufferPointer { whole in
            do throws(JSONFault) {
                try read(UnsafeBufferPointer(rebasing: whole[..<valid]), names, unread)
            } catch {
                fault = error
            }
        }
        if valid < text.count { fault = JSONFault(.invalidUTF8, at: valid) }
    }

    /// Whether the text is one object, whole.
    public var isObject: Bool { fault == nil && otherKind == nil }

    /// One of the names is there twice, and nobody knows which of the two was meant.
    public var ambiguity: JSONFault? {
        guard let twice = found.first(where: \.isTwice), case .failure(let fault) = twice.value else { return nil }
        return fault
    }

    /// The member is an integer that no 64 bits hold.
    public func isIntegerOutOfRange(_ name: String) -> Bool {
        found.contains { $0.name == name && $0.isIntegerOutOfRange }
    }

    /// Readable or not.
    public func has(_ name: String) -> Bool { found.contains { $0.name == name } }

    /// Nil if it is not there. Throws why it cannot be read.
    public func value(_ name: String) throws(JSONFault) -> JSONValue? {
        try found.first { $0.name == name }?.value.get()
    }

    /// Nil also for what cannot be read.
    public subscript(name: String) -> JSONValue? {
        try? found.first { $0.name == name }?.value.get()
    }

    // MARK: Reading

    private mutating func read(
        _ text: UnsafeBufferPointer<UInt8>, _ names: [String], _ unread: String?
    ) throws(JSONFault) {
        var scanner = JSONScanner(text)
        scanner.skipBlanks()
        if try scanner.take("{") {
            try readMembers(text, &scanner, names, unread)
        } else {
            let value = try scanner.skipValue()
            otherKind = Self.kind(text[value.lowerBound])
        }
        scanner.skipBlanks()
        guard scanner.isAtEnd else { throw JSONFault(.somethingAfterTheValue, at: scanner.offset) }
    }

    private mutating func readMembers(
        _ text: UnsafeBufferPointer<UInt8>, _ scanner: inout JSONScanner, _ names: [String], _ unread: String?
    ) throws(JSONFault) {
        scanner.skipBlanks()
        if try scanner.take("}") { return }
        repeat {
            let name = try scanner.skipName()
            if let unread, Self.known(text[name], [unread]) != nil {
                try find(unread, text, &scanner)
            } else {
                let value = try scanner.skipValue()
                if let known = Self.known(text[name], names) { add(known, text, value) }
            }
            scanner.skipBlanks()
        } while try scanner.take(",")
        try scanner.require("}")
    }

    private mutating func find(
        _ name: String, _ text: UnsafeBufferPointer<UInt8>, _ scanner: inout JSONScanner
    ) throws(JSONFault) {
        scanner.skipBlanks()
        if place != nil {
            found.append(
                Found(name: name, value: .failure(JSONFault(.duplicateMember, at: scanner.offset)), isTwice: true))
        }
        let start = scanner.offset
        place = start..<text.count
        place = try scanner.skipValue()
    }

    private mutating func add(_ name: String, _ text: UnsafeBufferPointer<UInt8>, _ place: Range<Int>) {
        if let first = found.firstIndex(where: { $0.name == name }) {
            found[first] = Found(
                name: name, value: .failure(JSONFault(.duplicateMember, at: place.lowerBound)), isTwice: true)
            return
        }
        let written = text[place]
        var member = Found(name: name, value: Self.value(written))
        if case .failure(let fault) = member.value, fault.kind == .numberOutOfRange {
            member.isIntegerOutOfRange = written.allSatisfy {
                $0 == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }
        }
        found.append(member)
    }

    private static func value(_ written: Slice<UnsafeBufferPointer<UInt8>>) -> Result<JSONValue, JSONFault> {
        if written.first == UInt8(ascii: "\""), !written.contains(UInt8(ascii: "\\")) {
            return .success(.string(Array(written.dropFirst().dropLast())))
        }
        do throws(JSONFault) {
            return .success(try JSONValue.parse(Array(written)))
        } catch {
            return .failure(JSONFault(error.kind, at: written.startIndex + error.offset))
        }
    }

    /// Which of the names it is; a name may be written with escapes.
    private static func known(_ written: Slice<UnsafeBufferPointer<UInt8>>, _ names: [String]) -> String? {
        guard written.contains(UInt8(ascii: "\\")) else {
            let name = written.dropFirst().dropLast()
            return names.first { $0.utf8.count == name.count && $0.utf8.elementsEqual(name) }
        }
        guard let name = (try? JSONValue.parse(Array(written)))?.utf8 else { return nil }
        return names.first { $0.utf8.elementsEqual(name) }
    }

    private static func kind(_ first: UInt8) -> String {
        switch first {
        case UInt8(ascii: "["): JSONValue.array([]).kind
        case UInt8(ascii: "\""): JSONValue.string([]).kind
        case UInt8(ascii: "t"), UInt8(ascii: "f"): JSONValue.bool(true).kind
        case UInt8(ascii: "n"): JSONValue.null.kind
        default: "a number"
        }
    }
}

extension [UInt8] {
    /// Of the bytes before the first that is no UTF-8.
    fileprivate var lengthOfValidUTF8: Int {
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: span)
            return count
        } catch {
            return error.byteOffsets.lowerBound
        }
    }
}
