import Clocks
import JSON
import Jobs
import Telemetry
import Testing

@testable import Ledger
@testable import Operations

/// Requests and answers that lack something or have something wrong: refused, in words that say what.
@Suite struct OperatorRequestFaultTests {
    private func problem<Value: ControlValue>(_: Value.Type, _ text: String) throws -> String? {
        let json = try JSONValue.parse(Array(text.utf8))
        do throws(ControlFormatError) {
            _ = try Value(json: json)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func anAnswerThatLacksSomethingSaysWhat() throws {
        typealias Pruned = LedgerPruneRequest.Answer
        #expect(try problem(Pruned.self, #"{"prunned":7}"#) == "pruned is missing")
        #expect(try problem(Pruned.self, #"{"pruned":null}"#) == "pruned is null, not an integer")
        #expect(try problem(Pruned.self, #"{"pruned":"7"}"#) == "pruned is a string, not an integer")
        #expect(try problem(Pruned.self, #"{"pruned":-7}"#) == "pruned is -7, not a count")
        #expect(try problem(Pruned.self, "[7]") == "it is an array, not an object")
        #expect(try problem(StatusRequest.Answer.self, "7") == "it is an integer, not an object")
        #expect(
            try problem(HoldsRequest.Answer.self, #"{"accounts":[],"holds":[{"cause":"x","detail":"","since":"now"}]}"#)
                == "holds[0]: since is now, not a time")
        #expect(
            try problem(ForcedCancel.self, #"{"jobId":"j","state":"ending"}"#)
                == "state is ending, which is not known here")
        #expect(
            try problem(LedgerVerifyRequest.Answer.self, #"{"faults":["",1]}"#)
                == "faults[1] is an integer, not a string")
        #expect(try problem(JobNoteRequest.Answer.self, #"{"noted":false}"#) == "noted is false")
    }

    @Test(arguments: [
        (RequestName.job, "{}"), (.job, #"{"jobId":"no id"}"#), (.jobCancel, #"{"jobId":7}"#), (.ledgerForget, "{}"),
        (.resultsReplay, "{}"), (.reconcile, #"{"jobIds":["no id"]}"#),
    ])
    func aRequestWithoutAJobIsRefused(name: RequestName, text: String) throws {
        let problem =
            switch name {
            case .job: try problem(JobRequest.self, text)
            case .jobCancel: try problem(JobCancelRequest.self, text)
            case .ledgerForget: try problem(LedgerForgetRequest.self, text)
            case .resultsReplay: try problem(ReplayRequest.self, text)
            default: try problem(ReconcileRequest.self, text)
            }
        #expect(problem == "a jobId is 1 to 128 of A-Z a-z 0-9 . _ : / -")
    }

    @Test func aRequestWithAWrongArgumentIsRefused() throws {
        #expect(try problem(LedgerPruneRequest.self, "{}") == "olderThanSeconds is missing")
        #expect(try problem(LedgerPruneRequest.self, #"{"olderThanSeconds":-1}"#) == "olderThanSeconds is missing")
        #expect(
            try problem(LedgerBackupRequest.self, #"{"file":"relative"}"#)
                == "the backup's file needs an absolute path")
        #expect(
            try problem(JobNoteRequest.self, #"{"jobId":"j","kind":"x"}"#)
                == "a line of a story has kind and detail")
        let many = (0...ReconcileRequest.mostJobs).map { _ in "\"j\"" }.joined(separator: ",")
        #expect(try problem(ReconcileRequest.self, #"{"jobIds":[\#(many)]}"#) == "jobIds is a list of at most 1000")
        // One account's pause must not become everybody's.
        #expect(try problem(PauseRequest.self, #"{"account":7}"#) == "account is an integer, not a string")
        #expect(
            try problem(ReplayRequest.self, #"{"sinceMs":0,"after":{"jobId":"j"}}"#) == "after: completedMs is missing")
        #expect(throws: ControlFault.invalid("olderThanSeconds is missing")) {
            _ = try LedgerPruneRequest(arguments: .object([]))
        }
    }

    /// As some tools write what they leave out; and the generation has always been optional.
    @Test func whatIsNullOrLeftOutIsNotThere() throws {
        #expect(try PauseRequest(json: JSONValue.parse(Array(#"{"account":null}"#.utf8))) == PauseRequest())
        let note = try JobNoteRequest(
            json: JSONValue.parse(Array(#"{"jobId":"j-1","kind":"x","detail":"y"}"#.utf8)))
        #expect(note == JobNoteRequest(JobID("j-1"), generation: 0, kind: "x", detail: "y"))
    }
}
