import Clocks
import Concurrency
import Glibc
import Testing

/// Name servers that do not answer cost a thread no more than its budget.
@Suite struct NameLookupTests {
    /// Looks nothing up until it is told to.
    private final class Servers: Sendable {
        let asked = Lock<[String]>([])
        let gate: Wake

        init() throws { gate = try Wake() }

        func lookUp(_ host: String) -> NameLookup.Outcome {
            asked.withLock { $0.append(host) }
            var descriptor = pollfd(fd: gate.descriptor, events: Int16(POLLIN), revents: 0)
            poll(&descriptor, 1, -1)
            return .found(["192.0.2.1"])
        }
    }

    @Test func whoeverAsksWaitsForItsBudgetAndOneThreadForTheServers() async throws {
        let servers = try Servers()
        let names = NameLookup { servers.lookUp($0) }
        await NativeThread.offload("asking") {
            for _ in 0..<3 { #expect((try? names.resolve("mq", within: .milliseconds(20))) == .late) }
            #expect(servers.asked.withLock { $0 } == ["mq"], "the same lookup is waited for")
            #expect((try? names.resolve("other", within: .milliseconds(20))) == .late)
            servers.gate.signal()
            #expect((try? names.resolve("mq", within: .seconds(10))) == .found(["192.0.2.1"]))
        }
        #expect(servers.asked.withLock { Set($0) } == ["mq", "other"])
    }

    /// Else the library would ask again, and without a deadline.
    @Test func aNameThatIsNotThereIsReported() async {
        await NativeThread.offload("asking") {
            #expect((try? NameLookup.system.resolve("127.0.0.1", within: .seconds(10))) == .found(["127.0.0.1"]))
            guard case .failed(let why)? = try? NameLookup.system.resolve("not a name", within: .seconds(10)) else {
                Issue.record("it was found")
                return
            }
            #expect(!why.isEmpty)
        }
    }
}
