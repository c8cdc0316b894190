import CCurl
import Secrets

/// What belongs to one transfer.
extension EasyHandle {
    func setRequest(_ transfer: Transfer) throws(HTTPFault) {
        let request = transfer.request
        let code = request.url.withUnsafeBytes { url in
            withWipedCString(url) { CCurl_set_string(easy, CURLOPT_URL, $0) }
        }
        try require(code, "the URL")
        try require(CCurl_set_list(easy, CURLOPT_HTTPHEADER, transfer.lines.list), "the header lines")
        switch request.method {
        case .get: try require(CCurl_set_long(easy, CURLOPT_HTTPGET, 1), "the method")
        case .post: try setBody(request.body)
        }
    }

    /// Nothing of a request stays behind to be sent again. libcurl's own parsed URL does, until the next one.
    func unsetRequest() throws(HTTPFault) {
        try setBody(nil)
        try require(CCurl_set_list(easy, CURLOPT_HTTPHEADER, nil), "no header lines")
        try require(CCurl_set_string(easy, CURLOPT_URL, nil), "no URL")
    }

    /// Lent, not copied: the transfer keeps the request. Over HTTP/1.1 a short one goes together with the head.
    private func setBody(_ body: Secret?) throws(HTTPFault) {
        try require(CCurl_set_off(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body?.count ?? 0)), "the body's size")
        let bytes = body?.withUnsafeBytes { $0.baseAddress } ?? UnsafeRawPointer(noBody.utf8Start)
        try require(CCurl_set_body(easy, bytes), "the body")
    }
}

/// Without an address libcurl would read the process's standard input.
private let noBody: StaticString = ""
