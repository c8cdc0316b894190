/// How much of one request has left, told from libcurl's counter of sent bytes. It decides whether a fault is *not
/// sent*, and keeps libcurl from sending a request a second time by itself.
///
/// The counter also counts what was said to a proxy to open a tunnel, and goes on counting when libcurl, by itself,
/// takes a new connection for the request.
struct Departure {
    // Nil until the connection stood and the request was about to go.
    private var sizeBefore: Int?
    private var bodySize = 0

    /// libcurl is about to send the request, for the first time or again. False: it must not.
    mutating func mayBegin(requestSize: Int) -> Bool {
        guard !hasLeft(requestSize: requestSize) else { return false }
        sizeBefore = requestSize
        return true
    }

    /// libcurl took so many bytes of the body.
    mutating func gave(_ count: Int) {
        bodySize += count
    }

    /// Whether any byte may have left. libcurl counts when it hands bytes to the kernel, or to HTTP/2's framing.
    func hasLeft(requestSize: Int) -> Bool {
        guard let sizeBefore else { return false }
        return requestSize > sizeBefore || bodySize > 0
    }
}
