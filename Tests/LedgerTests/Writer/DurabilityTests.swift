import Clocks
import Concurrency
import Glibc
import Jobs
import Testing

@testable import Ledger
@testable import SQLiteLedger

@Suite(.timeLimit(.minutes(30))) struct DurabilityTests {
    /// A child is killed once it has written down so many answers, with its other jobs anywhere in their path.
    @Test(arguments: [1, 5, 40, 300])
    func killedAtAnyMomentALedgerHasAllThatItAcknowledged(_ answers: Int) async throws {
        let folder = TemporaryFolder()
        let path = folder.ledger
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, answers = answers as Int] in
            try await Victim(path: path, answers: answers).run()
        }
        let lines = String(decoding: contents(of: path + ".answers"), as: UTF8.self).split(separator: "\n")
        #expect(lines.count >= answers)
        let check = AsyncStream<[String]>.makeStream()
        let ledger = try EmbeddedLedger.opened(folder, onCheck: { check.continuation.yield($0) })
        #expect(ledger.wasStoppedUncleanly)
        var faults = check.stream.makeAsyncIterator()
        #expect(await faults.next() == [])
        var finished: Set<Substring> = []
        for line in lines where line.hasPrefix("finished ") { finished.insert(line.dropFirst(9)) }
        for line in lines {
            let id = String(line.split(separator: " ")[1])
            let lookup = try await ledger.lookUp(Sample.arrival(id), at: Sample.start)
            switch lookup {
            case .finished(let job): #expect(job.result == Sample.result(id, body: id))
            case .resumed(let open):
                #expect(!finished.contains(id[...]), "\(id) was acknowledged as finished")
                #expect(open.isAmbiguous)
            default: Issue.record("\(id) was acknowledged, and is \(lookup)")
            }
        }
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    /// Power fails while the log is written: it ends anywhere.
    @Test func aTornLogGivesTheCommitsUpToSomeMoment() async throws {
        let original = TemporaryFolder()
        let jobs = 12
        let last = Lock<(file: [UInt8], log: [UInt8])>(([], []))
        let ledger = try EmbeddedLedger.opened(
            original,
            onCommit: { _, _ in
                last.withLock { $0 = (contents(of: original.ledger), contents(of: original.ledger + "-wal")) }
            })
        for number in 0..<jobs { try await ledger.record(Sample.finished(Sample.arrival("job-\(number)"))) }
        await ledger.close(within: EmbeddedLedger.closeTime)
        let (file, log) = last.withLock { $0 }
        try #require(log.count > 10_000)
        var generator = SystemRandomNumberGenerator()
        let cuts =
            [0, 1, 32, log.count - 1, log.count]
            + (0..<40).map { _ in Int.random(in: 0..<log.count, using: &generator) }
        for cut in cuts {
            let folder = TemporaryFolder()
            write(file, to: folder.ledger)
            if cut > 0 { write(Array(log.prefix(cut)), to: folder.ledger + "-wal") }
            let torn = try EmbeddedLedger.opened(folder)
            var found: [Bool] = []
            for number in 0..<jobs {
                if case .finished = try await torn.lookUp(Sample.arrival("job-\(number)"), at: Sample.start) {
                    found.append(true)
                } else {
                    found.append(false)
                }
            }
            // The first so many, and none after a gap.
            #expect(found == found.sorted { $0 && !$1 }, "cut at \(cut)")
            if cut == log.count { #expect(found.allSatisfy { $0 }) }
            #expect(try await torn.verify() == [])
            await torn.close(within: EmbeddedLedger.closeTime)
        }
    }
}

/// Works on many jobs at once, writes each answer down after it came, and dies.
private struct Victim: Sendable {
    let path: String
    let answers: Int

    func run() async throws {
        guard let lock = try LedgerLock.take(ledger: path) else { return }
        let ledger = try EmbeddedLedger(path: path, durability: .normal, lock: lock)
        let notebook = open(path + ".answers", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        let count = Lock(0)
        @Sendable func note(_ line: String) {
            let bytes = Array((line + "\n").utf8)
            _ = Glibc.write(notebook, bytes, bytes.count)
            let isEnough = count.withLock { count in
                count += 1
                return count >= answers
            }
            if isEnough { kill(getpid(), SIGKILL) }
        }
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    for number in 0..<1_000 {
                        let arrival = Sample.arrival("job-\(worker)-\(number)")
                        guard case .claimed = try? await ledger.claim(Sample.claim(arrival)) else { return }
                        note("claimed \(arrival.jobID)")
                        let record = Sample.finished(arrival, body: arrival.jobID.string)
                        guard (try? await ledger.record(record)) != nil else { return }
                        note("finished \(arrival.jobID)")
                    }
                }
            }
        }
    }
}
