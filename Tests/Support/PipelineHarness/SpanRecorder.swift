import Concurrency
package import Tracing

/// Keeps the spans that come, for a test to read.
package final class SpanRecorder: SpanSink {
    private struct State {
        var spans: [Span] = []
        var dropped = 0
    }

    private let state = Lock(State())
    /// Of spans that nobody may want.
    package let places: SpanPlaces

    package init(places: Int = SpanPlaces.all) {
        self.places = SpanPlaces(places)
    }

    package func take(_ spans: [Span]) { state.withLock { $0.spans += spans } }
    package func drop(_ count: Int) { state.withLock { $0.dropped += count } }

    /// In the order of their coming.
    package var all: [Span] { state.withLock { $0.spans } }
    package var dropped: Int { state.withLock { $0.dropped } }

    /// A line for each, under its parent, in the order of their beginnings.
    package var tree: [String] {
        let spans = all.sorted { ($0.start, $0.name) < ($1.start, $1.name) }
        let known = Set(spans.map(\.context.spanID))
        func lines(under parent: SpanID?, _ depth: Int) -> [String] {
            spans.filter { span in
                guard let parent else { return span.parent.map { !known.contains($0.spanID) } ?? true }
                return span.parent?.spanID == parent
            }.flatMap { span in
                [String(repeating: "  ", count: depth) + span.line(isRoot: parent == nil)]
                    + lines(under: span.context.spanID, depth + 1)
            }
        }
        return lines(under: nil, 0)
    }
}

extension Span {
    package func text(_ name: String) -> String? {
        switch attributes.first(where: { $0.name == name })?.value {
        case .string(let text): text
        case .integer(let number): "\(number)"
        case .boolean(let isSo): "\(isSo)"
        case nil: nil
        }
    }

    fileprivate func line(isRoot: Bool) -> String {
        let kind =
            switch kind {
            case .client: "CLIENT"
            case .producer: "PRODUCER"
            case .consumer: "CONSUMER"
            }
        var line = "\(name) \(kind)"
        if isRoot, parent != nil { line += " under the publisher" }
        if let status = text("http.response.status_code") { line += " \(status)" }
        if let count = text("http.request.resend_count") { line += ", again \(count)" }
        if let settled = text("leave_album.settled") { line += ": \(settled)" }
        if let outcome = text("leave_album.outcome") { line += " \(outcome)" }
        if case .error = status { line += ", failed: \(text("error.type") ?? "")" }
        return line
    }
}
