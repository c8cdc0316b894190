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

    /// Bytes that may have left, head and body. libcurl counts a head's when it hands them to the kernel, or to
    /// HTTP/2's framing, and not those of a body that it asks for.
    func size(requestSize: Int) -> Int {
        guard let sizeBefore else { return 0 }
        return requestSize - sizeBefore + bodySize
    }

    func hasLeft(requestSize: Int) -> Bool { size(requestSize: requestSize) > 0 }
}
