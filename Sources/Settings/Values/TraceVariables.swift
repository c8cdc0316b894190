package import Secrets

/// What OpenTelemetry's own variables say, as far as no setting says it.
/// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
package struct TraceVariables: Equatable, Sendable {
    package var isDisabled = false
    /// A base, to which the path of traces is appended.
    package var endpoint: String?
    /// That of traces, used as it is.
    package var tracesEndpoint: String?
    /// As `TraceHeader.parse` reads it.
    package var headers: Secret?
    /// PEM file of the authorities that are trusted for the collector. Nil: the system's.
    package var certificate: String?
    /// For one export.
    package var timeout: Duration?
    package var serviceName: String?
    /// In the variable's order, names once.
    package var resourceAttributes: [TraceHeader] = []

    package init() {}
}

/// A name with its value, as OpenTelemetry lists them: `name=value,name=value`, percent-encoded where need be.
package struct TraceHeader: Equatable, Sendable {
    package var name: String
    package var value: String

    /// No fault quotes a value: secrets may be among them.
    static func parse(_ text: String) throws(MalformedText) -> [TraceHeader] {
        var list: [TraceHeader] = []
        for part in text.split(separator: ",") {
            let pair = trimmed(part)
            if pair.isEmpty { continue }
            guard let equals = pair.firstIndex(of: "="), equals > pair.startIndex else {
                throw MalformedText(problem: "a part of it is not name=value")
            }
            let name = URIParts.percentDecoded(trimmed(pair[..<equals]))
            let value = URIParts.percentDecoded(trimmed(pair[pair.index(after: equals)...]))
            guard let name, !name.isEmpty, let value else {
                throw MalformedText(problem: "a part of it has an incomplete percent escape, or is not UTF-8")
            }
            list.append(TraceHeader(name: name, value: value))
        }
        return list
    }

    /// The same of what goes into the head of a request.
    static func parseFields(_ secret: Secret) throws(MalformedText) -> [TraceHeader] {
        let text = secret.withUnsafeBytes { String(validating: $0, as: UTF8.self) }
        guard let text else { throw MalformedText(problem: "it is not UTF-8") }
        let fields = try parse(text)
        for field in fields {
            guard field.name.utf8.allSatisfy(isTokenCharacter) else {
                throw MalformedText(problem: "a name in it is none that a header has")
            }
            guard !reserved.contains(field.name.lowercased()) else {
                throw MalformedText(problem: "\(field.name) is not for it to say")
            }
            guard field.value.utf8.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }) else {
                throw MalformedText(problem: "the value of \(field.name) has control characters")
            }
        }
        return fields
    }

    /// They say what the request is, and how it travels.
    private static let reserved: Set<String> = [
        "content-type", "content-length", "content-encoding", "transfer-encoding", "host", "connection",
    ]

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text = text.dropLast() }
        return text
    }

    private static func isTokenCharacter(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) && !"\"(),/:;<=>?@[\\]{}".utf8.contains(byte)
    }
}
