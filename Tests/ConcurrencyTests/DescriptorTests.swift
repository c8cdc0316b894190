import CLinux
import Concurrency
import Glibc
import Testing

@Suite struct DescriptorTests {
    private func run(_ program: ChildProgram) async -> String {
        let outcome = await NativeThread.offload("test") { program.run() }
        #expect(outcome.termination == .exited(0), "\(String(decoding: outcome.standardError, as: UTF8.self))")
        return String(decoding: outcome.output, as: UTF8.self)
    }

    /// The library that runs the tasks would end a process that has none: see CLinux's `open.c`.
    @Test func theLibrariesOpenFilesThroughOurOwnCall() throws {
        let library = try #require(dlopen("libc.so.6", RTLD_NOW))
        defer { dlclose(library) }
        #expect(try #require(dlsym(nil, "open")) != #require(dlsym(library, "open")))
    }

    @Test func theLimitIsTheKernels() throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(7), &limit)
        let kernels = DescriptorLimit(soft: UInt64(limit.rlim_cur), hard: UInt64(limit.rlim_max))
        #expect(try DescriptorLimit.current() == kernels)
    }

    @Test(arguments: [20, 123])
    func aProgramGetsTheLimitThatItIsGiven(limit: UInt64) async throws {
        let script = ["/bin/sh", "-c", "ulimit -Sn; ulimit -Hn"]
        let before = try DescriptorLimit.current()
        let reported = await run(
            ChildProgram(script, timeout: .seconds(20), longestOutput: 100, descriptorLimit: limit))
        #expect(reported == "\(limit)\n\(before.hard)\n")
        #expect(try DescriptorLimit.current() == before, "this process keeps its own")
        let same = await run(ChildProgram(script, timeout: .seconds(20), longestOutput: 100, descriptorLimit: nil))
        #expect(same == "\(before.soft)\n\(before.hard)\n")
    }

    @Test func aLimitAboveTheHardOneIsTheHardOne() async throws {
        let hard = try DescriptorLimit.current().hard
        let reported = await run(
            ChildProgram(
                ["/bin/sh", "-c", "ulimit -Sn"], timeout: .seconds(20), longestOutput: 100, descriptorLimit: hard + 1))
        #expect(reported == "\(hard)\n")
    }

    /// Many at once, and each is the program that it was to be.
    @Test func programsStartedTogetherDoNotTakeEachOthersStreams() async {
        await withTaskGroup(of: Bool.self) { group in
            for number in 0..<40 {
                group.addTask {
                    await run(
                        ChildProgram(
                            ["/bin/sh", "-c", "echo \(number); ls /proc/self/fd | wc -l"], timeout: .seconds(30),
                            longestOutput: 100)) == "\(number)\n4\n"
                }
            }
            for await isOwn in group { #expect(isOwn) }
        }
    }

    @Test func onlyAWantOfDescriptorsIsOne() {
        #expect(DescriptorShortage(code: ENFILE) == .machine)
        guard case .process(let limit) = DescriptorShortage(code: EMFILE) else {
            Issue.record("EMFILE is the process's")
            return
        }
        #expect(limit > 0)
        for code in [ENOENT, EACCES, ENOMEM, ECONNREFUSED, 0] { #expect(DescriptorShortage(code: code) == nil) }
        #expect(DescriptorShortage(code: EMFILE)?.code == EMFILE && DescriptorShortage.machine.code == ENFILE)
    }

    @Test func askingKeepsErrno() {
        errno = EDOM
        #expect(DescriptorShortage.now() == nil)
        #expect(errno == EDOM)
    }

    @Test func theAdviceIsTheUsualOneUnlessADescriptorWasMissing() {
        #expect(SystemCallError("opening", code: EACCES).advice("make it readable") == "make it readable")
        #expect(SystemCallError("opening", code: EMFILE).advice("make it readable").contains("LimitNOFILE="))
        #expect(SystemCallError("opening", code: ENFILE).advice("make it readable").contains("fs.file-max"))
    }
}
