import CCurl
import Glibc
import Testing

@testable import HTTP

/// Descriptors are those of pipes; `want`, `opened` and `end` are what libcurl says.
@Suite struct SocketWatchTests {
    static let always = Duration.seconds(60)

    let watch: SocketWatch
    let reading: Int32
    let writing: Int32

    init() throws {
        watch = SocketWatch(try Epoll(), unacknowledgedAtMost: .seconds(20))
        (reading, writing) = try Self.pipe()
    }

    static func pipe() throws -> (Int32, Int32) {
        var ends: [Int32] = [0, 0]
        try #require(Glibc.pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    /// Closes `number` and gives it to the end that is read, as the kernel does with the lowest that is free: which of two
    /// tests that run at once would have it, nobody knows.
    static func pipe(reading number: Int32) throws -> (Int32, Int32) {
        let (reading, writing) = try pipe()
        try #require(dup2(reading, number) == number)
        close(reading)
        return (number, writing)
    }

    /// What one wait hands over; nil if nothing happened.
    func happened(atMost longest: Duration = .zero) -> [[Int32]]? {
        var acts: [[Int32]] = []
        return watch.wait(atMost: longest) { acts.append([$0, $1]) } ? acts : nil
    }

    /// Also the request of a process that was killed, which would else arrive long after its lease.
    @Test func theKernelGivesUpWhatNobodyAcknowledgesWithinAnExchange() {
        let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #expect(watch.opened(connection))
        #expect(!watch.opened(reading), "of a pipe the kernel promises nothing")
        var milliseconds: UInt32 = 0
        var size = socklen_t(4)
        #expect(getsockopt(connection, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &milliseconds, &size) == 0)
        #expect(milliseconds == 20_000)
        watch.end(connection)
        let local = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #expect(watch.opened(local), "it loses nothing on a way")
        watch.end(local)
        close(reading)
        close(writing)
    }

    @Test func whatIsWantedIsHandedOver() {
        watch.opened(reading)
        watch.opened(writing)
        watch.want(reading, CURL_POLL_IN)
        #expect(happened() == nil)
        watch.want(writing, CURL_POLL_OUT)
        #expect(happened(atMost: Self.always) == [[writing, CURL_CSELECT_OUT]])
        watch.want(writing, CURL_POLL_REMOVE)
        write(writing, "a", 1)
        #expect(happened(atMost: Self.always)?.contains([reading, CURL_CSELECT_IN]) == true)
        watch.end(reading)
        watch.end(writing)
    }

    /// libcurl closes a socket that is still connecting without a word of it; the next socket may have its number.
    @Test func aConnectionThatIsGivenUpLeavesNothingToTheNextSocketOfItsNumber() throws {
        watch.opened(writing)
        watch.want(writing, CURL_POLL_OUT)
        watch.want(writing, CURL_POLL_REMOVE)
        let (next, end) = try Self.pipe(reading: writing)
        watch.want(next, CURL_POLL_IN)
        write(end, "a", 1)
        #expect(happened(atMost: Self.always) == [[next, CURL_CSELECT_IN]])
        watch.want(next, CURL_POLL_REMOVE)
        close(next)
        close(end)
        close(reading)
    }

    /// An idle connection that its server closes must not keep the thread turning.
    @Test func aConnectionThatSpeaksUnaskedIsLetGoUntilItIsWanted() {
        watch.opened(reading)
        watch.want(reading, CURL_POLL_IN)
        watch.want(reading, CURL_POLL_REMOVE)
        write(writing, "a", 1)
        #expect(happened(atMost: Self.always) == [])
        #expect(happened() == nil)
        watch.want(reading, CURL_POLL_IN)
        #expect(happened(atMost: Self.always) == [[reading, CURL_CSELECT_IN]])
        watch.end(reading)
        watch.end(writing)
    }

    @Test func aDescriptorThatIsTakenAgainIsHeard() throws {
        watch.opened(reading)
        watch.want(reading, CURL_POLL_IN)
        watch.want(reading, CURL_POLL_REMOVE)
        watch.end(reading)
        close(writing)
        // The lowest free descriptors: whether they are the same is the kernel's matter.
        let (reading, writing) = try Self.pipe()
        watch.opened(reading)
        watch.want(reading, CURL_POLL_IN)
        write(writing, "a", 1)
        #expect(happened(atMost: Self.always) == [[reading, CURL_CSELECT_IN]])
        watch.end(reading)
        close(writing)
    }

    /// Libcurl's resolver closes its own without a word.
    @Test func whatIsNoConnectionIsLetGoAtOnce() throws {
        watch.want(reading, CURL_POLL_IN)
        watch.want(reading, CURL_POLL_REMOVE)
        close(writing)
        let (reading, writing) = try Self.pipe(reading: reading)
        watch.want(reading, CURL_POLL_IN)
        write(writing, "a", 1)
        #expect(happened(atMost: Self.always) == [[reading, CURL_CSELECT_IN]])
        watch.want(reading, CURL_POLL_REMOVE)
        close(reading)
        close(writing)
    }

    @Test func ofAnErrorLibcurlHearsNothing() {
        watch.opened(reading)
        watch.want(reading, CURL_POLL_IN)
        close(writing)
        #expect(happened(atMost: Self.always) == [[reading, 0]])
        watch.end(reading)
    }

    @Test func timeEndsAWaitAndIsDueOnce() {
        #expect(!watch.takeDue())
        watch.setTime(0)
        #expect(happened(atMost: Self.always) == nil)
        #expect(watch.takeDue())
        #expect(!watch.takeDue())
        watch.setTime(1)
        #expect(happened(atMost: Self.always) == nil)
        #expect(watch.takeDue())
        watch.setTime(60_000)
        #expect(!watch.takeDue())
        watch.setTime(0)
        watch.setTime(-1)
        #expect(!watch.takeDue())
    }
}
