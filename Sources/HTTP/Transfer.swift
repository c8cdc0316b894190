import CCurl
import Secrets
import Threads

/// One request in libcurl's hands. Made, used and let go on the engine's thread.
final class Transfer {
    let easy: UnsafeMutableRawPointer
    let reply: HTTPReply
    let request: HTTPRequest
    private let maxResponse: Int
    private let lines: HeaderLines
    // libcurl writes its sentence for a fault here.
    private let words: UnsafeMutablePointer<CChar>
    private var departure = Departure()
    private var headers = HeaderBlock()
    private var body: [UInt8] = []
    private var bodyExceededCap = false
    private var sentOfBody = 0

    /// - Throws: why the request cannot even be tried; the reply is then still owed.
    init(_ request: HTTPRequest, _ configuration: HTTPConfiguration, reply: HTTPReply) throws(HTTPFault) {
        if let flaw = request.flaw { throw HTTPFault(kind: .invalidRequest, detail: flaw) }
        lines = try HeaderLines(request)
        guard let easy = curl_easy_init() else {
            throw HTTPFault(kind: .other, detail: "libcurl has no memory for a transfer")
        }
        self.easy = easy
        self.request = request
        self.reply = reply
        maxResponse = configuration.maxResponse
        words = .allocate(capacity: Int(CURL_ERROR_SIZE))
        words.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        // From here on a throw runs deinit.
        try setOptions(configuration, lines: lines.list, words: words)
    }

    deinit {
        curl_easy_cleanup(easy)
        words.deallocate()
    }

    // MARK: What libcurl calls

    func willSend() -> Bool {
        departure.mayBegin(requestSize: requestSize)
    }

    func takeHeader(_ line: UnsafeRawBufferPointer) {
        headers.take(line)
    }

    /// False when the cap is passed: enough was read.
    func takeBody(_ piece: UnsafeRawBufferPointer) -> Bool {
        let room = maxResponse - body.count
        if piece.count > room { bodyExceededCap = true }
        body.append(contentsOf: piece.prefix(room))
        return !bodyExceededCap
    }

    func giveBody(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard let body = request.body else { return 0 }
        return body.withUnsafeBytes { bytes in
            let piece = UnsafeRawBufferPointer(rebasing: bytes[sentOfBody...].prefix(buffer.count))
            buffer.copyMemory(from: piece)
            sentOfBody += piece.count
            departure.gave(piece.count)
            return piece.count
        }
    }

    // MARK: The end

    /// What came of it, by the code with which libcurl ended it.
    func exchange(_ code: CURLcode) -> HTTPExchange {
        // Past the cap nothing is read any more: the answer is known.
        if code == CURLE_OK || (code == CURLE_WRITE_ERROR && bodyExceededCap) {
            guard headers.isComplete else {
                return interrupted(
                    HTTPFault(
                        kind: .truncatedHeaders, detail: "the connection ended inside the answer's headers"))
            }
            return .answered(
                HTTPResponse(
                    status: headers.status, fields: headers.fields, body: body,
                    bodyExceededCap: bodyExceededCap,
                    majorVersion: info(CURLINFO_HTTP_VERSION) >= Int(CURL_HTTP_VERSION_2_0) ? 2 : 1))
        }
        return interrupted(fault(code))
    }

    /// What it is if it ends now, without an answer.
    func interrupted(_ fault: HTTPFault) -> HTTPExchange {
        var fault = fault
        fault.sentBytes = departure.size(requestSize: requestSize)
        return fault.sentBytes > 0 ? .ambiguous(fault) : .notSent(fault)
    }

    private func fault(_ code: CURLcode) -> HTTPFault {
        let isSent = departure.hasLeft(requestSize: requestSize)
        var kind = HTTPFaultKind(code, isSent: isSent)
        // A proxy that answers CONNECT with a refusal shows as a connection that was lost.
        if !isSent, info(CURLINFO_HTTP_CONNECTCODE) >= 300 { kind = .proxy }
        let sentence = String(cString: words)
        let detail =
            kind.hasPublicWords && !sentence.isEmpty
            ? sentence : String(cString: curl_easy_strerror(code))
        return HTTPFault(kind: kind, code: Int32(bitPattern: code.rawValue), detail: detail)
    }

    private var requestSize: Int { info(CURLINFO_REQUEST_SIZE) }

    private func info(_ name: CURLINFO) -> Int {
        var value = 0
        let code = CCurl_get_long(easy, name, &value)
        precondition(code == CURLE_OK, "libcurl knows every number that it is asked for")
        return value
    }
}
