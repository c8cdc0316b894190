import CCurl

extension HTTPFaultKind {
    /// - Parameter isSent: whether any of the request left.
    init(_ code: CURLcode, isSent: Bool) {
        self =
            switch code {
            case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .resolve
            case CURLE_COULDNT_CONNECT: .connect
            case CURLE_OPERATION_TIMEDOUT: isSent ? .timeout : .connectTimeout
            case CURLE_PROXY: .proxy
            case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CACERT_BADFILE:
                .tlsTrust
            case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER, CURLE_USE_SSL_FAILED,
                CURLE_SSL_ENGINE_INITFAILED:
                .tls
            // The question before a second sending was answered with no; the other is libcurl's own word for it.
            case CURLE_SEND_FAIL_REWIND, CURLE_ABORTED_BY_CALLBACK: .resendRefused
            case CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_PARTIAL_FILE, CURLE_HTTP2,
                CURLE_HTTP2_STREAM:
                .connectionLost
            // 1 is junk where a status line should be.
            case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING:
                .malformedResponse
            case CURLE_URL_MALFORMAT: .invalidRequest
            default: .other
            }
    }

    /// libcurl's own sentence for such a fault names hosts, ports and certificates, and nothing of the request.
    var hasPublicText: Bool {
        switch self {
        case .resolve, .connect, .connectTimeout, .proxy, .tlsTrust, .tls, .timeout: true
        case .invalidRequest, .congested, .tooLate, .connectionLost, .truncatedHeaders, .malformedResponse,
            .resendRefused, .stopped, .other, .descriptors:
            false
        }
    }

    /// What this machine alone may have brought about, before any of the request left: for want of a descriptor libcurl
    /// finds no name, makes no connection, and trusts no certificate whose authority it cannot read.
    var mayBeOfThisMachine: Bool {
        switch self {
        case .resolve, .connect, .proxy, .tlsTrust, .tls, .other: true
        case .invalidRequest, .congested, .tooLate, .descriptors, .connectTimeout, .timeout, .connectionLost,
            .truncatedHeaders, .malformedResponse, .resendRefused, .stopped:
            false
        }
    }
}
