/// How much of one request has left, told from libcurl's counter of sent bytes and from whether it has gone on to send.
/// It decides whether a fault is *not sent*, and keeps libcurl from sending a request a second time by itself.
///
/// The counter also counts what was said to a proxy to open a tunnel, and goes on counting when libcurl, by itself,
/// takes a new connection for the request.
struct SendTracker {
    // Nil until the connection stood and the request was about to go.
    private var sizeBefore: Int?

    /// libcurl is about to send the request, for the first time or again. False: it must not.
    mutating func mayBegin(requestSize: Int, hasBegun: Bool = false) -> Bool {
        guard !hasLeft(requestSize: requestSize, hasBegun: hasBegun) else { return false }
        sizeBefore = requestSize
        return true
    }

    /// Bytes that may have left: at least one if any have. libcurl counts a head, and a body that goes together with
    /// it, when the kernel takes it at once, or HTTP/2's framing. What the kernel takes only later it does not count:
    /// then `hasBegun` alone tells, that it went on to send.
    func size(requestSize: Int, hasBegun: Bool = false) -> Int {
        sizeBefore.map { max(requestSize - $0, hasBegun ? 1 : 0) } ?? 0
    }

    func hasLeft(requestSize: Int, hasBegun: Bool = false) -> Bool {
        size(requestSize: requestSize, hasBegun: hasBegun) > 0
    }
}
