import CSQLite
import Clocks
import Concurrency
import Testing

@testable import Ledger
@testable import SQLiteLedger

/// SQLite takes a want of descriptors for a file that cannot be opened.
@Suite struct DescriptorAdviceTests {
    @Test(arguments: [SQLITE_CANTOPEN, SQLITE_IOERR | 5 << 8])
    func theWantIsSaidAndNotTheFileBlamed(code: Int32) {
        let fault = SQLiteFault(code: code, attempted: "opening /l", message: "unable to open database file")
        guard case .unavailable(let reported) = fault.ledgerError(path: "/l", shortage: .process(limit: 64)) else {
            Issue.record("it passes by itself")
            return
        }
        #expect(reported.contains("all of its 64 file descriptors open") && reported.contains("goes on by itself"))
        #expect(!reported.contains("writable") && !reported.contains("look at the disk"))
        guard case .unavailable(let usual) = fault.ledgerError(path: "/l", shortage: nil) else {
            Issue.record("it passes by itself")
            return
        }
        #expect(!usual.contains("descriptors"))
    }

    @Test func damageIsDamageWhateverElseIsMissing() {
        let fault = SQLiteFault(code: SQLITE_CORRUPT, attempted: "reading", message: "malformed")
        guard case .unusable = fault.ledgerError(path: "/l", shortage: .machine) else {
            Issue.record("no descriptor mends it")
            return
        }
    }
}
