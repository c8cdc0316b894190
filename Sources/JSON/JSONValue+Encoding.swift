extension JSONValue {
    /// The shortest text: no spaces, names sorted by their bytes at every level, so that equal values give equal bytes.
    /// A real that is not finite has no JSON; it becomes null.
    public func encoded() -> [UInt8] {
        var text = JSONText()
        write(to: &text)
        return text.bytes
    }

    private func write(to text: inout JSONText) {
        switch self {
        case .object(let members):
            text.begin(.object)
            for member in members.sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) {
                text.name(member.name)
                member.value.write(to: &text)
            }
            text.end(.object)
        case .array(let elements):
            text.begin(.array)
            for element in elements { element.write(to: &text) }
            text.end(.array)
        case .string(let bytes): text.string(bytes)
        case .integer(let number): text.integer(number)
        case .real(let number): text.word(number.isFinite ? String(number) : "null")
        case .bool(let truth): text.word(truth ? "true" : "false")
        case .null: text.word("null")
        }
    }
}
