import CLinux
import Clocks
import Concurrency
import Dispatch
import Glibc
import ScriptedPeer
import Testing

@testable import AMQP

/// A stalled call is cut, and never the connection after it, which may have its descriptor's number.
@Suite struct StallGuardTests {
    /// Both ends of a connection.
    private struct Connection: Sendable {
        let near: Int32
        let far: Int32

        init() throws {
            var ends: [Int32] = [-1, -1]
            let code = socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
            guard code == 0 else { throw SystemCallError("socketpair") }
            (near, far) = (ends[0], ends[1])
        }

        var identity: UInt? { StallGuardTests.identity(near) }
    }

    /// Which socket a number stands for just now; nil if for none.
    private static func identity(_ descriptor: Int32) -> UInt? {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? UInt(status.st_ino) : nil
    }

    /// Holds the guard's thread up where it would cut, until the link's thread is on its next connection; or so long
    /// that this one is as good as held up by the lock.
    private final class Encounter: Sendable {
        private static let timeout = Duration.milliseconds(300)

        private let cutting = DispatchSemaphore(value: 0)
        private let moved = DispatchSemaphore(value: 0)
        private let over = DispatchSemaphore(value: 0)
        private let state = Lock<[UInt?]>([])

        /// The sockets that were shut down.
        var hits: [UInt?] { state.withLock { $0 } }

        func holdUp() {
            cutting.signal()
            _ = moved.wait(timeout: .now() + Self.timeout.inSeconds)
        }

        func shutDown(_ descriptor: Int32) {
            state.withLock { $0.append(StallGuardTests.identity(descriptor)) }
            over.signal()
        }

        /// The link's thread: it leaves the call and goes on with another connection.
        func move(_ stallGuard: StallGuard, to next: Connection) throws {
            guard cutting.wait(timeout: .now() + RawPeer.timeout.inSeconds) == .success else {
                throw NeverHappened(what: "a cut")
            }
            stallGuard.left()
            stallGuard.forget()
            // Takes the lowest free number: that of the forgotten one, unless another test was faster.
            stallGuard.watch(descriptor: next.near)
            moved.signal()
            guard over.wait(timeout: .now() + RawPeer.timeout.inSeconds) == .success else {
                throw NeverHappened(what: "the end of a cut")
            }
        }
    }

    enum Cutter: CaseIterable, Sendable {
        case theGuardsThread
        case whoeverLetsTheConnectionGo
    }

    @Test(arguments: Cutter.allCases)
    func whatIsBeingCutIsForgottenOnlyAfterwards(_ cutter: Cutter) throws {
        let (old, new) = (try Connection(), try Connection())
        let encounter = Encounter()
        let stallGuard = try StallGuard(limit: .milliseconds(20)) { descriptor in
            encounter.holdUp()
            encounter.shutDown(descriptor)
        }
        defer { stallGuard.end() }
        stallGuard.watch(descriptor: old.near)
        switch cutter {
        case .theGuardsThread: stallGuard.entered()
        case .whoeverLetsTheConnectionGo:
            _ = try NativeThread(name: "cutter", detached: true) { stallGuard.cut() }
        }
        try encounter.move(stallGuard, to: new)
        #expect(encounter.hits == [old.identity])
        for end in [old.near, old.far, new.near, new.far] { close(end) }
    }

    /// Stands still until a test lets it go, and then an hour further.
    private struct HeldClock: TimeSource {
        let encounter: Encounter
        let isArmed = Lock(false)

        func now() -> MonotonicTime {
            let isTheGuards = isArmed.withLock { isArmed in
                defer { isArmed = false }
                return isArmed
            }
            guard isTheGuards else { return MonotonicTime(nanoseconds: 1) }
            encounter.holdUp()
            return MonotonicTime(nanoseconds: 3_600_000_000_000)
        }

        func wall() -> Timestamp { Timestamp(milliseconds: 0) }
        func sleep(until time: MonotonicTime) async {}
    }

    @Test func theTimeOfACallIsNotHeldAgainstTheNextConnection() throws {
        let (old, new) = (try Connection(), try Connection())
        let encounter = Encounter()
        let clock = HeldClock(encounter: encounter)
        let stallGuard = try StallGuard(limit: .milliseconds(20), clock: clock) { encounter.shutDown($0) }
        defer { stallGuard.end() }
        stallGuard.watch(descriptor: old.near)
        stallGuard.entered()
        // From here on nobody but the guard's thread looks at the clock.
        clock.isArmed.withLock { $0 = true }
        try encounter.move(stallGuard, to: new)
        #expect(encounter.hits == [old.identity])
        for end in [old.near, old.far, new.near, new.far] { close(end) }
    }

    @Test func whatIsForgottenIsClosedAndNotCut() throws {
        let connection = try Connection()
        let encounter = Encounter()
        let stallGuard = try StallGuard(limit: .seconds(10)) { encounter.shutDown($0) }
        defer { stallGuard.end() }
        stallGuard.watch(descriptor: connection.near)
        let identity = connection.identity
        stallGuard.cut()
        #expect(encounter.hits == [identity])
        close(connection.near)
        var byte: UInt8 = 0
        #expect(recv(connection.far, &byte, 1, Int32(MSG_DONTWAIT)) == -1, "the duplicate is open")
        stallGuard.forget()
        #expect(recv(connection.far, &byte, 1, Int32(MSG_DONTWAIT)) == 0, "nothing is open")
        stallGuard.cut()
        #expect(encounter.hits == [identity])
        close(connection.far)
    }

    @Test func aNewConnectionTakesTheOldOnesPlace() throws {
        let (old, new) = (try Connection(), try Connection())
        let encounter = Encounter()
        let stallGuard = try StallGuard(limit: .seconds(10)) { encounter.shutDown($0) }
        defer { stallGuard.end() }
        stallGuard.watch(descriptor: old.near)
        close(old.near)
        stallGuard.watch(descriptor: new.near)
        var byte: UInt8 = 0
        #expect(recv(old.far, &byte, 1, Int32(MSG_DONTWAIT)) == 0, "nothing of the old one is open")
        stallGuard.cut()
        #expect(encounter.hits == [new.identity])
        for end in [old.far, new.near, new.far] { close(end) }
    }

    /// Logged in and let go, or never logged in.
    @Test(arguments: [true, false])
    func aConnectionThatIsGoneIsForgotten(logsIn: Bool) async throws {
        try await RawPeer.serving { peer in
            guard logsIn else {
                // So far that the connection is watched.
                _ = try peer.startAMQP()
                return
            }
            try peer.acceptAMQP()
            _ = try peer.readToEnd()
        } _: { peer in
            let encounter = Encounter()
            let stallGuard = try StallGuard(limit: .seconds(10)) { encounter.shutDown($0) }
            defer { stallGuard.end() }
            let configuration = configuration(peer.port)
            do throws(LinkError) {
                let connection = try BrokerConnection(
                    configuration.endpoints[0], configuration, stallGuard: stallGuard)
                #expect(logsIn && connection.descriptor >= 0)
            } catch {
                #expect(!logsIn)
            }
            #expect(encounter.hits.count == (logsIn ? 1 : 0), "letting go cuts")
            stallGuard.cut()
            #expect(encounter.hits.count == (logsIn ? 1 : 0), "there is nothing left to cut")
        }
    }
}
