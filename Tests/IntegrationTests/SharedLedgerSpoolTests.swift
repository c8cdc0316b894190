import Foundation
import PrivateBroker
import PrivateDatabase
import Testing

extension SharingOnABroker {
    /// What a host keeps on its disk for a ledger in a database.
    @Suite struct SharedLedgerSpool {
        private func outcomes(in spool: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: spool).filter { $0.hasPrefix("outcomes-") }
        }

        @Test func whatACallCameToWhileTheDatabaseWasAwayIsWrittenAtTheNextStart() async throws {
            let cluster = try await ClusterHarness()
            let spool = cluster.site.directory.file("spool").path
            let environment = ["LEAVE_ALBUMD_WORKER_DRAIN_TIMEOUT": "2s", "LEAVE_ALBUMD_LEDGER_SPOOL": spool]
            let a = try cluster.start("a", environment: environment)
            try await a.waitUntilConsuming()
            try await cluster.loseDatabase(inACallOf: a)
            try await a.stopInOrder()
            #expect(try outcomes(in: spool).count == 1, "\(a.log)")
            try await cluster.database.start()
            let b = try cluster.start("b", environment: environment)
            let results = try await cluster.site.take("results", atLeast: 1).map(ReadResult.init)
            // The delivery that comes back may find it published, and send it once more as a replay.
            #expect(results.filter { !$0.isReplayed }.map(\.outcome) == ["left"])
            #expect(Set(results.map(\.body)).count == 1 && Set(results.map(\.messageID)) == ["slow#0"])
            #expect(b.log.contains("wrote the outcomes of calls that an earlier process had to leave records=1"))
            #expect(try outcomes(in: spool) == [])
            // Neither called again nor asked.
            #expect(try cluster.site.journal().count == 1)
            try await b.stopInOrder()
            await cluster.end(a, b)
        }

        @Test func aDatabaseThatIsAnotherThanThisHostKnowsIsRefusedUntilAnOperatorMeansIt() async throws {
            let cluster = try await ClusterHarness()
            let environment = ["LEAVE_ALBUMD_LEDGER_SPOOL": cluster.site.directory.file("spool").path]
            func work(_ options: [String] = []) async throws {
                let a = try cluster.start("a", environment: environment, options: options)
                try await a.waitUntilConsuming()
                try await a.stopInOrder()
            }
            try await work()
            try await work()
            try await cluster.database.run(
                "UPDATE leave_album.cluster SET identity = uuid_send(gen_random_uuid())", database: "leave_album")
            let refused = try cluster.start("a", environment: environment)
            #expect(await refused.process.wait() == .exited(78), "\(refused.log)")
            #expect(refused.log.contains("another ledger") && refused.log.contains("--ledger-restored"))
            try await work(["--ledger-restored"])
            try await work()
            await cluster.end(refused)
        }
    }
}
