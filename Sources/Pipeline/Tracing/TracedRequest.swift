import Clocks
import Jobs
import Photos
import Tracing

/// What the span of a request to the API says of it, by the conventions for HTTP clients. The share token is in no span:
/// it is the question's path.
/// https://github.com/open-telemetry/semantic-conventions/blob/v1.40.0/docs/http/http-spans.md
extension JobRun {
    /// Nil where nobody wants spans.
    func beginSpan(of request: PipelineEvent.Call.Request, at now: MonotonicTime) -> OpenSpan? {
        guard let trace = item.trace else { return nil }
        let span = trace.makeSpan()
        // Failed attempts of earlier deliveries are known by their count alone.
        let earlier = max(
            trace.countRequest(request), request == .leave ? progress.attempts + item.unspent : 0)
        span.begin(at: now) { [tracing = trace.tracing] in
            let target = request.target
            var attributes = [
                SpanAttribute("http.request.method", target.method),
                SpanAttribute("url.full", tracing.api.baseURL + target.path),
                SpanAttribute("url.template", target.template),
                SpanAttribute("server.address", tracing.api.host), SpanAttribute("server.port", tracing.api.port),
                SpanAttribute("leave_album.job.id", jobID.string),
            ]
            if earlier > 0 { attributes.append(SpanAttribute("http.request.resend_count", earlier)) }
            return ("\(target.method) \(target.template)", .client, attributes)
        }
        return span
    }
}

extension PipelineEvent.Call.Request {
    /// Method, path without a secret, and path without anything that differs between jobs.
    fileprivate var target: (method: String, path: String, template: String) {
        switch self {
        case .leave: ("POST", LeaveRequest.path, LeaveRequest.path)
        case .album: ("GET", AlbumRequest.redactedPath, AlbumRequest.pathTemplate)
        }
    }
}

extension OpenSpan {
    func end(_ verdict: Verdict, at now: MonotonicTime) {
        end(at: now) { span in
            span.add("http.response.status_code", verdict.httpStatus.map { .integer(Int64($0)) })
            span.add("leave_album.api.status", verdict.apiStatus.map { .string($0) })
            span.add("leave_album.verdict", .string(verdict.action.word))
            if let type = verdict.errorType { span.fail(type, verdict.detail) }
        }
    }
}

extension Verdict {
    /// Why the request failed, in a word of a closed set and the status codes; nil if it did not.
    fileprivate var errorType: String? {
        switch action {
        case .left, .alreadyLeft: nil
        case .malformedAnswer: httpStatus.map { $0 < 400 ? "malformed_answer" : "\($0)" } ?? "malformed_answer"
        case .withdraw: "too_late"
        case .retryNetwork where httpStatus == nil: "not_sent"
        case .hold(.tlsTrust) where httpStatus == nil: "tls_trust"
        case .dead, .deadUnlessSystemic, .tokenRefused, .retryNetwork, .retry, .retryQueryingAtLast, .queryAlbum, .call,
            .retryOnFreshToken, .hold, .throttle, .endDay, .delayAccount, .delayAccountLonger:
            httpStatus.map { $0 >= 300 ? "\($0)" : nil } ?? "no_answer"
        }
    }
}
