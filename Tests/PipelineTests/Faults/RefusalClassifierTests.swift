import Clocks
import Testing

@testable import Jobs
@testable import Pipeline

/// Whose fault a refusal is, as transcripts.
@Suite final class RefusalClassifierTests {
    private var classifier = RefusalClassifier()

    private func refuse(
        _ job: String, of account: String, _ threshold: Int = 5, at second: Double, took: Double = 0,
        isLast: Bool = false
    ) -> RefusalClassifier.Classification {
        classifier.classify(
            .init(
                job: JobID(job), account: AccountID(account), began: at(second - took),
                kind: .init(cause: .apiRetired, threshold: threshold), isLast: isLast), at: at(second))
    }

    private func succeed(_ job: String, of account: String, at second: Double) {
        classifier.succeeded(JobID(job), of: AccountID(account), at: at(second))
    }

    @Test func aRefusalIsTheJobsOwnWhileAnotherAccountSucceeds() {
        #expect(refuse("a1", of: "ann", at: 0) == .open)
        // Nobody is its own neighbour, of a success before.
        succeed("a2", of: "ann", at: 1)
        #expect(refuse("a3", of: "ann", at: 2) == .open)
        succeed("b1", of: "bob", at: 3)
        succeed("a4", of: "ann", at: 4)
        #expect(refuse("a5", of: "ann", at: 603) == .own)
        #expect(refuse("a6", of: "ann", at: 604) == .open, "ten minutes are over")
    }

    /// The world works for the account: another job of it succeeded later.
    @Test func whatIsRefusedOnBothSidesOfASuccessIsItsOwn() {
        #expect(refuse("a1", of: "ann", at: 0) == .open)
        succeed("a2", of: "ann", at: 5)
        #expect(classifier.isOwn(JobID("a1")))
        #expect(refuse("a1", of: "ann", at: 3_600) == .own)
        #expect(refuse("a3", of: "ann", at: 3_601) == .open, "it says nothing of another job")
    }

    @Test func aRefusalForAnotherReasonIsNoSecondOne() {
        #expect(refuse("a1", of: "ann", at: 0) == .open)
        succeed("a2", of: "ann", at: 5)
        let other = classifier.classify(
            .init(
                job: JobID("a1"), account: AccountID("ann"), began: at(10),
                kind: .init(cause: .rateLimited, threshold: 5)), at: at(10))
        #expect(other == .open)
    }

    @Test func fiveAccountsHoweverSlowlyAreEverybody() {
        let rulings = (0..<5).map { refuse("j\($0)", of: "a\($0)", at: Double($0) * 10_000) }
        #expect(rulings == [.open, .open, .open, .open, .systemic])
    }

    @Test func fiveJobsOfTwoAccountsAreAsMuchEvidence() {
        let rulings = (0..<5).map { refuse("j\($0)", of: "a\($0 % 2)", at: Double($0)) }
        #expect(rulings == [.open, .open, .open, .open, .systemic])
    }

    @Test func oneJobAgainAndAgainIsOneWord() {
        succeed("b", of: "bob", at: 0)
        let rulings = (0..<9).map { refuse("j", of: "ann", at: 700 + Double($0) * 300) }
        #expect(rulings == Array(repeating: .open, count: 9))
        #expect(refuse("j", of: "ann", at: 9_000, isLast: true) == .own)
    }

    /// A refusal of everybody that begins in mid-stream ends at most one job less than the threshold.
    @Test(arguments: [2, 5, 20]) func aSuccessOfBeforeStandsForFewerThanTheThreshold(threshold: Int) {
        succeed("g", of: "good", at: 0)
        let rulings = (0..<threshold).map { refuse("j\($0)", of: "a\($0)", threshold, at: 1 + Double($0)) }
        #expect(rulings == Array(repeating: .own, count: threshold - 1) + [.systemic])
        let kind = RefusalClassifier.Kind(cause: .apiRetired, threshold: threshold)
        #expect(classifier.ended(kind) == (0..<threshold - 1).map { JobID("j\($0)") })
    }

    /// Calls that were on their way when the last success came say nothing against the world that it proves.
    @Test func whatBeganBeforeTheProofRaisesNoHold() {
        for second in 0..<40 {
            succeed("g\(second)", of: "good", at: Double(second))
            let rulings = (0..<3).map {
                refuse("b\(second)-\($0)", of: "a\($0)", 2, at: Double(second) + 0.5, took: 0.6)
            }
            #expect(rulings == [.own, .open, .open])
        }
    }

    @Test func anAccountThatIsAloneWithItsRefusalsWaits() {
        #expect(refuse("a1", of: "ann", at: 0) == .open)
        #expect(refuse("a2", of: "ann", at: 1) == .accountWaits)
        #expect(refuse("a1", of: "ann", at: 300, isLast: true) == .accountWaits, "and ends nobody")
        // As soon as somebody else is called, it is not alone.
        classifier.called(AccountID("bob"))
        #expect(refuse("a3", of: "ann", at: 301) == .open)
    }

    @Test func aBatchOfStaleTokensIsOrdinaryUntilItIsTwenty() {
        let rulings = (0..<21).map { refuse("j\($0)", of: "ann", 20, at: Double($0)) }
        #expect(rulings == Array(repeating: .open, count: 19) + [.accountWaits, .accountWaits])
    }

    /// Whoever is not everybody by number of accounts is so by what would be ended.
    @Test func openOnesEndAtTheirLastParkingButNotMoreThanTheThresholdAllows() {
        succeed("g", of: "good", at: 0)
        var ended = 0
        for number in 0..<10 {
            classifier.called(AccountID("other"))
            let classification = refuse("j", of: "ann", at: 1_000 + Double(number), isLast: true)
            if classification == .own { ended = 1 }
            #expect(classification == .own, "one job is one job")
        }
        #expect(ended == 1)
    }

    @Test func onFirstContactOneWordIsEnoughWhereTwoWouldBe() {
        classifier.isFirstContact = true
        #expect(refuse("a", of: "ann", 5, at: 0) == .open)
        #expect(refuse("b", of: "ann", 2, at: 1) == .systemic)
        succeed("c", of: "cay", at: 2)
        #expect(refuse("d", of: "dan", 2, at: 3) == .own)
    }

    @Test func aHoldThatWasLiftedBeginsItsEvidenceAnew() {
        for number in 0..<4 { _ = refuse("j\(number)", of: "a\(number)", at: 0) }
        classifier.lifted(.apiRetired)
        #expect(refuse("j4", of: "a4", at: 1) == .open)
    }
}
