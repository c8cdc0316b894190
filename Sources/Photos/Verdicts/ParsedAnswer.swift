import Clocks
import JSON

/// An answer taken apart, so that the rows of the table can be matched with it.
struct ParsedAnswer: Sendable {
    enum Transport: Sendable {
        case notSent
        case tooLate
        case tlsTrustFailure
        case ambiguous
        case answered
    }

    enum Body: Sendable {
        /// There is none.
        case empty
        /// A JSON object without the member `error`.
        case object(JSONValue)
        /// The service's account of an error, wrapped in the member `error` or bare, alone or as the one element of an
        /// array.
        case error(APIError)
        /// A JSON object whose member `error` is not an object, so not the API's.
        case foreignError
        /// A JSON object that nobody can read for sure: a name is there twice, a number is beyond every range, it is
        /// nested too deep.
        case unreadableObject
        /// Other JSON, HTML, plain text.
        case other
        /// Cut at the cap, or undecodable: whatever is there is not what was said.
        case incomplete
    }

    let transport: Transport
    /// 0 without an answer.
    let http: Int
    let body: Body
    let bodySize: Int
    private let fields: [(name: String, value: String)]
    /// The transport's words.
    let transportDetail: String

    init(_ answer: Answer) {
        var http = 0
        var body = Body.empty
        var bodySize = 0
        var fields: [(name: String, value: String)] = []
        switch answer {
        case .notSent(let detail): (transport, transportDetail) = (.notSent, detail)
        case .tooLate(let detail): (transport, transportDetail) = (.tooLate, detail)
        case .tlsTrustFailure(let detail): (transport, transportDetail) = (.tlsTrustFailure, detail)
        case .ambiguous(let detail): (transport, transportDetail) = (.ambiguous, detail)
        case .answered(let status, let given, let bytes, let isWhole):
            (transport, transportDetail) = (.answered, "")
            http = status
            fields = given
            body = isWhole ? Self.read(bytes, http: status) : .incomplete
            bodySize = bytes.count
        }
        self.http = http
        self.body = body
        self.bodySize = bodySize
        self.fields = fields
    }

    /// The first field of this name, which is given in lower case, in whatever case.
    func field(_ name: String) -> String? {
        let name = name.utf8
        return fields.first { field in
            field.name.utf8.count == name.count && field.name.utf8.lazy.map(Self.lowercased).elementsEqual(name)
        }?.value
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    var error: APIError? {
        guard case .error(let error) = body else { return nil }
        return error
    }

    var isJSONObject: Bool {
        switch body {
        case .object, .error, .foreignError, .unreadableObject: true
        case .empty, .other, .incomplete: false
        }
    }

    /// The error's status; where it names none, what its HTTP status stands for. Nil without an error of the service's.
    var status: RPCStatus? {
        error.flatMap { $0.status ?? RPCStatus(http: http) }
    }

    /// The longer of Retry-After and RetryInfo, at most a day.
    func minimumWait(now: Timestamp) -> Duration? {
        let longest = Duration.seconds(24 * 60 * 60)
        let asked = [retryAfter(now: now), error?.retryDelay].compactMap(\.self).max()
        return asked.flatMap { $0 > .zero ? min($0, longest) : nil }
    }

    /// RFC 9110, section 10.2.3: seconds or a date.
    private func retryAfter(now: Timestamp) -> Duration? {
        guard let value = field("retry-after") else { return nil }
        if !value.isEmpty, value.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            // What does not fit is more than a day in any case.
            return .seconds(Int64(value).map { min($0, 1_000_000) } ?? 1_000_000)
        }
        return Timestamp(httpDate: value, now: now).map { $0 - now }
    }

    /// RFC 9110, section 6.6.1.
    func serverTime(now: Timestamp) -> Timestamp? {
        field("date").flatMap { Timestamp(httpDate: $0, now: now) }
    }

    private static func read(_ bytes: [UInt8], http: Int) -> Body {
        guard !bytes.isEmpty else { return .empty }
        guard let value = try? JSONValue.parse(bytes) else {
            return JSONMembers(bytes, naming: []).isObject ? .unreadableObject : .other
        }
        if value.members != nil { return read(object: value, http: http) }
        // Some fronts wrap an error in an array. A success is one object, and nothing around it.
        guard http >= 300, let elements = value.elements, elements.count == 1, elements[0].members != nil else {
            return .other
        }
        return read(object: elements[0], http: http)
    }

    private static func read(object value: JSONValue, http: Int) -> Body {
        if let error = value["error"] { return error.members == nil ? .foreignError : .error(APIError(error)) }
        // Some fronts leave the wrapper out. In a success the same members would be an answer's own.
        let isBareStatus = http >= 400 && value["code"]?.integer != nil && value["message"]?.utf8 != nil
        return isBareStatus ? .error(APIError(value)) : .object(value)
    }
}
