import Clocks
import Concurrency
import LedgerDatabase
import PrivateDatabase
import Testing

@testable import Ledger
@testable import PostgresLedger

/// What is wanted of the database's standbys, and what is done where they are not so.
@Suite(.timeLimit(.minutes(30))) struct StandbyDemandTests {
    @Test(
        arguments: [
            ("ANY 1 (a, b)", "on", nil), ("*", "remote_apply", nil),
            ("", "on", "synchronous_standby_names is empty"), ("  ", "on", "synchronous_standby_names is empty"),
            ("*", "remote_write", "synchronous_commit is remote_write"), ("*", "local", "synchronous_commit is local"),
            ("*", "off", "synchronous_commit is off"),
        ] as [(String, String, String?)])
    func aCommitHasToBeFlushedAtAStandby(names: String, commit: String, shortcoming: String?) {
        let found = StandbyDemand.shortcoming(names: names, commit: commit)
        #expect((found == nil) == (shortcoming == nil))
        if let shortcoming { #expect(found?.contains(shortcoming) == true, "\(found ?? "")") }
    }

    @Suite(.withADatabase) struct OnAServer {
        /// What it has begun it brings to its end.
        @Test func withoutOneNothingIsClaimedAndWhatWasIsRecorded() async throws {
            let database = try await SharedDatabase()
            let (told, heard) = (AsyncSignal(), Lock(""))
            let ledger = try await database.join {
                $0.heartbeatInterval = .seconds(3_600)
                $0.configuration.standbys = .required
                $0.onHealth = { health in
                    guard case .comparing(let text) = health else { return }
                    heard.withLock { $0 = text }
                    told.signal()
                }
            }
            await told.wait(for: 1, until: SystemTimeSource().now() + .seconds(600), by: SystemTimeSource())
            #expect(heard.withLock { $0 }.contains("ledger.replication is \"required\""))
            let refusal = await #expect(throws: LedgerError.self) { _ = try await ledger.lease() }
            #expect(refusal?.description.contains("wait for no standby") == true)
            let record = Sample.finished(Sample.arrival("begun"))
            #expect(try await ledger.record(record, under: nil, isUnheard: false) == .copy(0))
            await ledger.close(within: DatabaseLedger.closeTime)
        }

        @Test func theCheckSaysItAsAFault() async throws {
            let database = try await SharedDatabase()
            var configuration = try database.configuration(port: database.server.port)
            func kinds(_ standbys: StandbyDemand) async throws -> [DatabaseCheck.Finding.Kind] {
                configuration.standbys = standbys
                return try await DatabaseCheck.findings(configuration, durable: true)
                    .filter { $0.detail.contains("standby") && !$0.detail.contains("sessions") }.map(\.kind)
            }
            #expect(try await kinds(.any) == [.good])
            #expect(try await kinds(.required) == [.fault])
            #expect(try await kinds(.ignored) == [.good])
        }

        @Test func whoDoesNotLookAtThemHearsNothingOfThem() async throws {
            let database = try await SharedDatabase()
            let ledger = try await database.join { $0.configuration.standbys = .ignored }
            #expect(try await ledger.condition()?.replication == nil)
            await ledger.close(within: DatabaseLedger.closeTime)
            let other = try await database.join("other")
            #expect(try await other.condition()?.replication == .noStandby)
            await other.close(within: DatabaseLedger.closeTime)
        }
    }
}
