import Jobs
import Testing

@testable import Photos

@Suite("Each answer has its row of the table")
struct VerdictTableTests {
    @Test("The row, its action and what it says of ambiguity", arguments: VerdictExample.all)
    func verdict(of example: VerdictExample) {
        let verdict = VerdictTable.verdict(for: example.answer, context: example.context)
        #expect(verdict.row == example.row)
        #expect(verdict.action == example.action)
        #expect(verdict.marksAmbiguous == example.marksAmbiguous)
        #expect(verdict.isUnheard == example.isUnheard)
        #expect(!verdict.detail.isEmpty && verdict.detail.utf8.count <= 512)
    }

    @Test("Every row that an answer can match has an example")
    func coverage() {
        #expect(Set(VerdictExample.all.map(\.row)) == Set(VerdictTable.rows.map(\.number)))
    }

    @Test("What may still be carried out may have been carried out")
    func unheard() {
        #expect(VerdictTable.rows.allSatisfy { $0.marksAmbiguous || !$0.isUnheard })
    }

    @Test("No status, with or without a body, is without a verdict; only row 4 says by itself that the user is out")
    func total() {
        for http in -1...1000 {
            for body in ["", "{}", "<html>", Wording.error(http, nil, "m"), Wording.error(http, "ABORTED", "m")] {
                for context in [Wording.context(), Wording.context(ambiguous: true, assumesLeft: true)] {
                    let verdict = VerdictTable.verdict(for: Wording.answer(http, body), context: context)
                    switch verdict.action {
                    case .left: #expect(verdict.row == 4 && [200, 204].contains(http))
                    case .alreadyLeft: Issue.record("only the album can say so, and it was not asked")
                    default: break
                    }
                }
            }
        }
    }
}
