import CCurl
import Clocks

/// What is the same for all transfers.
extension EasyHandle {
    /// - Throws: an option that this libcurl refuses. None may be missing: most of them are promises.
    func setOptions(
        _ configuration: HTTPConfiguration, errorBuffer: UnsafeMutablePointer<CChar>
    ) throws(HTTPFault) {
        try require(CCurl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorBuffer), "its words")
        try setReach(configuration)
        try setTrust(configuration)
        try setTimes(configuration)
        try setSending(configuration)
        try setAnswer()
    }

    /// Where it may go, and which way.
    private func setReach(_ configuration: HTTPConfiguration) throws(HTTPFault) {
        try require(CCurl_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https"), "the protocols")
        // The bearer must not travel on.
        // https://curl.se/libcurl/c/CURLOPT_FOLLOWLOCATION.html
        try require(CCurl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0), "redirects")
        // Nil would mean what the environment says; empty means none, and no exceptions.
        // https://curl.se/libcurl/c/CURLOPT_PROXY.html
        try require(CCurl_set_string(easy, CURLOPT_PROXY, configuration.proxy ?? ""), "the proxy")
        try require(CCurl_set_string(easy, CURLOPT_NOPROXY, ""), "the proxy's exceptions")
        if let path = configuration.unixSocket {
            try require(CCurl_set_string(easy, CURLOPT_UNIX_SOCKET_PATH, path), "the Unix socket")
        }
        try require(CCurl_set_long(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1), "the proxy's headers")
        let version = configuration.http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1
        try require(CCurl_set_long(easy, CURLOPT_HTTP_VERSION, Int(version)), "the HTTP version")
    }

    private func setTrust(_ configuration: HTTPConfiguration) throws(HTTPFault) {
        try require(CCurl_set_long(easy, CURLOPT_SSL_VERIFYPEER, 1), "the check of certificates")
        try require(CCurl_set_long(easy, CURLOPT_SSL_VERIFYHOST, 2), "the check of names")
        try require(
            CCurl_set_long(easy, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)), "the TLS version")
        // Each connection's certificate is looked at, also where the handle had one before.
        // https://curl.se/libcurl/c/CURLOPT_SSL_SESSIONID_CACHE.html
        try require(CCurl_set_long(easy, CURLOPT_SSL_SESSIONID_CACHE, 0), "full handshakes")
        guard let caFile = configuration.caFile else { return }
        try require(CCurl_set_string(easy, CURLOPT_CAINFO, caFile), "the authorities")
        // Else the system's directory of authorities would be trusted besides.
        // https://curl.se/libcurl/c/CURLOPT_CAPATH.html
        try require(CCurl_set_string(easy, CURLOPT_CAPATH, nil), "the system's authorities")
    }

    private func setTimes(_ configuration: HTTPConfiguration) throws(HTTPFault) {
        // libcurl takes 0 as for ever.
        // https://curl.se/libcurl/c/CURLOPT_CONNECTTIMEOUT_MS.html
        let connect = max(1, configuration.connectTimeout.milliseconds)
        let whole = max(1, configuration.timeout.milliseconds)
        try require(
            CCurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, Int(connect)), "the connect timeout")
        try require(
            CCurl_set_long(easy, CURLOPT_TIMEOUT_MS, Int(whole)), "the timeout")
        // https://curl.se/libcurl/c/CURLOPT_NOSIGNAL.html
        try require(CCurl_set_long(easy, CURLOPT_NOSIGNAL, 1), "doing without signals")
        // A name that hangs in the resolver beyond the timeout is left to end by itself; else the engine's thread, and
        // every other transfer with it, would wait for it.
        // https://curl.se/libcurl/c/CURLOPT_QUICK_EXIT.html
        try require(CCurl_set_long(easy, CURLOPT_QUICK_EXIT, 1), "leaving a resolver")
    }

    private func setSending(_ configuration: HTTPConfiguration) throws(HTTPFault) {
        try require(CCurl_set_long(easy, CURLOPT_PATH_AS_IS, 1), "the path")
        try require(
            CCurl_set_string(easy, CURLOPT_USERAGENT, configuration.userAgent), "the user agent")
        // https://curl.se/libcurl/c/CURLOPT_PREREQFUNCTION.html
        // On a reused connection that dies, libcurl would else send the whole request again, silently, up to five
        // times. And it is libcurl's last question before the first byte, after the handshakes, which take their time.
        try require(
            CCurl_set_prerequest_callback(easy, mayTransferBegin), "the question before sending")
        try require(CCurl_set_pointer(easy, CURLOPT_PREREQDATA, context), "the question before sending")
    }

    private func setAnswer() throws(HTTPFault) {
        try require(CCurl_set_string(easy, CURLOPT_ACCEPT_ENCODING, "gzip"), "compression")
        // Asked for by libcurl, decoded by `ContentDecoding`, which sees whether the body is whole.
        // https://curl.se/libcurl/c/CURLOPT_HTTP_CONTENT_DECODING.html
        try require(CCurl_set_long(easy, CURLOPT_HTTP_CONTENT_DECODING, 0), "the body as it came")
        // https://curl.se/libcurl/c/CURLOPT_BUFFERSIZE.html
        // What libcurl reads at a time, allocated anew for each transfer: an answer of the API fits, and the usual 16 KiB
        // are beyond what malloc has at hand. Longer ones take more reads.
        try require(CCurl_set_long(easy, CURLOPT_BUFFERSIZE, 1_024), "the size of a read")
        try require(
            CCurl_set_data_callback(easy, CURLOPT_HEADERFUNCTION, takeTransferHeader), "the headers")
        try require(CCurl_set_pointer(easy, CURLOPT_HEADERDATA, context), "the headers")
        try require(
            CCurl_set_data_callback(easy, CURLOPT_WRITEFUNCTION, takeTransferBody), "the answer")
        try require(CCurl_set_pointer(easy, CURLOPT_WRITEDATA, context), "the answer")
    }

    /// Not retained: the engine keeps the handle for as long as libcurl has it.
    private var context: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    func require(_ code: CURLcode, _ what: String) throws(HTTPFault) {
        guard code != CURLE_OK else { return }
        throw HTTPFault(
            kind: .other, code: Int32(bitPattern: code.rawValue),
            detail: "libcurl does not take \(what): \(String(cString: curl_easy_strerror(code)))")
    }
}

// File-private and free, because a closure would take on the isolation of where it is written.

private func handle(_ context: UnsafeMutableRawPointer?) -> EasyHandle {
    guard let context else { preconditionFailure("every callback was given its handle") }
    return Unmanaged<EasyHandle>.fromOpaque(context).takeUnretainedValue()
}

private func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer {
    guard let transfer = handle(context).transfer else { preconditionFailure("libcurl does not call a handle at rest") }
    return transfer
}

private func mayTransferBegin(
    _ context: UnsafeMutableRawPointer?, _ address: UnsafeMutablePointer<CChar>?,
    _ localAddress: UnsafeMutablePointer<CChar>?, _ port: Int32, _ localPort: Int32
) -> Int32 {
    let handle = handle(context)
    let beginning = transfer(context).beginning(
        requestSize: handle.requestSize, hasBegun: handle.hasBegunToSend, clock: handle.clock)
    return switch beginning {
    case .send: CURL_PREREQFUNC_OK
    case .abort: CURL_PREREQFUNC_ABORT
    case .keepConnection: handle.stopsWhenConnected(true) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
    }
}

private func takeTransferHeader(
    _ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
    _ context: UnsafeMutableRawPointer?
) -> Int {
    transfer(context).takeHeader(UnsafeRawBufferPointer(start: data, count: size * count))
    return size * count
}

private func takeTransferBody(
    _ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
    _ context: UnsafeMutableRawPointer?
) -> Int {
    // https://curl.se/libcurl/c/CURLOPT_WRITEFUNCTION.html
    // Anything but the count ends the transfer.
    transfer(context).takeBody(UnsafeRawBufferPointer(start: data, count: size * count))
        ? size * count : 0
}
