import Jobs
import Testing

@testable import Ledger

/// What is to be done of a move, by what both ledgers say.
@Suite struct MovePhaseTests {
    private func phase(
        _ source: MoveMark?, _ target: MoveMark?, moveID: String = "a", beginsAnew: Bool = false
    ) throws(LedgerError) -> MovePhase {
        try MovePhase(
            source: source, named: "ledger old", target: target, named: "ledger new", moveID: moveID,
            beginsAnew: beginsAnew)
    }

    private func mark(_ state: MoveMark.State, _ moveID: String = "a", cursor: String? = nil) -> MoveMark {
        MoveMark(state, moveID: moveID, cursor: cursor, place: "ledger other")
    }

    private func refusal(_ source: MoveMark?, _ target: MoveMark?, beginsAnew: Bool = false) -> String? {
        do throws(LedgerError) {
            _ = try phase(source, target, beginsAnew: beginsAnew)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func aMarkIsReadAsItWasWritten() {
        for state in MoveMark.State.allCases {
            for cursor in [nil, "17", "i00ff"] {
                let mark = MoveMark(state, moveID: "ab.1.2", cursor: cursor, place: "the ledger at db 5432, database x")
                #expect(MoveMark(text: mark.text) == mark)
            }
        }
        for text in ["", "left", "left a", "left a -", "gone a - place"] { #expect(MoveMark(text: text) == nil) }
    }

    @Test func onlyWhatWasGivenUpOrIsNotWholeIsRefused() {
        #expect(mark(.leaving).refusal("x") == nil && mark(.arrived).refusal("x") == nil)
        #expect(mark(.left).refusal("x")?.contains("was moved to ledger other") == true)
        #expect(mark(.arriving).refusal("x")?.contains("not whole") == true)
    }

    @Test func aMoveGoesOnWhereItStood() throws {
        #expect(try phase(nil, nil) == .fresh)
        #expect(try phase(mark(.leaving), nil) == .fresh, "killed before the target knew of it")
        #expect(try phase(mark(.leaving), mark(.arriving)) == .copying(cursor: nil))
        #expect(try phase(mark(.leaving), mark(.arriving, cursor: "7")) == .copying(cursor: "7"))
        #expect(try phase(mark(.left), mark(.arriving, cursor: "7")) == .left)
        #expect(try phase(mark(.left), mark(.arrived)) == .done)
        #expect(try phase(mark(.arrived, "z"), nil) == .fresh, "what came by one move goes by another")
    }

    @Test func whatIsOfAnotherMoveIsNotGoneOnWith() throws {
        #expect(refusal(nil, mark(.arriving, "b"))?.contains("--anew") == true)
        #expect(try phase(nil, mark(.arriving, "b"), beginsAnew: true) == .fresh)
        #expect(try phase(mark(.leaving), mark(.arriving, cursor: "7"), beginsAnew: true) == .fresh)
    }

    @Test func whatWasMovedIsNotMovedOnceMore() {
        for target in [nil, mark(.arriving, "b"), mark(.arrived, "b"), mark(.leaving), mark(.left)] {
            #expect(refusal(mark(.left), target)?.contains("ledger old was moved to ledger other") == true)
            #expect(refusal(mark(.left), target, beginsAnew: true) != nil)
        }
        #expect(refusal(mark(.arriving), nil)?.contains("not whole") == true)
        #expect(refusal(nil, mark(.left))?.contains("ledger new was moved") == true)
    }
}
