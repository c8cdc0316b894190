import Glibc
import Testing

@testable import Clocks
@testable import Concurrency

/// What an accept loop does when no descriptor is free.
@Suite struct AcceptPauseTests {
    private let now = MonotonicTime(nanoseconds: 5_000_000_000)

    private func expect(_ pause: inout AcceptPause, accepts: Bool, at time: MonotonicTime) {
        let answer = pause.accepts(at: time)
        #expect(answer == accepts)
    }

    @Test func aPauseEndsByItselfAfterASecond() {
        var pause = AcceptPause()
        expect(&pause, accepts: true, at: now)
        #expect(pause.until == nil)
        pause.begin(at: now)
        #expect(pause.until == now + .seconds(1))
        expect(&pause, accepts: false, at: now + .milliseconds(999))
        expect(&pause, accepts: true, at: now + .seconds(1))
        #expect(pause.until == nil, "and nobody wakes for it any more")
    }

    @Test func aCloseOfItsOwnEndsItAtOnce() {
        var pause = AcceptPause()
        pause.begin(at: now)
        pause.closed()
        expect(&pause, accepts: true, at: now)
        // There was still none: it begins anew.
        pause.begin(at: now + .milliseconds(1))
        expect(&pause, accepts: false, at: now + .milliseconds(1_000))
        expect(&pause, accepts: true, at: now + .milliseconds(1_001))
    }

    @Test(arguments: [EMFILE, ENFILE, ENOBUFS, ENOMEM, EBADF, EINVAL])
    func whatStandsIsNotTriedAtOnce(code: Int32) {
        let failure = SystemCallError("accepting", code: code)
        #expect(Acceptance(failure: failure) == .exhausted(failure))
    }

    @Test(arguments: [EAGAIN, EINTR, ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH])
    func whoeverIsGoneAgainIsNobody(code: Int32) {
        #expect(Acceptance(failure: SystemCallError("accepting", code: code)) == .nobody)
    }
}
