import JSON

/// What a newer program has written beside what this one knows: whoever changes a row that all share writes it back as it
/// was.
enum UnknownMembers {
    /// What makes two objects the same one, before and after a change, by the name under which they stand. Of anything
    /// else that this program writes there is nothing that it does not know.
    static let identities: [String: [String]] = [
        "holds": ["cause", "since"], "turn": ["fence"], "first": ["member", "until"], "parts": ["member"],
        "evidence": ["cause", "account", "job", "threshold", "unsent"], "met": ["cause", "member"],
        "pausedMembers": ["name", "since"], "consuming": ["member", "since"], "duties": ["duty", "member"],
        "shares": ["member"],
    ]

    /// `next`, with all of `stored` that this program does not know. `known`: what it writes of `stored` unchanged, so
    /// that what stands there is not unknown but gone.
    static func merged(_ next: JSONValue, over stored: JSONValue, knowing known: JSONValue) -> JSONValue {
        guard let members = next.members, let former = stored.members else { return next }
        var merged = members.map { member in
            let name = String(decoding: member.name, as: UTF8.self)
            guard let identity = identities[name], let old = stored[name] else { return member }
            if let elements = member.value.elements, let stored = old.elements {
                let known = known[name]?.elements ?? []
                return .init(name, .array(Self.merged(elements, over: stored, knowing: known, by: identity)))
            }
            guard Identity(member.value, identity) == Identity(old, identity) else { return member }
            return .init(name, Self.merged(member.value, over: old, knowing: known[name] ?? .null))
        }
        let written = Set(members.map(\.name)), understood = Set(known.members?.map(\.name) ?? [])
        merged += former.filter { !written.contains($0.name) && !understood.contains($0.name) }
        return .object(merged)
    }

    private static func merged(
        _ next: [JSONValue], over stored: [JSONValue], knowing known: [JSONValue], by identity: [String]
    ) -> [JSONValue] {
        let understood = Dictionary(known.map { (Identity($0, identity), $0) }, uniquingKeysWith: { first, _ in first })
        // Evidence of one job may stand there more than once: each has its own.
        var former: [Identity: [JSONValue]] = [:]
        for element in stored.reversed() { former[Identity(element, identity), default: []].append(element) }
        let merged = next.map { element in
            let key = Identity(element, identity)
            guard let known = understood[key], let old = former[key]?.popLast() else { return element }
            return Self.merged(element, over: old, knowing: known)
        }
        return merged + stored.filter { understood[Identity($0, identity)] == nil }
    }

    /// What is no object is the same as what is equal to it.
    private enum Identity: Hashable {
        case members([JSONValue?])
        case value(JSONValue)

        init(_ value: JSONValue, _ names: [String]) {
            self = value.members == nil ? .value(value) : .members(names.map { value[$0] })
        }
    }
}
