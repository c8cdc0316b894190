import CLinux
import Clocks
import Glibc

/// The server's end of one control connection: what was read and not yet asked, what is answered and not yet written.
struct ControlConnection {
    let descriptor: Int32
    let peer: ControlPeer
    private var input = LineBuffer(longest: Self.longestRequest)
    private var output: [UInt8] = []
    private var written = 0
    /// One request at a time: the next is read when this one is answered.
    var isAsking = false
    private(set) var isEnded = false
    /// When it last sent or took something.
    private(set) var quietSince: MonotonicTime
    private let clock = SystemTimeSource()

    /// Requests are a name and a few arguments.
    private static let longestRequest = 64 << 10
    private static let chunk = 16 << 10

    init(descriptor: Int32, peer: ControlPeer) {
        self.descriptor = descriptor
        self.peer = peer
        quietSince = clock.now()
    }

    var wantsToWrite: Bool { written < output.count }
    /// It has nothing to do any more.
    var isOver: Bool { isEnded && !isAsking && !wantsToWrite }

    mutating func read() {
        var chunk = [UInt8](repeating: 0, count: Self.chunk)
        let count = Glibc.read(descriptor, &chunk, chunk.count)
        if count > 0 {
            input.append(chunk[..<count])
            quietSince = clock.now()
        } else if count == 0 || (CLinux_errno() != EAGAIN && CLinux_errno() != EINTR) {
            isEnded = true
        }
    }

    mutating func nextLine() -> [UInt8]? {
        guard !isAsking else { return nil }
        let line = input.next()
        if input.isOverlong { isEnded = true }
        return line
    }

    mutating func answer(_ response: ControlResponse) {
        isAsking = false
        output.removeFirst(written)
        written = 0
        output += response.line + [UInt8(ascii: "\n")]
        write()
    }

    mutating func write() {
        while wantsToWrite {
            let count = output[written...].withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                written += count
                quietSince = clock.now()
            } else if CLinux_errno() == EAGAIN {
                return
            } else if CLinux_errno() != EINTR {
                // Nobody reads any more.
                output = []
                written = 0
                isEnded = true
                return
            }
        }
        output = []
        written = 0
    }

    /// Closes it. The last thing that is done with it.
    func close() {
        Glibc.close(descriptor)
    }
}
