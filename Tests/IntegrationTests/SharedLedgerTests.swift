import Foundation
import JSON
import PrivateBroker
import PrivateDatabase
import Testing

extension SharingOnABroker {
    /// Two daemons over one database and one broker.
    @Suite struct SharedLedger {
        private func publish(_ numbers: ClosedRange<Int>, times: Int, _ cluster: ClusterHarness) async throws {
            let site = cluster.site
            try await site.inParallel(Array(numbers)) { number in
                for _ in 0..<times {
                    try await site.publish(
                        DaemonHarness.body("s\(number)", account: "acc\(number % 40 + 1)", token: "album-s\(number)"))
                }
            }
        }

        private func check(_ results: [ReadResult], jobs: Int) {
            let bodies = Dictionary(grouping: results, by: \.messageID).mapValues { Set($0.map(\.body)).count }
            #expect(bodies.count == jobs)
            #expect(bodies.filter { $0.value != 1 } == [:], "one body under each message-id")
            #expect(Set(results.map(\.outcome)).isSubset(of: ["left", "already_left"]))
        }

        @Test func aDaemonThatIsKilledLosesNothingAndNobodyIsCalledForTwiceUnasked() async throws {
            let cluster = try await ClusterHarness(simulatorOptions: ["--latency", "300"])
            let reader = try ResultReader(cluster.site)
            let (a, b) = (try cluster.start("a"), try cluster.start("b"))
            try await a.waitUntilConsuming()
            try await b.waitUntilConsuming()
            let jobs = 300
            try await publish(1...jobs, times: 2, cluster)
            try await eventually("some are done") { reader.jobs >= 20 }
            a.process.signal(SIGKILL)
            #expect(reader.jobs < jobs, "it is killed in the middle")
            try await eventually("the other one ends all of them") { reader.jobs == jobs }
            try await eventually("nothing waits any more") { try await cluster.site.waiting() == 0 }
            check(reader.all, jobs: jobs)
            #expect(try cluster.unexplainedCalls() == [])
            let effects = Dictionary(grouping: try cluster.site.calls().filter { $0.effect == "left" }, by: \.token)
            #expect(effects.count == jobs && effects.allSatisfy { $0.value.count == 1 })

            let socket = ["LEAVE_ALBUMD_ADMIN_CONTROL_SOCKET": cluster.site.directory.file("control-b.sock").path]
            let listed = try await cluster.site.command(["ledger", "members", "--json"], environment: socket)
            let members = try JSONValue.parse(Array(listed.text.utf8))["members"]?.elements ?? []
            #expect(Set(members.compactMap { $0["name"]?.text }) == ["a", "b"], "\(listed.text)")
            let own = members.first { $0["name"]?.text == "b" }
            #expect(own?["state"]?.text == "working" && own?["report"]?["worker"]?.text == "consuming")
            let status = try await cluster.site.command(["status", "--json"], environment: socket)
            let ledger = try JSONValue.parse(Array(status.text.utf8))["ledger"]
            #expect(ledger?["kind"]?.text == "postgresql" && ledger?["instance"]?.text == "b", "\(status.text)")
            let job = try await cluster.site.command(["job", "s1"], environment: socket)
            #expect(job.ending == .exited(0) && job.text.contains("left"), "\(job.text)")
            try await b.stopInOrder()
            // Without a daemon the commands ask the database.
            let alone = try await cluster.site.command("job", "s1")
            #expect(alone.ending == .exited(0) && alone.text == job.text, "\(alone.text)")
            reader.stop()
            await cluster.end(a, b)
        }

        @Test func whatAnOperatorSaysAtOneDaemonAllAcknowledgeOrAreNamed() async throws {
            let cluster = try await ClusterHarness()
            let (a, b) = (try cluster.start("a"), try cluster.start("b"))
            try await a.waitUntilConsuming()
            try await b.waitUntilConsuming()
            let ask = cluster.ask

            let paused = try await cluster.acknowledged(a, ["pause"])
            #expect(paused.contains("have acknowledged it"), "\(paused)")
            #expect(try await ask(b, ["holds"]).1.contains("operator_paused"), "it has said so")
            let resumed = try await cluster.acknowledged(b, ["resume", "--json"], before: (a, ["pause"]))
            #expect(resumed.contains(#""cluster":{"state":"complete"}"#), "\(resumed)")
            #expect(try await ask(a, ["holds"]).1.contains("nothing is on hold"))

            let pause = ["pause", "--account", "acc1"]
            _ = try await cluster.acknowledged(a, pause)
            #expect(try await ask(b, ["holds"]).1.contains("acc1"))
            _ = try await cluster.acknowledged(b, ["resume", "--account", "acc1"], before: (a, pause))
            #expect(try await ask(a, ["holds"]).1.contains("nothing is on hold"))

            b.process.signal(SIGSTOP)
            let lacking = try await ask(a, ["pause"])
            #expect(lacking.0 == .exited(1) && lacking.1.contains("by b (epoch "), "\(lacking)")
            b.process.signal(SIGCONT)
            try await eventually("it follows when it goes on") { b.log.contains("cause=operator_paused") }
            _ = try await cluster.acknowledged(b, ["resume"], before: (a, ["pause"]))
            await cluster.end(a, b)
        }

        @Test func oneDaemonThatIsPausedByItsNameTakesNothingAlsoAfterARestart() async throws {
            let cluster = try await ClusterHarness()
            let reader = try ResultReader(cluster.site)
            let (a, b) = (try cluster.start("a"), try cluster.start("b"))
            try await a.waitUntilConsuming()
            try await b.waitUntilConsuming()
            let ask = cluster.ask

            let unknown = try await ask(a, ["pause", "--instance", "c"])
            #expect(unknown.0 == .exited(1) && unknown.1.contains("is called c; there are a, b"), "\(unknown)")
            let paused = try await cluster.acknowledged(a, ["pause", "--instance", "b"])
            #expect(paused.contains("b has acknowledged it"), "\(paused)")
            #expect(try await ask(b, ["holds"]).1.contains("member_paused"))
            let seen = try await ask(a, ["holds", "--instance", "b"])
            #expect(seen.1.contains("member_paused") && seen.1.contains("b#"), "\(seen)")
            #expect(try await ask(a, ["ledger", "members"]).1.contains("working, paused"))
            #expect(try await ask(a, ["status"]).1.contains(" working, paused, "))
            try await publish(1...20, times: 1, cluster)
            try await eventually("the other one does all") { reader.jobs == 20 }
            let status = try JSONValue.parse(Array(try await ask(b, ["status", "--json"]).1.utf8))
            #expect(
                status["ended"]?.members?.allSatisfy { $0.value.integer == 0 } == true, "it has done none: \(status)")
            let own = try await ask(b, ["resume"])
            #expect(own.0 == .exited(1) && own.1.contains("resume instance b"), "\(own)")

            b.process.signal(SIGKILL)
            _ = await b.process.wait()
            let again = try cluster.start("b")
            try await eventually("the next of that name is paused") { again.log.contains("cause=member_paused") }
            #expect(!again.log.contains("queues=\(cluster.site.prefix).due,"), "it has consumed nothing")
            try await a.stopInOrder()
            try await publish(21...30, times: 1, cluster)
            // The one that was killed would be waited for as well.
            try await eventually("it is known to be dead") {
                try await ask(again, ["ledger", "members"]).1.contains("dead")
            }
            let resumed = try await cluster.acknowledged(
                again, ["resume", "--instance", "b"], before: (again, ["pause", "--instance", "b"]))
            #expect(resumed.contains("b has acknowledged it"), "\(resumed)")
            try await eventually("it works") { reader.jobs == 30 }
            let twice = try await ask(again, ["resume", "--instance", "b"])
            #expect(twice.0 == .exited(1) && twice.1.contains("is not paused alone"), "\(twice)")
            check(reader.all, jobs: 30)
            reader.stop()
            await cluster.end(a, b, again)
        }

        @Test func aDatabaseThatIsStoppedUnderLoadHoldsTheDaemonsAndCostsNothing() async throws {
            let cluster = try await ClusterHarness(simulatorOptions: ["--latency", "300"])
            let reader = try ResultReader(cluster.site)
            let (a, b) = (try cluster.start("a"), try cluster.start("b"))
            try await a.waitUntilConsuming()
            try await b.waitUntilConsuming()
            let jobs = 300
            try await publish(1...jobs, times: 1, cluster)
            try await eventually("some are done") { reader.jobs >= 20 }
            await cluster.database.stop()
            #expect(reader.jobs < jobs, "it is stopped in the middle")
            for member in [a, b] {
                try await eventually("\(member.name) holds") { member.log.contains("cause=ledger_unavailable") }
            }
            try await cluster.database.start()
            try await eventually("all of them end") { reader.jobs == jobs }
            check(reader.all, jobs: jobs)
            #expect(try cluster.unexplainedCalls() == [])
            try await a.stopInOrder()
            try await b.stopInOrder()
            reader.stop()
            await cluster.end(a, b)
        }

        @Test func aDatabaseThatIsAwayIsWaitedForAtTheStartAndNotAtTheEnd() async throws {
            let cluster = try await ClusterHarness()
            await cluster.database.stop()
            let drain = ["LEAVE_ALBUMD_WORKER_DRAIN_TIMEOUT": "2s"]
            let a = try cluster.start("a", environment: drain)
            try await eventually("it says what it waits for") { a.log.contains("waiting for the ledger's database") }
            #expect(a.process.isRunning)
            try await cluster.database.start()
            try await a.waitUntilConsuming()
            // Its record is not written any more, and the job is the broker's again.
            try await cluster.loseDatabase(inACallOf: a)
            try await a.stopInOrder()
            await cluster.end(a)
        }

        @Test func whatADatabaseRefusesIsOneLineAndTheEnd() async throws {
            let cluster = try await ClusterHarness(declares: false)
            let (database, site) = (cluster.database, cluster.site)
            func refusal(_ environment: [String: String] = [:]) async throws -> String {
                let member = try cluster.start("x", environment: environment)
                let ending = await member.process.wait()
                if ending == nil { member.process.signal(SIGKILL) }
                #expect(ending == .exited(78), "\(member.log)")
                return member.log
            }
            func url(_ name: String) -> [String: String] {
                ["LEAVE_ALBUMD_LEDGER_URL": "postgresql://worker@127.0.0.1:\(database.port)/\(name)"]
            }

            let empty = try await refusal()
            #expect(empty.contains("leave-albumd ledger declare"), "\(empty)")
            let nowhere = try await refusal(url("elsewhere"))
            #expect(nowhere.contains("database \"elsewhere\" does not exist"), "\(nowhere)")
            try await cluster.declare()
            let withoutRights = try await refusal()
            #expect(withoutRights.contains("permission denied"), "\(withoutRights)")
            try await cluster.declare("--worker-role", "worker")

            try await database.run("ALTER ROLE worker SET default_transaction_read_only = on")
            let readOnly = try await refusal()
            #expect(readOnly.contains("takes no writes"), "\(readOnly)")
            try await database.run("ALTER ROLE worker RESET default_transaction_read_only")

            try await database.run("CREATE TABLE saved AS SELECT * FROM leave_album.cluster", database: "leave_album")
            try await database.run(
                "UPDATE leave_album.cluster SET schema = 99, compatible_with = 99", database: "leave_album")
            let newer = try await refusal()
            #expect(newer.contains("99"), "\(newer)")
            try await database.run("UPDATE leave_album.cluster SET schema = 0", database: "leave_album")
            let older = try await refusal()
            #expect(older.contains("leave-albumd ledger declare"), "\(older)")
            try await database.run(
                "UPDATE leave_album.cluster SET schema = s.schema, compatible_with = s.compatible_with FROM saved s",
                database: "leave_album")

            try await database.run("ALTER ROLE worker PASSWORD 'right'")
            try await database.allow("host all worker 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust")
            await database.reload()
            try site.directory.write("password", "wrong")
            let password = ["LEAVE_ALBUMD_LEDGER_PASSWORD_FILE": site.directory.file("password").path]
            let wrong = try await refusal(password)
            #expect(wrong.contains("password authentication failed") && !wrong.contains("wrong\""), "\(wrong)")

            try site.directory.write("password", "right")
            let a = try cluster.start("a", environment: password)
            try await a.waitUntilConsuming()
            let live = try await site.command(["check", "--live"], environment: password)
            #expect(live.text.contains("logged in to 127.0.0.1:\(database.port)"), "\(live.text)")
            try await a.stopInOrder()
            await cluster.end(a)
        }

        @Test func aDaemonForAnotherServiceIsRefusedAndOneWithOtherLimitsWarnsOfIt() async throws {
            let cluster = try await ClusterHarness()
            let a = try cluster.start("a")
            try await a.waitUntilConsuming()
            let foreign = try cluster.start(
                "b", environment: ["LEAVE_ALBUMD_API_BASE_URL": "http://127.0.0.1:1"])
            #expect(await foreign.process.wait() == .exited(78))
            #expect(foreign.log.contains("daemon a (epoch 1) works on this ledger with another api.base_url"))
            let other = try cluster.start("c", environment: ["LEAVE_ALBUMD_WORKER_PER_ACCOUNT": "2"])
            try await other.waitUntilConsuming()
            #expect(other.log.contains("setting=worker.per_account"), "\(other.log)")
            #expect(other.log.contains("the ledger: fsync is off"), "\(other.log)")
            try await a.stopInOrder()
            // Whoever is gone has no say.
            try await other.stopInOrder()
            let alone = try cluster.start("b", environment: ["LEAVE_ALBUMD_API_BASE_URL": "http://127.0.0.1:1"])
            try await alone.waitUntilConsuming()
            await cluster.end(a, foreign, other, alone)
        }
    }
}
