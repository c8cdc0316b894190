import Clocks
import Concurrency
import Jobs
import Ledger
import Monitoring
import Operations
import Pipeline
import Service
import Settings

/// Who asks for the page of a job, and what it is made of.
extension DaemonInterface {
    /// Each is a look into the ledger by a reader of its own, beside the jobs; whoever reloads without end does not get
    /// more of them at once than this.
    static let mostJobPages = 4

    func jobPage(_ query: AdminQuery) async -> AdminReply {
        let isAdmitted = jobPages.withLock { count in
            guard count < Self.mostJobPages else { return false }
            count += 1
            return true
        }
        guard isAdmitted else { return .text("too many ask for jobs at once; try again", status: 503) }
        defer { jobPages.withLock { $0 -= 1 } }
        let text = query["id"] ?? ""
        var page = JobPage(id: text, content: .none, retention: settings.now.ledger.retention, now: clock.wall())
        guard !text.isEmpty else { return page.reply }
        guard let id = JobID(checking: Array(text.utf8)) else {
            page.content = .noID
            return page.reply
        }
        guard let parts else {
            page.content = .unanswered("the daemon has not begun: \(glance.line(silences: []))")
            return page.reply
        }
        // First: a job that ends meanwhile is then in the ledger, and one that comes is at worst not in flight yet.
        page.inFlight = parts.pipeline.whereabouts(of: id)
        page.inFlightFor = page.inFlight.map { clock.now() - $0.receivedAt }
        let handler = LedgerRequestHandler(.live(parts.ledger), publish: { _ in false })
        do throws(ControlFault) {
            page.content = .known(try await JobRequest(id).answer(from: handler))
        } catch {
            switch error {
            case .unknown: page.content = .unknown
            case .invalid, .refusedFile, .unavailable, .unusable: page.content = .unanswered(error.description)
            }
        }
        page.now = parts.ledger.clock.wall()
        page.holds = tracker.status().holds
        if let account = page.knownAccount ?? page.inFlight?.account {
            page.account = account.shown(hashed: settings.now.log.hashAccounts)
            page.accountWait = parts.pipeline.accountHolds.first { $0.account == account }
        }
        return page.reply
    }
}

extension JobPage {
    fileprivate var knownAccount: AccountID? {
        guard case .known(let history) = content else { return nil }
        return history.account
    }
}
