import Clocks
import Testing

@testable import Jobs
@testable import Pipeline

@Suite final class CircuitBreakerTests {
    private var breaker = CircuitBreaker()

    private func note(
        _ sign: CircuitBreaker.Sign, job: Int = 1, account: Int? = nil, at second: Double = 0
    ) -> Word {
        switch breaker.note(sign, of: JobID("j\(job)"), AccountID("a\(account ?? job)"), at: at(second)) {
        case .nobodys: .nobodys
        case .accounts: .accounts
        case .systemic: .systemic
        }
    }

    private enum Word { case nobodys, accounts, systemic }

    @Test func fiveUnsentCallsInARowOpenItWhosesoeverTheyAre() {
        for _ in 0..<4 { _ = note(.unsent) }
        _ = note(.healthy)
        let rulings = (0..<5).map { _ in note(.unsent) }
        #expect(rulings == [.nobodys, .nobodys, .nobodys, .nobodys, .systemic])
    }

    /// A gateway that resets the connection for one job's body is that job's trouble.
    @Test func fiveUnansweredCallsOfOneJobAreItsAccounts() {
        let rulings = (0..<5).map { _ in note(.noAnswer) }
        #expect(rulings == [.nobodys, .nobodys, .nobodys, .nobodys, .accounts])
    }

    @Test func fiveServerFaultsInARowOpenItIfTheyAreOfThreeJobsAndTwoAccountsHoweverSlow() {
        let ofTwo = (0..<9).map { note(.serverFault, job: $0 % 2, at: Double($0) * 3600) }
        #expect(!ofTwo.contains(.systemic))
        #expect(note(.serverFault, job: 2, at: 40_000) == .systemic)
    }

    @Test func threeJobsOfOneAccountAreTheAccounts() {
        let rulings = (0..<15).map { note(.serverFault, job: $0, account: 1) }
        #expect(rulings.filter { $0 == .accounts }.count == 3 && !rulings.contains(.systemic))
        let others = (20..<25).map { note(.serverFault, job: $0, account: 2) }
        #expect(others.contains(.systemic), "another account, and no success between")
    }

    @Test func halfOfTwentyCallsInHalfAMinuteOpenIt() {
        for number in 0..<19 {
            let classification = note(number % 2 == 0 ? .healthy : .serverFault, job: number, at: Double(number))
            #expect(classification == .nobodys)
        }
        #expect(note(.serverFault, job: 19, at: 19) == .systemic)
    }

    @Test func whatIsLongerAgoThanHalfAMinuteDoesNotCount() {
        for number in 0..<200 {
            let classification = note(number % 2 == 0 ? .healthy : .serverFault, job: number, at: Double(number) * 2)
            #expect(classification == .nobodys)
        }
    }
}
