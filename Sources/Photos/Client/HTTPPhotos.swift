package import Clocks
package import HTTP
package import Jobs
package import Secrets

/// The API over HTTP.
package struct HTTPPhotos: PhotosCalling {
    private let engine: HTTPEngine
    private let baseURL: String

    /// `baseURL` without a slash at its end.
    package init(engine: HTTPEngine, baseURL: String) {
        self.engine = engine
        self.baseURL = baseURL
    }

    package func leave(
        _ token: ShareToken, bearer: Secret, trace: TraceContext, beginsBefore: MonotonicTime
    ) async -> Answer {
        let fields = [HTTPField("Content-Type", LeaveRequest.contentType)] + Self.fields(trace)
        let body = LeaveRequest(shareToken: token).body
        let url = Secret(copying: Array((baseURL + LeaveRequest.path).utf8))
        let request = HTTPRequest(
            .post, url: url, fields: fields, bearer: bearer, body: body, beginsBefore: beginsBefore)
        return Self.answer(await engine.send(request))
    }

    package func album(
        _ token: ShareToken, bearer: Secret, trace: TraceContext, beginsBefore: MonotonicTime
    ) async -> Answer {
        let url = AlbumRequest(shareToken: token).path.withUnsafeBytes { path in
            Secret(copying: Array(baseURL.utf8) + path)
        }
        let request = HTTPRequest(
            .get, url: url, fields: Self.fields(trace), bearer: bearer, beginsBefore: beginsBefore)
        return Self.answer(await engine.send(request))
    }

    package func warmUp() async -> String? {
        await engine.warmUp(baseURL + "/")?.description
    }

    private static func fields(_ trace: TraceContext) -> [HTTPField] {
        var fields: [HTTPField] = []
        if let correlationID = trace.correlationID, fitsHeader(correlationID) {
            fields.append(.init("X-Correlation-Id", correlationID))
        }
        if let traceparent = trace.traceparent { fields.append(.init("traceparent", traceparent)) }
        if let tracestate = trace.tracestate { fields.append(.init("tracestate", tracestate)) }
        return fields
    }

    /// A publisher's text must not add header lines.
    private static func fitsHeader(_ text: String) -> Bool {
        text.utf8.allSatisfy { (0x20...0x7e).contains($0) }
    }

    static func answer(_ exchange: HTTPExchange) -> Answer {
        switch exchange {
        case .notSent(let fault):
            switch fault.kind {
            case .tlsTrust: .tlsTrustFailure(detail: fault.detail)
            case .tooLate: .tooLate(detail: fault.detail)
            case .invalidRequest, .congested, .descriptors, .resolve, .connect, .connectTimeout, .proxy, .tls, .timeout,
                .connectionLost, .truncatedHeaders, .malformedResponse, .resendRefused, .stopped, .other:
                .notSent(detail: fault.description)
            }
        case .ambiguous(let fault): .ambiguous(detail: fault.description)
        case .answered(let response):
            .answered(
                status: response.status, fields: response.fields.map { ($0.name, $0.value) }, body: response.body,
                isWhole: response.bodyIsWhole)
        }
    }
}
