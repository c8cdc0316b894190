import CCurl
import Glibc
import Secrets
import Threads

/// One request in libcurl's hands. Made, used and let go on the engine's thread.
final class Transfer {
    typealias Reply = CheckedContinuation<HTTPExchange, Never>

    let easy: UnsafeMutableRawPointer
    private let request: HTTPRequest
    private let reply: Reply
    private let maxResponse: Int
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var headers = HeaderBlock()
    private var body: [UInt8] = []
    fileprivate private(set) var bodyExceededCap = false
    private var sentOfBody = 0
    private var isAnswered = false

    /// Nil, with the reply given, if the request cannot be made.
    init?(_ request: HTTPRequest, _ configuration: HTTPConfiguration, reply: Reply) {
        guard let easy = curl_easy_init() else {
            reply.resume(
                returning: .notSent(HTTPFault(kind: .other, code: 0, detail: "libcurl has no memory for a transfer")))
            return nil
        }
        self.easy = easy
        self.request = request
        self.reply = reply
        maxResponse = configuration.maxResponse
        prepare(configuration)
    }

    deinit {
        curl_easy_cleanup(easy)
        wipeHeaders()
    }

    private func prepare(_ configuration: HTTPConfiguration) {
        CCurl_set_pointer(easy, CURLOPT_PRIVATE, Unmanaged.passUnretained(self).toOpaque())
        CCurl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        CCurl_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        CCurl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0)
        // Nil would mean what the environment says; empty means none.
        CCurl_set_string(easy, CURLOPT_PROXY, configuration.proxy ?? "")
        CCurl_set_string(easy, CURLOPT_NOPROXY, "")
        CCurl_set_long(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        CCurl_set_string(easy, CURLOPT_USERAGENT, configuration.userAgent)
        CCurl_set_string(easy, CURLOPT_ACCEPT_ENCODING, "gzip")
        CCurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, Int(max(1, configuration.connectTimeout.milliseconds)))
        CCurl_set_long(easy, CURLOPT_TIMEOUT_MS, Int(max(1, configuration.timeout.milliseconds)))
        CCurl_set_long(easy, CURLOPT_SSL_VERIFYPEER, 1)
        CCurl_set_long(easy, CURLOPT_SSL_VERIFYHOST, 2)
        CCurl_set_long(easy, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        if let caFile = configuration.caFile { CCurl_set_string(easy, CURLOPT_CAINFO, caFile) }
        CCurl_set_long(
            easy, CURLOPT_HTTP_VERSION, Int(configuration.http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1))
        setURL()
        setHeaders()
        if request.method == .post { setBody() }
        let context = Unmanaged.passUnretained(self).toOpaque()
        CCurl_set_data_callback(easy, CURLOPT_HEADERFUNCTION, takeHeaderLine)
        CCurl_set_pointer(easy, CURLOPT_HEADERDATA, context)
        CCurl_set_data_callback(easy, CURLOPT_WRITEFUNCTION, takeBody)
        CCurl_set_pointer(easy, CURLOPT_WRITEDATA, context)
    }

    private func setURL() {
        request.url.withUnsafeBytes { bytes in
            withCString(bytes) { _ = CCurl_set_string(easy, CURLOPT_URL, $0) }
        }
    }

    /// Lends a terminated copy, overwritten afterwards.
    private func withCString(_ bytes: UnsafeRawBufferPointer, _ use: (UnsafePointer<CChar>) -> Void) {
        var text = bytes.map { CChar(bitPattern: $0) } + [0]
        use(text)
        text.withUnsafeMutableBytes { buffer in
            if let start = buffer.baseAddress { explicit_bzero(start, buffer.count) }
        }
    }

    private func setHeaders() {
        for field in request.fields { headerList = curl_slist_append(headerList, "\(field.name): \(field.value)") }
        // No pause for a 100: the body is short.
        headerList = curl_slist_append(headerList, "Expect:")
        if let bearer = request.bearer {
            bearer.withUnsafeBytes { token in
                let line = Array("Authorization: Bearer ".utf8) + token
                line.withUnsafeBytes { bytes in
                    withCString(bytes) { headerList = curl_slist_append(headerList, $0) }
                }
            }
        }
        CCurl_set_list(easy, CURLOPT_HTTPHEADER, headerList)
    }

    private func wipeHeaders() {
        var line = headerList
        while let current = line {
            if let data = current.pointee.data { explicit_bzero(data, strlen(data)) }
            line = current.pointee.next
        }
        curl_slist_free_all(headerList)
        headerList = nil
    }

    /// From a callback that cannot go back: on a reused connection that dies, libcurl would else send the whole
    /// request again, silently, up to five times.
    private func setBody() {
        CCurl_set_long(easy, CURLOPT_POST, 1)
        CCurl_set_off(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body?.count ?? 0))
        let context = Unmanaged.passUnretained(self).toOpaque()
        CCurl_set_data_callback(easy, CURLOPT_READFUNCTION, giveBody)
        CCurl_set_pointer(easy, CURLOPT_READDATA, context)
        CCurl_set_seek_callback(easy, refuseToSeek)
    }

    // MARK: Callbacks

    fileprivate func header(_ line: UnsafeRawBufferPointer) {
        headers.take(line)
    }

    fileprivate func append(_ piece: UnsafeRawBufferPointer) {
        let room = maxResponse - body.count
        if piece.count > room { bodyExceededCap = true }
        body.append(contentsOf: piece.prefix(room))
    }

    fileprivate func give(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard let body = request.body else { return 0 }
        return body.withUnsafeBytes { bytes in
            let piece = UnsafeRawBufferPointer(rebasing: bytes[sentOfBody...].prefix(buffer.count))
            buffer.copyMemory(from: piece)
            sentOfBody += piece.count
            return piece.count
        }
    }

    // MARK: The end

    /// Bytes of the request that were handed to the network, as libcurl counts them.
    var requestSize: Int {
        var size = 0
        CCurl_get_long(easy, CURLINFO_REQUEST_SIZE, &size)
        return size
    }

    private var majorVersion: Int {
        var version = 0
        CCurl_get_long(easy, CURLINFO_HTTP_VERSION, &version)
        return version >= Int(CURL_HTTP_VERSION_2_0) ? 2 : 1
    }

    func finish(_ code: CURLcode) {
        // A body that is longer than what is kept is not read to its end: the answer is known.
        if code == CURLE_OK || (code == CURLE_WRITE_ERROR && bodyExceededCap) {
            guard headers.isComplete else {
                return answer(
                    .ambiguous(fault(.truncatedHeaders, code, "the answer ended inside its headers")))
            }
            return answer(
                .answered(
                    HTTPResponse(
                        status: headers.status, fields: headers.fields, body: body, bodyExceededCap: bodyExceededCap,
                        majorVersion: majorVersion)))
        }
        let fault = fault(Self.kind(code, sent: requestSize > 0), code, String(cString: curl_easy_strerror(code)))
        answer(requestSize == 0 && sentOfBody == 0 ? .notSent(fault) : .ambiguous(fault))
    }

    /// The engine ends with this in flight.
    func abandon() {
        let fault = fault(.stopped, CURLE_OK, "the daemon is stopping")
        answer(requestSize == 0 && sentOfBody == 0 ? .notSent(fault) : .ambiguous(fault))
    }

    private func answer(_ exchange: HTTPExchange) {
        guard !isAnswered else { return }
        isAnswered = true
        reply.resume(returning: exchange)
    }

    private func fault(_ kind: HTTPFault.Kind, _ code: CURLcode, _ detail: String) -> HTTPFault {
        HTTPFault(kind: kind, code: Int32(bitPattern: code.rawValue), detail: detail)
    }

    private static func kind(_ code: CURLcode, sent: Bool) -> HTTPFault.Kind {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .resolve
        case CURLE_COULDNT_CONNECT: .connect
        case CURLE_OPERATION_TIMEDOUT: sent ? .timeout : .connectTimeout
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CACERT_BADFILE: .tlsTrust
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER, CURLE_USE_SSL_FAILED: .tls
        case CURLE_SEND_FAIL_REWIND: .resendRefused
        case CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_PARTIAL_FILE, CURLE_HTTP2,
            CURLE_HTTP2_STREAM:
            .connectionLost
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING: .malformedAnswer
        case CURLE_URL_MALFORMAT: .invalidRequest
        default: .other
        }
    }
}

// File-private and free, because a closure would take on the isolation of where it is written.

private func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer {
    guard let context else { preconditionFailure("every callback was given its transfer") }
    return Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
}

private func takeHeaderLine(
    _ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    transfer(context).header(UnsafeRawBufferPointer(start: data, count: size * count))
    return size * count
}

private func takeBody(
    _ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    let transfer = transfer(context)
    transfer.append(UnsafeRawBufferPointer(start: data, count: size * count))
    // Anything but the count ends the transfer: enough was read.
    return transfer.bodyExceededCap ? 0 : size * count
}

private func giveBody(
    _ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    transfer(context).give(into: UnsafeMutableRawBufferPointer(start: data, count: size * count))
}

private func refuseToSeek(_ context: UnsafeMutableRawPointer?, _ offset: curl_off_t, _ origin: Int32) -> Int32 {
    CURL_SEEKFUNC_FAIL
}
