import JSON

/// JSON Schema 2020-12, as much of it as `config/schemas` uses. A keyword that it does not know is a fault, so that
/// no schema says more than is tested.
struct SchemaEvaluation {
    struct UnknownKeyword: Error { let name: String }

    private static let annotations: Set = ["$schema", "$id", "$defs", "title", "description", "examples", "format"]

    let root: JSONValue

    func permits(_ value: JSONValue) throws -> Bool { try permits(value, root) }

    private func permits(_ value: JSONValue, _ schema: JSONValue) throws -> Bool {
        if let bool = schema.bool { return bool }
        for member in schema.members ?? [] {
            let keyword = String(decoding: member.name, as: UTF8.self)
            if Self.annotations.contains(keyword) { continue }
            guard try permits(value, keyword, member.value, schema) else { return false }
        }
        return true
    }

    private func permits(
        _ value: JSONValue, _ keyword: String, _ rule: JSONValue, _ schema: JSONValue
    ) throws -> Bool {
        let length = value.utf8.map { String(decoding: $0, as: UTF8.self).unicodeScalars.count }
        switch keyword {
        case "$ref":
            return try permits(value, referenced(rule.text ?? ""))
        case "type":
            return isType(value, rule.text ?? "")
        case "const":
            return value == rule
        case "enum":
            return rule.elements?.contains(value) == true
        case "required":
            guard value.members != nil else { return true }
            return rule.elements?.allSatisfy { value[$0.text ?? ""] != nil } == true
        case "properties":
            return try (rule.members ?? []).allSatisfy { property in
                guard let present = value[String(decoding: property.name, as: UTF8.self)] else { return true }
                return try permits(present, property.value)
            }
        case "additionalProperties":
            precondition(schema["properties"] == nil, "the two together are not evaluated here")
            return try (value.members ?? []).allSatisfy { try permits($0.value, rule) }
        case "maxProperties":
            return (value.members?.count ?? 0) <= (rule.integer ?? 0)
        case "minLength":
            return length ?? .max >= rule.integer ?? 0
        case "maxLength":
            return length ?? 0 <= rule.integer ?? 0
        case "minimum":
            return value.integer ?? .max >= rule.integer ?? 0
        case "maximum":
            return value.integer ?? .min <= rule.integer ?? 0
        case "pattern":
            guard let text = value.text else { return true }
            return try Regex(rule.text ?? "").matchingSemantics(.unicodeScalar).firstMatch(in: text) != nil
        case "anyOf":
            return try rule.elements?.contains { try permits(value, $0) } == true
        case "allOf":
            return try rule.elements?.allSatisfy { try permits(value, $0) } == true
        case "if":
            let branch = try permits(value, rule) ? schema["then"] : schema["else"]
            return try branch.map { try permits(value, $0) } ?? true
        case "then", "else":
            return true
        default:
            throw UnknownKeyword(name: keyword)
        }
    }

    private func referenced(_ pointer: String) throws -> JSONValue {
        let prefix = "#/$defs/"
        guard pointer.hasPrefix(prefix), let found = root["$defs"]?[String(pointer.dropFirst(prefix.count))] else {
            throw UnknownKeyword(name: pointer)
        }
        return found
    }

    private func isType(_ value: JSONValue, _ name: String) -> Bool {
        switch (value, name) {
        case (.object, "object"), (.array, "array"), (.string, "string"), (.integer, "integer"), (.integer, "number"),
            (.real, "number"), (.bool, "boolean"), (.null, "null"):
            true
        default: false
        }
    }
}
