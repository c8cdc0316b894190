import CCurl
import Clocks
import Concurrency

/// A libcurl handle that carries one transfer after another. What is the same for all is set once. What belongs to a
/// transfer is set when it begins and taken back when it ends, so that no request finds anything of the one before it.
/// Made, used and let go on the engine's thread.
final class EasyHandle {
    let easy: UnsafeMutableRawPointer
    let clock: any TimeSource
    // libcurl writes its sentence for a fault here.
    private let errorBuffer: UnsafeMutablePointer<CChar>
    // Nil while the handle rests.
    private(set) var transfer: Transfer?

    init(
        _ configuration: HTTPConfiguration, _ sockets: SocketWatch, clock: any TimeSource
    ) throws(HTTPFault) {
        guard let easy = curl_easy_init() else {
            throw HTTPFault(kind: .other, detail: "libcurl has no memory for a transfer")
        }
        self.easy = easy
        self.clock = clock
        errorBuffer = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorBuffer.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        // From here on a throw runs deinit.
        try setOptions(configuration, errorBuffer: errorBuffer)
        try require(sockets.serve(handle: easy), "news of its sockets")
    }

    deinit {
        curl_easy_cleanup(easy)
        errorBuffer.deallocate()
    }

    /// - Throws: an option that libcurl refuses. The handle is then not to be used again.
    func begin(_ transfer: Transfer) throws(HTTPFault) {
        errorBuffer[0] = 0
        self.transfer = transfer
        try setRequest(transfer)
    }

    /// Takes back what belonged to the transfer.
    /// - Throws: the handle is then not to be used again.
    func rest() throws(HTTPFault) {
        try unsetRequest()
        transfer = nil
    }

    // MARK: A connection without a transfer

    /// Sets whether libcurl ends the transfer well where it would send, with a connection that any other may take.
    ///
    /// https://curl.se/libcurl/c/CURLOPT_CONNECT_ONLY.html
    /// So it is only if this is set in the pre-request callback: the connection of a transfer that had it before is
    /// nobody else's. And only if it is taken back before the handle leaves the multi handle, which else takes the
    /// connection along. An abort in the callback closes an HTTP/1.1 connection, a new one and one that was there.
    /// No page promises that libcurl looks at the option after the callback, so no call may rest on it: a libcurl that
    /// does not look would send the request, a GET without a token.
    /// - Returns: false if libcurl refuses.
    func stopsWhenConnected(_ stops: Bool) -> Bool {
        CCurl_set_long(easy, CURLOPT_CONNECT_ONLY, stops ? 1 : 0) == CURLE_OK
    }

    // MARK: The end of a transfer

    /// What came of it, by the code with which libcurl ended it.
    func exchange(_ transfer: Transfer, _ code: CURLcode) -> HTTPExchange {
        if transfer.isTooLate { return interrupted(transfer, .tooLate) }
        guard transfer.isHeardOut(code) else { return interrupted(transfer, fault(transfer, code)) }
        let majorVersion = info(CURLINFO_HTTP_VERSION) >= Int(CURL_HTTP_VERSION_2_0) ? 2 : 1
        return transfer.response(majorVersion: majorVersion).map { .answered($0) }
            ?? interrupted(
                transfer,
                HTTPFault(kind: .truncatedHeaders, detail: "the connection ended inside the answer's headers"))
    }

    func interrupted(_ transfer: Transfer, _ fault: HTTPFault) -> HTTPExchange {
        transfer.interrupted(fault, requestSize: requestSize, hasBegun: hasBegunToSend)
    }

    private func fault(_ transfer: Transfer, _ code: CURLcode) -> HTTPFault {
        let isSent = transfer.hasLeft(requestSize: requestSize, hasBegun: hasBegunToSend)
        var kind = HTTPFaultKind(code, isSent: isSent)
        // A proxy that answers CONNECT with a refusal shows as a connection that was lost.
        if !isSent, info(CURLINFO_HTTP_CONNECTCODE) >= 300 { kind = .proxy }
        let sentence = String(cString: errorBuffer)
        let detail = kind.hasPublicText && !sentence.isEmpty ? sentence : String(cString: curl_easy_strerror(code))
        let fault = HTTPFault(kind: kind, code: Int32(bitPattern: code.rawValue), detail: detail)
        return isSent || !kind.mayBeOfThisMachine ? fault : fault.explained(.now())
    }

    /// https://curl.se/libcurl/c/CURLINFO_REQUEST_SIZE.html
    var requestSize: Int { info(CURLINFO_REQUEST_SIZE) }

    /// Set when libcurl goes on with what the kernel did not take at once, and not by a first send that fails. It
    /// outlives a retry of its own, and is gone with the next transfer.
    /// https://curl.se/libcurl/c/CURLINFO_STARTTRANSFER_TIME_T.html
    var hasBegunToSend: Bool {
        var microseconds: curl_off_t = 0
        let code = CCurl_get_off(easy, CURLINFO_STARTTRANSFER_TIME_T, &microseconds)
        precondition(code == CURLE_OK, "libcurl knows every time that it is asked for")
        return microseconds > 0
    }

    private func info(_ name: CURLINFO) -> Int {
        var value = 0
        let code = CCurl_get_long(easy, name, &value)
        precondition(code == CURLE_OK, "libcurl knows every number that it is asked for")
        return value
    }
}
