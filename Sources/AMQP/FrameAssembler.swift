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
        case body(Head, Properties, remaining: UInt64)
    }

    /// Kept of a body that is larger than the cap.
    static let truncatedPrefix = 65_536

    private let maximumBody: Int
    private var state = State.idle
    private var bytes: [UInt8] = []
    private var size: UInt64 = 0
    private var hasher: SHA256Hasher?

    init(maximumBody: Int) {
        self.maximumBody = maximumBody
    }

    /// Bytes of a body in hand: never more than the larger of the cap and the prefix.
    var held: Int { bytes.count }

    /// Takes a content frame; nil while the message is incomplete. Other frames are none of its business.
    mutating func take(_ frame: Frame) -> Output? {
        switch (state, frame) {
        case (.idle, .deliver(let deliver)):
            state = .header(.deliver(deliver))
            return nil
        case (.idle, .returned(let code, let text, _, _)):
            state = .header(.returned(code: code, text: text))
            return nil
        case (.header(let head), .header(let bodySize, let properties)):
            size = bodySize
            bytes = []
            hasher = bodySize > UInt64(maximumBody) ? SHA256Hasher() : nil
            guard bodySize > 0 else { return finish(head, properties) }
            state = .body(head, properties, remaining: bodySize)
            return nil
        case (.body(let head, let properties, let remaining), .body(let piece)):
            guard UInt64(piece.count) <= remaining else {
                return .violation("a body of \(size) bytes was announced, and more came")
            }
            keep(piece)
            let rest = remaining - UInt64(piece.count)
            guard rest == 0 else {
                state = .body(head, properties, remaining: rest)
                return nil
            }
            return finish(head, properties)
        case (_, .deliver), (_, .returned), (_, .header), (_, .body):
            return .violation("a content frame came out of its order")
        case (_, .confirm), (_, .refuse), (_, .consumerCancelled), (_, .cancelConfirmed), (_, .channelClosed),
            (_, .connectionClosed),
            (_, .blocked), (_, .unblocked), (_, .heartbeat), (_, .other):
            return nil
        }
    }

    private mutating func keep(_ piece: [UInt8]) {
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
