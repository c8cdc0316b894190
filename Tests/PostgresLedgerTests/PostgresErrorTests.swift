import Clocks
import Concurrency
import Testing

@testable import PostgresLedger

/// What a code of the server means for whoever sent the batch, and what an operator reads.
@Suite struct PostgresErrorTests {
    @Test(arguments: [
        ("40001", PostgresError.Kind.retryable), ("40P01", .retryable), ("55P03", .retryable), ("57014", .retryable),
        ("08006", .unavailable), ("53100", .unavailable), ("53300", .unavailable), ("57P01", .unavailable),
        ("57P03", .unavailable), ("25006", .unavailable), ("25P03", .unavailable), ("58030", .unavailable),
        ("28P01", .refusedConfiguration), ("28000", .refusedConfiguration), ("3D000", .refusedConfiguration),
        ("42501", .refusedConfiguration), ("3F000", .refusedConfiguration), ("42P01", .refusedConfiguration),
        ("26000", .refusedConfiguration), ("23505", .fault), ("42601", .fault), ("22021", .fault), ("XX000", .fault),
        ("", .fault),
    ]) func theCodeSaysTheKind(state: String, kind: PostgresError.Kind) {
        #expect(PostgresError.Kind(state: state) == kind)
    }

    @Test func aSentenceSaysWhatWhereAndWhatToDo() {
        let report = PostgresReport(severity: "FATAL", state: "3D000", message: "database \"x\" does not exist")
        let error = PostgresError(report, endpoint: "db:5432, database x", attempted: "connecting")
        #expect(
            "\(error)" == "connecting at db:5432, database x: database \"x\" does not exist (SQLSTATE 3D000); "
                + "make the database, or correct its name in `ledger.url`")
        for kind in [PostgresError.Kind.retryable, .unavailable, .refusedConfiguration, .fault, .outcomeUnknown] {
            let error = PostgresError(kind: kind, endpoint: "db", attempted: "a", message: "b")
            #expect("\(error)".hasPrefix("a at db: b; ") && error.advice.count > 20)
        }
    }

    @Test func aWantOfDescriptorsIsThisSides() {
        let error = PostgresError(
            kind: .refusedConfiguration, endpoint: "db", attempted: "connecting", message: "no file")
        #expect(error.explained(nil) == error)
        let explained = error.explained(.process(limit: 64))
        #expect(explained.kind == .unavailable && "\(explained)".contains("all of its 64 file descriptors"))
    }

    @Test func aRefusalIsReadOutOfLibpqsText() {
        let text = """
            connection to server at "::1", port 1 failed: FATAL:  28P01: password authentication failed for user "w"
            LOCATION:  auth_failed, auth.c:326
            """
        let report = PostgresReport(ofConnecting: text)
        #expect(report?.state == "28P01" && report?.severity == "FATAL")
        #expect(report?.message == "password authentication failed for user \"w\"")
        #expect(PostgresReport(ofConnecting: "connection to server at \"x\" failed: Connection refused\n") == nil)
    }

    @Test func libpqsTextIsOneLineWithoutTheHost() {
        let text = "connection to server at \"x\", port 1 failed: Connection refused\n\tIs the server running there?\n"
        #expect(LibpqMessage.text(text) == "Connection refused Is the server running there?")
        #expect(LibpqMessage.text(" as it is\n") == "as it is")
    }
}

/// Hosts are tried in turn, and knocked at often at first and seldom later.
@Suite struct HostRotationTests {
    private let hosts = ["a", "b"].map { PostgresHost(name: $0, address: nil, port: 1) }
    private let start = MonotonicTime(nanoseconds: 0)

    @Test func allAreTriedBeforeAnyoneWaits() {
        var rotation = HostRotation(hosts)
        #expect(rotation.current.name == "a")
        #expect(rotation.fail(at: start) == .zero && rotation.current.name == "b")
        #expect(rotation.fail(at: start) > .zero && rotation.current.name == "a")
        rotation.succeed()
        #expect(rotation.current.name == "a", "who proved itself is asked first")
    }

    @Test func aMinuteLongNoWaitIsLongerThanASecond() {
        var rotation = HostRotation(Array(hosts.prefix(1)))
        var now = start
        var longest = Duration.zero
        while now - start < HostRotation.earlyTime {
            let wait = rotation.fail(at: now, random: 0.999)
            longest = max(longest, wait)
            now = now + wait
        }
        #expect(longest <= .seconds(1) && longest > .milliseconds(900))
        let later = (0..<10).map { _ in rotation.fail(at: now, random: 0.999) }
        #expect(later.max() ?? .zero > .seconds(9) && later.allSatisfy { $0 <= .seconds(10) })
        rotation.succeed()
        #expect(rotation.fail(at: now, random: 0.999) < .seconds(1))
    }
}
