/// How much of one request has left, told from libcurl's counter of sent bytes. It decides whether a fault is *not
/// sent*, and keeps libcurl from sending a request a second time by itself.
///
/// The counter also counts what was said to a proxy to open a tunnel, and goes on counting when libcurl, by itself,
/// takes a new connection for the request.
struct Departure {
    // Nil until the connection stood and the request was about to go.
    private var sizeBefore: Int?

    /// libcurl is about to send the request, for the first time or again. False: it must not.
    mutating func mayBegin(requestSize: Int) -> Bool {
        guard !hasLeft(requestSize: requestSize) else { return false }
        sizeBefore = requestSize
        return true
    }

    /// Bytes that may have left. libcurl counts a head, and a body that goes together with it, when it hands them to
    /// the kernel, or to HTTP/2's framing; no body goes before its head.
    func size(requestSize: Int) -> Int {
        sizeBefore.map { requestSize - $0 } ?? 0
    }

    func hasLeft(requestSize: Int) -> Bool { size(requestSize: requestSize) > 0 }
}
