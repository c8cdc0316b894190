import Clocks
import Concurrency
import Glibc
import Testing

@Suite struct ChildProgramTests {
    private func run(
        _ script: String, timeout: Duration = .seconds(20), longest: Int = 1_000, inherits: Bool = false,
        input: String = ""
    ) async -> ChildProgram.Outcome {
        await NativeThread.offload("test") {
            ChildProgram(
                ["/bin/sh", "-c", script], timeout: timeout, longestOutput: longest, inheritsEnvironment: inherits
            ).run(input: Array(input.utf8))
        }
    }

    @Test func itGivesBothStreamsAndTheEnd() async {
        let outcome = await run("cat; echo wrong >&2; exit 3", input: "asked")
        #expect(outcome.termination == .exited(3))
        #expect(outcome.output == Array("asked".utf8))
        #expect(outcome.standardError == Array("wrong\n".utf8))
        #expect(await run("kill -9 $$").termination == .signalled(9))
    }

    @Test func whatHasClosedItsOutputsIsWaitedForUntilItsEndOrItsTime() async {
        let clock = SystemTimeSource()
        let began = clock.now()
        #expect(await run("exec >&- 2>&-; sleep 0.2; exit 4", timeout: .seconds(3_600)).termination == .exited(4))
        #expect(clock.now() - began < .seconds(600), "its end is noticed, not its time")
        #expect(await run("exec >&- 2>&-; sleep 1000", timeout: .milliseconds(100)).termination == .timedOut)
    }

    @Test func whatDoesNotEndIsEndedWithWhatItStarted() async throws {
        let outcome = await run("sleep 1000 & echo $!; wait", timeout: .seconds(2))
        #expect(outcome.termination == .timedOut)
        let pid = try #require(Int32(String(decoding: outcome.output.dropLast(), as: UTF8.self)))
        // It is gone, or a zombie that nobody has waited for.
        let state = await run("ps -o stat= -p \(pid) || true").output
        #expect(state.isEmpty || state.first == UInt8(ascii: "Z"), "\(String(decoding: state, as: UTF8.self))")
    }

    @Test func tooMuchIsCut() async {
        let outcome = await run("head -c 5000 /dev/zero", longest: 1_000)
        #expect(outcome.termination == .tooLong && outcome.output.count == 1_000)
        #expect(await run("head -c 1000 /dev/zero", longest: 1_000).termination == .exited(0))
    }

    @Test func theEnvironmentIsItsOwnUnlessItInherits() async {
        setenv("LEAVE_ALBUMD_TEST_MARK", "here", 1)
        #expect(await run("echo -n $LEAVE_ALBUMD_TEST_MARK").output.isEmpty)
        #expect(await run("echo -n $LEAVE_ALBUMD_TEST_MARK", inherits: true).output == Array("here".utf8))
    }

    @Test func aProgramThatIsNotThereIsSaid() async {
        let outcome = await NativeThread.offload("test") {
            ChildProgram(["/nonexistent"], timeout: .seconds(1), longestOutput: 1).run()
        }
        guard case .failed(let error) = outcome.termination else {
            Issue.record("\(outcome.termination)")
            return
        }
        #expect(error.code == ENOENT)
    }
}
