import AMQP
import Foundation
import PrivateBroker
import PrivateDatabase
import Testing

extension SharingOnABroker {
    /// Daemons that share a ledger, and one whose ledger is a file.
    @Suite struct SharedLedgerBesideFile {
        /// A host that was forgotten on a file.
        private func startWithFile(_ cluster: ClusterHarness, _ name: String) throws -> ChildProcess {
            let site = cluster.site
            let shared = try String(contentsOf: site.directory.file("d.toml"), encoding: .utf8)
            let own = shared.replacing(
                /url = "postgresql:[^\n]*/, with: "path = \"\(site.directory.file(name).path)\"")
            let configuration = try site.directory.write("\(name).toml", own)
            return try ChildProcess(
                [
                    DaemonHarness.products.appendingPathComponent("leave-albumd").path, "run", "--new-ledger",
                    "--config", configuration.path,
                ], output: site.directory.file("\(name).out"))
        }

        @Test func aDaemonWithAFileOfItsOwnBesideThemIsFound() async throws {
            let cluster = try await ClusterHarness()
            let alone = try startWithFile(cluster, "own")
            try await eventually("the daemon with the file consumes") {
                alone.text.contains("queues=\(cluster.site.prefix).due,")
            }
            let refused = try cluster.start("b")
            #expect(await refused.process.wait() == .exited(78))
            #expect(refused.log.contains("a daemon whose ledger is a file"), "\(refused.log)")
            alone.signal(SIGTERM)
            #expect(await alone.wait() == .exited(0))
            await cluster.end(refused)
        }

        @Test func aDaemonWithAFileIsRefusedBesideThoseWhoWork() async throws {
            let cluster = try await ClusterHarness()
            let a = try cluster.start("a")
            try await a.waitUntilConsuming()
            let alone = try startWithFile(cluster, "own")
            #expect(await alone.wait() == .exited(78), "\(alone.text)")
            #expect(alone.text.contains("others consume queue \(cluster.site.prefix)."), "\(alone.text)")
            #expect(!alone.text.contains("queues=\(cluster.site.prefix).due,"), "it has consumed nothing")
            try await a.stopInOrder()
            // Nobody is left whom it could meet.
            let again = try startWithFile(cluster, "again")
            try await eventually("it works alone") { again.text.contains("queues=\(cluster.site.prefix).due,") }
            again.signal(SIGTERM)
            #expect(await again.wait() == .exited(0))
            await cluster.end(a)
        }

        @Test func aDaemonWithAFileThatReconnectsBesideConsumersHoldsUntilTheyAreGone() async throws {
            let site = try await DaemonHarness()
            let jobs = "\(site.prefix).jobs"
            try await site.start(environment: try await site.makeUser())
            try await site.waitUntilConsuming()
            // Of daemons these would find it, and perhaps stand still before it has looked.
            let others = try ConsumingLink(DaemonHarness.link(to: site.broker, "stage others")) { _ in }
            others.consume([ConsumedQueue(name: jobs, prefetch: 1)])
            try await eventually("two consume") { try await site.session.inspect(queue: jobs)?.consumers == 2 }
            #expect(await !site.log.contains("cause=other_ledger"), "it looks when it has connected")
            try await site.closeConnectionsOfUser()
            try await eventually("it finds them") { await site.log.contains("cause=other_ledger") }
            others.stop()
            try await eventually("it works alone") { await site.log.contains("hold lifted cause=other_ledger") }
            try await site.stopInOrder()
            await site.end()
        }

        @Test func thoseWhoWorkBesideADaemonWithAFileHoldAndItGoesOn() async throws {
            let cluster = try await ClusterHarness()
            let a = try cluster.start("a")
            try await a.waitUntilConsuming()
            _ = try await cluster.acknowledged(a, ["pause"])
            let alone = try startWithFile(cluster, "own")
            try await eventually("nobody was there to be met") {
                alone.text.contains("queues=\(cluster.site.prefix).due,")
            }
            _ = try await cluster.ask(a, ["resume"])
            try await eventually("it goes on") { a.log.contains("hold lifted cause=operator_paused") }
            try await eventually("it finds the other") { a.log.contains("cause=other_ledger") }
            let jobs = "\(cluster.site.prefix).jobs"
            try await eventually("the other has them to itself") {
                try await cluster.site.session.inspect(queue: jobs)?.consumers == 1
            }
            try await cluster.site.publish(DaemonHarness.body("j", account: "acc1", token: "album-j"))
            try await eventually("the other works") { try await cluster.site.depth("results") == 1 }
            #expect(!a.log.contains("hold lifted cause=other_ledger"))
            alone.signal(SIGTERM)
            #expect(await alone.wait() == .exited(0))
            try await eventually("its end is seen") { a.log.contains("hold lifted cause=other_ledger") }
            await cluster.end(a)
        }

        @Test func thoseWhoConsumedNothingHoldWhileADaemonWithAFileWorks() async throws {
            let cluster = try await ClusterHarness()
            let a = try cluster.start("a")
            try await a.waitUntilConsuming()
            _ = try await cluster.acknowledged(a, ["pause"])
            let alone = try startWithFile(cluster, "own")
            try await eventually("nobody was there to be met") {
                alone.text.contains("queues=\(cluster.site.prefix).due,")
            }
            try await eventually("the one that was paused finds it") {
                a.log.contains("cause=other_ledger")
            }
            alone.signal(SIGTERM)
            #expect(await alone.wait() == .exited(0))
            try await eventually("its end is seen") {
                a.log.contains("hold lifted cause=other_ledger")
            }
            await cluster.end(a)
        }
    }
}
