import AMQP
import Foundation
import JSON
import Ledger
import PrivateBroker
import Testing

extension OnABroker {
    /// What goes wrong around a job, one thing at a time.
    @Suite struct Troubles {
        private static let twoDelays = "[retry]\ndelays = [\"1s\", \"5s\"]\n"

        @Test func aLinkLostInMidCallCostsNoSecondCall() async throws {
            let harness = try await DaemonHarness()
            try await harness.faults(#"{"token":"album-slow","actions":[{"fault":"delay","milliseconds":2500}]}"#)
            try await harness.start(environment: try await harness.makeUser())
            try await harness.waitUntilConsuming()
            try await harness.publish(DaemonHarness.body("slow", account: "acc1", token: "album-slow"))
            try await eventually("the call is on its way") { try harness.calls().count == 1 }
            try await harness.closeConnectionsOfUser()
            let results = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            try await harness.stopInOrder()
            #expect(await harness.logs.contains("lost the consuming connection"))
            #expect(Set(results.map(\.body)).count == 1)
            #expect(results.first?.outcome == "left")
            #expect(try harness.calls().count == 1, "the redelivery followed the call, and the old ack was a no-op")
            #expect(try await harness.waiting() == 0)
            await harness.end()
        }

        @Test func aHoldThatFlapsTwentyFiveTimesOnOneHeadMessageCostsItNothing() async throws {
            let harness = try await DaemonHarness()
            // A certificate that nobody trusts: the job is not sent, and stays at hand for the next try. One that the
            // API refuses would stand aside for half a minute each time.
            let directory = try TemporaryDirectory("untrusted")
            let server = try await Authority(directory).issue("localhost")
            let port = freePort()
            let impostor = try ChildProcess(
                [
                    "openssl", "s_server", "-quiet", "-4", "-accept", "127.0.0.1:\(port)", "-cert", server.certificate,
                    "-key", server.key,
                ], output: directory.file("impostor.out"))
            try await harness.publish(DaemonHarness.body("head", account: "acc1", token: "album-head"))
            for round in 1...25 {
                try await harness.start(environment: ["LEAVE_ALBUMD_API_BASE_URL": "https://localhost:\(port)"])
                // The first call raises the hold; of a later run's one the job is the probe.
                try await eventually("the job is tried, and the worker holds, for the \(round)th time") {
                    let answer = try? JSONValue.parse(Array(try await harness.command("holds", "--json").text.utf8))
                    let hold = answer?["holds"]?.elements?.first
                    let tried = hold?["tried"]?.integer ?? 0
                    return hold?["cause"]?.text == "tls_trust" && tried >= (round == 1 ? 0 : 1)
                }
                try await harness.stopInOrder()
            }
            impostor.signal(SIGTERM)
            _ = await impostor.wait()
            #expect(try harness.calls().isEmpty)
            try await harness.start()
            let results = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            #expect(results.first?.outcome == "left")
            #expect(results.first?.json["attempts"]?.integer == 0)
            #expect(try await harness.depth("dead") == 0, "no letter")
            await harness.end()
        }

        @Test func aJobThatKillsTheDaemonEachTimeIsPoisonAndTheOthersAreDone() async throws {
            let harness = try await DaemonHarness()
            let neighbours = 40
            for number in 0..<neighbours {
                try await harness.publish(
                    DaemonHarness.body("n\(number)", account: "acc\(number % 20 + 2)", token: "album-n\(number)"))
                if number == 3 {
                    try await harness.publish(DaemonHarness.body("killer", account: "acc1", token: "album-killer"))
                }
            }
            let reader = try ResultReader(harness)
            var deaths = 0
            while reader.of("killer").isEmpty, deaths < 60 {
                try await harness.start(environment: ["ALBUMD_TEST_KILL_TOKEN": "album-killer"])
                let daemon = await harness.daemon
                do {
                    try await eventually("the daemon dies, or everything is done") {
                        daemon?.isRunning == false || reader.jobs == neighbours + 1
                    }
                } catch {
                    // What stands still says why.
                    let status = try await harness.command("status").text + harness.command("queues").text
                    let log = await harness.log
                    throw DaemonHarness.Failure(description: "\(error): \(reader.jobs) results\n\(status)\n\(log)")
                }
                if daemon?.isRunning == false { deaths += 1 }
            }
            try await eventually("everything is done") { reader.jobs == neighbours + 1 }
            reader.stop()
            let results = reader.all
            let killer = results.filter { $0.jobID == "killer" }
            #expect(Set(killer.map(\.reason)) == ["poison"])
            #expect(killer.first?.effect == "unknown", "each death was in a call")
            #expect(
                results.filter { $0.jobID != "killer" }.allSatisfy { $0.effect == "left" })
            #expect(deaths <= 20, "\(deaths) deaths")
            let deadLetters = try await harness.take("dead", atLeast: 1)
            #expect(deadLetters.contains { $0.properties.headers?["x-leave-album-reason"] == .text("poison") })
            await harness.end()
        }

        /// Another program that keeps the write lock of the file, as a backup tool or an open shell would: from the moment
        /// on when the simulator has the call `album-yes`, whose answer takes its time. It is there before, because a
        /// program's start may take longer than that.
        private func locker(of harness: DaemonHarness) async throws -> ChildProcess {
            let ready = harness.directory.file("locker-is-ready")
            let locker = try ChildProcess(
                [
                    "/usr/bin/python3", "-c",
                    """
                    import sqlite3, sys, time
                    ledger, ready, journal = sys.argv[1:]
                    c = sqlite3.connect(ledger, isolation_level=None)
                    open(ready, 'w').close()
                    while 'album-yes' not in open(journal).read():
                        time.sleep(0.002)
                    c.execute('BEGIN IMMEDIATE')
                    time.sleep(3600)
                    """, harness.directory.file("ledger.sqlite3").path, ready.path,
                    harness.directory.file("journal.jsonl").path,
                ], output: harness.directory.file("locker.out"))
            try await eventually("it is ready to lock") { FileManager.default.fileExists(atPath: ready.path) }
            return locker
        }

        @Test func aLedgerThatRefusesAfterTheAPISaidYesCostsNoSecondCall() async throws {
            let harness = try await DaemonHarness()
            try await harness.faults(#"{"token":"album-yes","actions":[{"fault":"delay","milliseconds":1500}]}"#)
            try await harness.start()
            try await harness.waitUntilConsuming()
            let locker = try await locker(of: harness)
            let body = DaemonHarness.body("yes", account: "acc1", token: "album-yes")
            try await harness.publish(body)
            try await eventually("the daemon says that it cannot write") {
                await harness.log.contains("ledger_unavailable")
            }
            try await harness.publish(body)
            #expect(try await harness.depth("results") == 0, "no result before the ledger has it")
            locker.signal(SIGKILL)
            _ = await locker.wait()
            let results = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            try await eventually("both deliveries are acked") { try await harness.isQuiet() }
            try await harness.stopInOrder()
            #expect(results.first?.outcome == "left")
            #expect(try harness.calls().count == 1)
            #expect(try await harness.waiting() == 0)
            await harness.end()
        }

        /// A full disk lasts longer than any stop: what cannot be recorded is asked for at the next start.
        @Test func aStopDoesNotWaitForALedgerThatRefuses() async throws {
            let harness = try await DaemonHarness(settings: "[worker]\ndrain_timeout = \"1s\"\n")
            try await harness.faults(#"{"token":"album-yes","actions":[{"fault":"delay","milliseconds":1500}]}"#)
            try await harness.start()
            try await harness.waitUntilConsuming()
            let locker = try await locker(of: harness)
            try await harness.publish(DaemonHarness.body("yes", account: "acc1", token: "album-yes"))
            try await eventually("the daemon says that it cannot write") {
                await harness.log.contains("ledger_unavailable")
            }
            await harness.daemon?.signal(SIGTERM)
            #expect(await harness.daemon?.wait() == .exited(0))
            #expect(await harness.log.contains("could not write its last lines"))
            locker.signal(SIGKILL)
            _ = await locker.wait()
            try await harness.start()
            let results = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            #expect(results.first?.effect == "left", "nobody is in doubt")
            try await harness.stopInOrder()
            #expect(try await harness.waiting() == 0)
            await harness.end()
        }

        /// What is in the ledger and cannot be published is the next start's, which calls nobody for it.
        @Test func aStopWhileNoResultCanBePublishedLeavesItToTheNextStart() async throws {
            let harness = try await DaemonHarness(settings: "[worker]\ndrain_timeout = \"2s\"\n")
            let user = try await harness.makeUser()
            try await harness.start(environment: user)
            try await harness.waitUntilConsuming()
            try await harness.permitPublishing(false)
            let body = DaemonHarness.body("yes", account: "acc1", token: "album-yes")
            try await harness.publish(body)
            try await eventually("the result is in the ledger, and the broker takes none") {
                guard await harness.log.contains("ACCESS_REFUSED") else { return false }
                return try await harness.command("job", "yes").text.contains("left")
            }
            await harness.daemon?.signal(SIGTERM)
            #expect(await harness.daemon?.wait() == .exited(0))
            #expect(await harness.log.contains("stopped; what was unfinished is the broker's again"))
            #expect(await harness.log.contains("let it write to that exchange"))
            #expect(try await harness.depth("results") == 0)
            try await harness.permitPublishing(true)
            try await harness.start(environment: user)
            let results = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            try await eventually("the delivery is acked") { try await harness.isQuiet() }
            try await harness.stopInOrder()
            #expect(results.first?.outcome == "left" && Set(results.map(\.body)).count == 1)
            #expect(try harness.calls().count == 1)
            #expect(try await harness.waiting() == 0)
            await harness.end()
        }

        @Test func aPurgedRetryQueueEndsAsJobLost() async throws {
            let harness = try await DaemonHarness(settings: "[retry]\ndelays = [\"5s\"]\n")
            try await harness.faults(#"{"token":"album-gone","actions":[{"wording":"unavailable"}]}"#)
            try await harness.start(environment: ["ALBUMD_TEST_LOST_AFTER": "500"])
            try await harness.waitUntilConsuming()
            try await harness.publish(DaemonHarness.body("gone", account: "acc1", token: "album-gone"))
            // It is parked again and again.
            try await eventually("it is parked, and its copy is gone") {
                try await harness.session.purge(queue: "\(harness.prefix).retry.5s") == 1
            }
            let results = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            #expect(results.first?.reason == "job_lost")
            #expect(results.first?.effect == "unknown")
            #expect(results.first?.json["next"]?.text == "operator")
            await harness.end()
        }

        @Test func aForeignUserAndAnExpirationStayBehindInCopiesAndDeadLetters() async throws {
            let harness = try await DaemonHarness(settings: Self.twoDelays)
            try await harness.faults(#"{"token":"album-later","count":2,"actions":[{"wording":"unavailable"}]}"#)
            try await harness.start(environment: try await harness.makeUser())
            try await harness.waitUntilConsuming()
            let foreign: @Sendable (inout Properties) -> Void = {
                $0.userID = "guest"
                $0.expiration = "600000"
                $0.priority = 3
            }
            try await harness.publish(DaemonHarness.body("later", account: "acc1", token: "album-later"), foreign)
            try await harness.publish(DaemonHarness.body("dies", account: "nobody", token: "album-dies"), foreign)
            let results = try await harness.take("results", atLeast: 2).map(ReadResult.init)
            #expect(results.first { $0.jobID == "later" }?.outcome == "left", "its copy was not refused")
            let deadLetter = try #require(try await harness.take("dead", atLeast: 1).first)
            #expect(deadLetter.properties.userID == nil)
            #expect(deadLetter.properties.expiration == nil)
            #expect(deadLetter.properties.priority == nil)
            #expect(await !harness.logs.contains("lost the publishing connection"))
            await harness.end()
        }

        @Test func aJobThatTheBrokerLetExpireIsReported() async throws {
            let harness = try await DaemonHarness()
            try await harness.publish(DaemonHarness.body("late", account: "acc1", token: "album-late")) {
                $0.expiration = "1"
            }
            try await eventually("the broker gives it up") { try await harness.depth("broken") == 1 }
            try await harness.start()
            let results = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            #expect(results.first?.reason == "expired")
            #expect(results.first?.effect == "not_left")
            let deadLetter = try #require(try await harness.take("dead", atLeast: 1).first)
            #expect(deadLetter.properties.headers?["x-leave-album-reason"] == .text("expired"))
            #expect(deadLetter.properties.headers?["x-death"] == nil)
            #expect(try harness.calls().isEmpty)
            await harness.end()
        }

        @Test func composedAndDecomposedNamesAreTwoAccounts() async throws {
            let harness = try await DaemonHarness()
            let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
            try harness.directory.write("tokens", "\(composed)\tsim:first\n\(decomposed)\tsim:second\n")
            try await harness.start()
            try await harness.publish(DaemonHarness.body("c", account: composed, token: "album-c"))
            try await harness.publish(DaemonHarness.body("d", account: decomposed, token: "album-d"))
            _ = try await harness.take("results", atLeast: 2)
            let calls = try harness.calls()
            #expect(calls.first { $0.token == "album-c" }?.account == "first")
            #expect(calls.first { $0.token == "album-d" }?.account == "second")
            // The same id for the other form is another job's id.
            try await harness.publish(DaemonHarness.body("c", account: decomposed, token: "album-c"))
            let conflict = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            #expect(conflict.first?.reason == "job_id_conflict")
            await harness.end()
        }
    }
}
