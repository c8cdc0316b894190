public import HTTP
public import Jobs
public import Photos
public import Secrets

/// The API over HTTP.
public struct HTTPPhotos: PhotosCalling {
    private let engine: HTTPEngine
    private let leaveURL: String

    /// `baseURL` without a slash at its end.
    public init(engine: HTTPEngine, baseURL: String) {
        self.engine = engine
        leaveURL = baseURL + LeaveRequest.path
    }

    public func leave(_ token: ShareToken, bearer: Secret, trace: TraceContext) async -> Answer {
        var fields = [HTTPField("Content-Type", LeaveRequest.contentType)]
        if let correlationID = trace.correlationID, Self.fitsHeader(correlationID) {
            fields.append(.init("X-Correlation-Id", correlationID))
        }
        if let traceparent = trace.traceparent { fields.append(.init("traceparent", traceparent)) }
        if let tracestate = trace.tracestate { fields.append(.init("tracestate", tracestate)) }
        let body = LeaveRequest(shareToken: token).body
        let request = HTTPRequest(.post, url: leaveURL, fields: fields, bearer: bearer, body: body)
        return Self.answer(await engine.send(request))
    }

    /// A publisher's text must not add header lines.
    private static func fitsHeader(_ text: String) -> Bool {
        text.utf8.allSatisfy { (0x20...0x7e).contains($0) }
    }

    static func answer(_ exchange: HTTPExchange) -> Answer {
        switch exchange {
        case .notSent(let fault):
            fault.kind == .tlsTrust ? .tlsTrustFailure(detail: fault.detail) : .notSent(detail: fault.description)
        case .ambiguous(let fault): .ambiguous(detail: fault.description)
        case .answered(let response):
            .answered(status: response.status, fields: response.fields.map { ($0.name, $0.value) }, body: response.body)
        }
    }
}
