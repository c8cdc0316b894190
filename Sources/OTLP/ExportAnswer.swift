import Clocks
import HTTP
import JSON
import Secrets

/// What came of an export. https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
enum ExportAnswer: Equatable, Sendable {
    /// The collector has them, but for those that it rejected, and says why.
    case taken(rejected: Int, message: String)
    /// The same request may succeed later, and not before so long.
    case later(detail: String, retryAfter: Duration?)
    /// It never will.
    case refused(detail: String)
    /// Nobody is there to be asked any more: the engine was stopped.
    case stopped

    init(_ exchange: HTTPExchange, at now: Timestamp) {
        switch exchange {
        case .notSent(let fault), .ambiguous(let fault):
            switch fault.kind {
            case .stopped: self = .stopped
            case .invalidRequest: self = .refused(detail: fault.description)
            // A collector takes the same spans twice; who reads them sees one.
            case .congested, .tooLate, .descriptors, .resolve, .connect, .connectTimeout, .proxy, .tlsTrust, .tls,
                .timeout, .connectionLost, .truncatedHeaders, .malformedResponse, .resendRefused, .other:
                self = .later(detail: fault.description, retryAfter: nil)
            }
        case .answered(let response):
            switch response.status {
            case 200...299: self = Self.partialSuccess(response.body)
            case 429, 502, 503, 504:
                self = .later(detail: Self.detail(response), retryAfter: Self.retryAfter(response, at: now))
            default: self = .refused(detail: Self.detail(response))
            }
        }
    }

    /// An answer that says nothing, or nothing that can be read, has taken all.
    private static func partialSuccess(_ body: [UInt8]) -> ExportAnswer {
        let partial = JSONMembers(body, naming: ["partialSuccess"])["partialSuccess"]
        let rejected = partial?["rejectedSpans"]
        // Of 64 bits, and so a string; some collectors write a number.
        let count = rejected?.text.flatMap { Int($0) } ?? rejected?.integer.map { Int($0) } ?? 0
        let message = DetailText.scrubbed(partial?["errorMessage"]?.text ?? "", limit: longestMessage)
        return .taken(rejected: max(0, count), message: message)
    }

    /// Bytes of what a collector says that are logged.
    private static let longestMessage = 200

    private static func detail(_ response: HTTPResponse) -> String {
        let text = DetailText.scrubbed(
            String(decoding: response.body.prefix(longestMessage), as: UTF8.self), limit: longestMessage)
        return "HTTP \(response.status)\(text.isEmpty ? "" : ": \(text)")"
    }

    private static func retryAfter(_ response: HTTPResponse, at now: Timestamp) -> Duration? {
        guard let text = response.field("retry-after") else { return nil }
        if let seconds = Int32(text), seconds >= 0 { return .seconds(seconds) }
        return Timestamp(httpDate: text, now: now).map { max(.zero, $0 - now) }
    }
}
