import Secrets

/// Method, header and body frames of one channel become whole messages. The size in the header is a claim: nothing is
/// allocated by it.
struct FrameAssembler {
    enum Output: Equatable {
        case delivered(Frame.Deliver, Properties, Body)
        /// A mandatory message came back; its content is dropped.
        case returned(code: Int, text: String, messageID: String?)
        case violation(String)
    }

    enum Body: Equatable {
        case complete([UInt8])
        case truncated(prefix: [UInt8], size: UInt64, sha256: SHA256Digest)
    }

    private enum Head {
        case deliver(Frame.Deliver)
        case returned(code: Int, text: String)
    }

    private enum State {
        case idle
        case header(Head)
        case body(Head, Properties)
    }

    /// Kept of a body that is larger than the cap.
    static let truncatedPrefix = 65_536

    private let maximumBody: Int
    private var state = State.idle
    private var bytes: [UInt8] = []
    private var size: UInt64 = 0
    private var remaining: UInt64 = 0
    private var hasher: SHA256Hasher?

    init(maximumBody: Int) {
        self.maximumBody = maximumBody
    }

    /// Bytes of a body that are kept: never more than the larger of the cap and the prefix.
    var held: Int { bytes.count }

    /// Takes a content frame; nil while the message is incomplete. Other frames are none of its business.
    mutating func take(_ frame: Frame) -> Output? {
        switch frame {
        case .deliver(let deliver): return begin(.deliver(deliver))
        case .returned(let code, let text, _, _): return begin(.returned(code: code, text: text))
        case .header(let bodySize, let properties):
            guard case .header(let head) = state else { return Self.disorder }
            size = bodySize
            bytes = []
            hasher = bodySize > UInt64(maximumBody) ? SHA256Hasher() : nil
            guard bodySize > 0 else { return finish(head, properties) }
            state = .body(head, properties)
            remaining = bodySize
            return nil
        case .body(let piece):
            guard case .body = state else { return Self.disorder }
            guard UInt64(piece.count) <= remaining else {
                return .violation("a body of \(size) bytes was announced, and more came")
            }
            accumulate(piece)
            remaining -= UInt64(piece.count)
            guard remaining == 0, case .body(let head, let properties) = state else { return nil }
            return finish(head, properties)
        case .confirm, .refuse, .consumerCancelled, .cancelConfirmed, .channelClosed, .connectionClosed, .blocked,
            .unblocked, .heartbeat, .other:
            return nil
        }
    }

    private static let disorder = Output.violation("a content frame came out of its order")

    private mutating func begin(_ head: Head) -> Output? {
        guard case .idle = state else { return Self.disorder }
        state = .header(head)
        return nil
    }

    private mutating func accumulate(_ piece: [UInt8]) {
        guard let hasher else { return bytes.append(contentsOf: piece) }
        piece.withUnsafeBytes { hasher.update($0) }
        bytes.append(contentsOf: piece.prefix(Self.truncatedPrefix - min(bytes.count, Self.truncatedPrefix)))
    }

    private mutating func finish(_ head: Head, _ properties: Properties) -> Output {
        state = .idle
        let body: Body
        if let hasher {
            body = .truncated(prefix: bytes, size: size, sha256: hasher.finish())
        } else {
            body = .complete(bytes)
        }
        bytes = []
        hasher = nil
        switch head {
        case .deliver(let deliver): return .delivered(deliver, properties, body)
        case .returned(let code, let text):
            return .returned(code: code, text: text, messageID: properties.messageID)
        }
    }
}
