package import Clocks
package import HTTP

extension SpanExporter {
    /// Has the collector take no spans, which shows that it would take some: name, network, TLS, path and headers are
    /// right.
    /// - Returns: why it would not; nil if it would.
    package static func refusal(
        by configuration: ExporterConfiguration, over engine: HTTPEngine, at now: Timestamp
    ) async -> String? {
        let request = configuration.request(Array(#"{"resourceSpans":[]}"#.utf8))
        switch ExportAnswer(await engine.send(request), at: now) {
        case .taken: return nil
        case .later(let detail, _), .refused(let detail): return detail
        case .stopped: return "this command is ending"
        }
    }
}
