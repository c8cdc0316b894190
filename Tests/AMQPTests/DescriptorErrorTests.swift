import CLinux
import Clocks
import Concurrency
import Glibc
import Testing

@testable import AMQP

/// What a want of descriptors is called when a link connects.
@Suite struct DescriptorErrorTests {
    @Test(arguments: [LinkError.Kind.unreachable, .tls, .loginRefused])
    func whatFailsHereForWantOfOneSaysSo(kind: LinkError.Kind) {
        let error = LinkError(kind, endpoint: "amqp://broker", attempted: "reading the password", message: "no")
        let explained = error.explained(.process(limit: 64))
        #expect(explained.kind == .descriptors && explained.endpoint == "amqp://broker")
        #expect(explained.description.contains("this process has all of its 64 file descriptors open"))
        #expect(error.explained(nil) == error)
    }

    @Test func aNameThatIsLateIsNotOurs() {
        let error = LinkError(.timeout, endpoint: "amqp://broker", attempted: "connecting", message: "late")
        #expect(error.explained(.machine) == error)
    }

    /// A connection without its guard could hold the link's thread for good.
    @Test func aGuardWithoutADuplicateSaysThatItDoesNotWatch() throws {
        let stallGuard = try StallGuard(limit: .seconds(5))
        defer { stallGuard.end() }
        var ends: [Int32] = [-1, -1]
        let code = socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
        #expect(code == 0)
        defer { for end in ends { close(end) } }
        #expect(stallGuard.watch(descriptor: ends[0]))
        #expect(!stallGuard.watch(descriptor: -1))
    }
}
