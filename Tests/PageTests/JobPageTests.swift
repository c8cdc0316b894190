import Clocks
import Daemon
import Foundation
import Jobs
import Ledger
import Operations
import Pipeline
import Secrets
import Service
import Testing

/// What the page of one job says, which is all in its HTML.
@Suite struct JobPageTests {
    private func dumped(_ page: JobPage) -> DumpedPage {
        DumpedPage(String(decoding: page.reply.body, as: UTF8.self))
    }

    private func text(_ page: JobPage) -> String { dumped(page).bodyText }

    @Test func aParkedJobSaysUntilWhenAndHowItsTriesWent() {
        let page = JobSample.page(.known(JobSample.parked()))
        #expect(page.reply.status == 200)
        #expect(dumped(page).title == "Parked: \(JobSample.id) – leave-albumd")
        #expect(dumped(page).source("band").contains("data-tone=\"wait\""))
        let due = (JobSample.now + .seconds(30)).rfc3339
        #expect(dumped(page).html.contains("<time datetime=\"\(due)\""))
        #expect(text(page).contains("Parked \(JobSample.id) Until 2026-11-24 08:00:30 UTC, in 30 s."))
        #expect(text(page).contains("Account anna@example.com Attempts spent 5 Generation 0"))
        for number in 1...5 {
            #expect(text(page).contains("called row 31, retry, status 503: try \(number) "))
            #expect(text(page).contains("parked for 30 s: try \(number) "), "the trace is said once")
        }
        #expect(text(page).contains("Trace \(JobSample.trace)"))
        #expect(text(page).contains("leave-albumd job \(JobSample.id) leave-albumd cancel \(JobSample.id)"))
        #expect(!text(page).contains("On hold") && !text(page).contains("▲"))
        #expect(text(JobSample.page(.known(JobSample.parked(in: -150)))).contains("Due since"))
    }

    /// Calls in flight are what the daemon is for.
    @Test func aCallInFlightIsNoWarning() {
        var page = JobSample.page(.known(JobSample.calling))
        page.inFlight = JobSample.inFlight
        page.inFlightFor = .seconds(3)
        #expect(text(page).contains("Calling \(JobSample.id) This daemon waits for the API’s answer"))
        #expect(text(page).contains("In hand with a worker, of lane bulk, for 3 s"))
        #expect(!text(page).contains("▲"))
        page.holds = [.init(cause: "quota_day", since: JobSample.now, nextProbeAt: nil, detail: "spent")]
        #expect(dumped(page).source("band").contains("data-tone=\"wait\""), "what was begun before a hold goes on")
        page.holds = []
        // Nor is one that another daemon makes.
        page.inFlight = nil
        #expect(text(page).contains("Call begun \(JobSample.id) Another daemon waits for the answer, or"))
        let doubted = JobSample.history(.open(JobSample.open(), isCalling: false), isAmbiguous: true)
        #expect(text(JobSample.page(.known(doubted))).contains("▲ A call may have reached the API without an answer"))
    }

    @Test func aJobThatFailedSaysWhyAndWhoCanAct() {
        let page = JobSample.page(.known(JobSample.failed))
        #expect(dumped(page).title == "Failed: \(JobSample.id) – leave-albumd")
        #expect(text(page).contains("Failed \(JobSample.id) attempts_exhausted 2026-11-24 07:58:30 UTC, 1 min ago."))
        #expect(
            text(page).contains(
                "Outcome failed Reason attempts_exhausted Effect not_left Who can act operator Attempts 5 HTTP status 503 "
                    + "API status UNAVAILABLE"))
        #expect(text(page).contains("Message-id \(JobSample.id)#0 all 5 attempts failed"))
        #expect(text(page).contains("leave-albumd dead redrive --job=\(JobSample.id) --dry-run"))
        #expect(!text(page).contains("leave-albumd cancel"))
        #expect(page.reply.body.count < 32 * 1024)
    }

    @Test(arguments: [
        ("left", "Left", "good"), ("already_left", "Already left", "good"), ("rejected", "Rejected", "hold"),
    ])
    func theBandSaysHowItEnded(outcome: String, word: String, tone: String) {
        let history = JobSample.history(
            .finished(resultIsPublished: false, deadLetterIsPublished: true),
            results: [JobSample.result("{\"outcome\":\"\(outcome)\"}")])
        let page = dumped(JobSample.page(.known(history)))
        #expect(page.text("state") == word)
        #expect(page.source("band").contains("data-tone=\"\(tone)\""))
        #expect(page.text("since").hasSuffix("Its result is not confirmed yet."))
    }

    /// The latest generation decides, and the others stand below it.
    @Test func eachGenerationHasItsResult() {
        let history = JobSample.history(
            .finished(resultIsPublished: true, deadLetterIsPublished: true),
            results: [
                JobSample.result(#"{"outcome":"failed","reason":"reauth_required"}"#),
                JobSample.result(#"{"outcome":"left"}"#, generation: 1),
            ])
        let text = text(JobSample.page(.known(history)))
        let (first, second) = (text.range(of: "#1"), text.range(of: "#0"))
        #expect(text.contains("Left \(JobSample.id)") && text.contains("Reason reauth_required"))
        #expect(first != nil && second != nil && first!.lowerBound < second!.lowerBound)
    }

    @Test func aHoldIsSaidOfAJobThatIsOpenAndOfNoOther() {
        let holds: [DaemonStatus.Hold] = [
            .init(
                cause: "quota_day", since: JobSample.now - .seconds(60), nextProbeAt: JobSample.now + .seconds(7200),
                detail: "the day's calls are spent")
        ]
        var page = JobSample.page(.known(JobSample.parked()))
        page.holds = holds
        page.accountWait = AccountHold(
            account: AccountID(JobSample.account), cause: "operator_paused", until: nil, detail: nil, isFault: false)
        #expect(dumped(page).source("band").contains("data-tone=\"hold\""))
        #expect(
            text(page).contains("On hold quota_day the day's calls are spent Since 2026-11-24 07:59:00 UTC. Next try "))
        #expect(text(page).contains(", in 2 h 0 min. the account waits: operator_paused Until it is resumed"))
        page.holds[0].nextProbeAt = JobSample.now + .milliseconds(400)
        #expect(text(page).contains("Next try 2026-11-24 08:00:00 UTC, due now. the account waits"))
        page.holds[0].nextProbeAt = JobSample.now - .seconds(9)
        #expect(text(page).contains("Jobs try since 2026-11-24 07:59:51 UTC, for 9 s. the account waits"))
        var ended = JobSample.page(.known(JobSample.failed))
        ended.holds = holds
        #expect(!text(ended).contains("On hold"))
    }

    @Test func holdsOfThePastAreLinesOfTheHistory() {
        let history = JobSample.history(
            .open(JobSample.open(), isCalling: false),
            holds: [
                HoldRecord(
                    cause: .apiUnavailable, since: JobSample.now - .seconds(650), until: JobSample.now - .seconds(640),
                    detail: "503 for everybody")
            ])
        #expect(
            text(JobSample.page(.known(history))).contains(
                "hold api_unavailable until 2026-11-24T07:49:20.000Z: 503 for everybody"))
        #expect(
            history.lines.map(\.kind).prefix(2) == ["hold", "called"],
            "in the order of their times, as the command has it")
    }

    // MARK: What has no history

    @Test func anUnknownJobIsNotFoundAndThePageSaysWhatThatCanMean() {
        let page = JobSample.page(.unknown)
        #expect(page.reply.status == 404)
        #expect(text(page).contains("Not known \(JobSample.id) The ledger has nothing of this job."))
        #expect(text(page).contains("It ended longer ago than 30 d (ledger.retention)"))
        #expect(page.page.version != nil, "it may still come")
        var found = page
        found.inFlight = JobSample.inFlight
        #expect(found.reply.status == 200)
        #expect(text(found).contains("Just come") && text(found).contains("Trace \(JobSample.trace)"))
    }

    @Test(arguments: [
        "<img src=x onerror=alert(1)>", String(repeating: "x", count: 200), "a b", "\u{202E}evil", "%", "../../etc",
        "\"><script>", "\u{FFFD}",
    ])
    func whatIsNoIDIsNotFoundAndStaysText(id: String) {
        let content = JobID(checking: Array(id.utf8)) == nil ? JobPage.Content.noID : .unknown
        let page = JobSample.page(content, id: id)
        #expect(page.reply.status == 404)
        let html = String(decoding: page.reply.body, as: UTF8.self)
        #expect(!html.contains("<img") && html.components(separatedBy: "<script").count == 2)
        #expect(!html.contains("\u{202E}"))
        #expect(content.isNoID ? text(page).contains("A job’s id has 1 to 128 characters") : id == "../../etc")
    }

    @Test func aLedgerThatCannotBeAskedIsNoMissingJob() {
        let page = JobSample.page(.unanswered("the database is away"))
        #expect(page.reply.status == 503)
        #expect(text(page).contains("No answer \(JobSample.id) The ledger cannot be asked: the database is away"))
    }

    @Test func withoutAnIDThePageAsksForOne() {
        let page = JobSample.page(.none, id: "")
        #expect(page.reply.status == 200 && dumped(page).title == "Which job? – leave-albumd")
        #expect(dumped(page).html.contains("<form action=\"/job\" role=\"search\">"))
        #expect(page.page.version == nil)
    }

    @Test func anIDThatLooksLikeAnOptionIsPartOfNoCommand() {
        let page = JobSample.page(
            .known(JobSample.history(.open(JobSample.open(), isCalling: false), id: "-rf")), id: "-rf")
        #expect(text(page).contains("Waiting -rf") && !text(page).contains("leave-albumd job"))
    }

    // MARK: What it keeps to itself

    @Test func itShowsNeitherTheTokensHashNorThePublishersMetadata() {
        let html = String(decoding: JobSample.page(.known(JobSample.failed)).reply.body, as: UTF8.self)
        #expect(!html.contains(JobSample.tokenHash) && !html.contains("HR-4711"))
    }

    @Test func thePolicyLetsItsOwnScriptAndStylesRunAndNoOther() throws {
        let reply = JobSample.page(.known(JobSample.failed)).reply
        let html = String(decoding: reply.body, as: UTF8.self)
        #expect(reply.contentType == "text/html; charset=utf-8")
        func hashes(_ element: Substring) -> [String] {
            html.components(separatedBy: "<\(element)>").dropFirst().compactMap { rest in
                rest.components(separatedBy: "</\(element)>").first.map {
                    "'sha256-\(Base64.encoded(SHA256Digest(of: Array($0.utf8)).bytes))'"
                }
            }
        }
        let policy = reply.contentSecurityPolicy.components(separatedBy: "; ")
        #expect(policy.contains("default-src 'none'") && policy.contains("trusted-types 'none'"))
        #expect(policy.contains("script-src " + hashes("script").joined(separator: " ")) && hashes("script").count == 1)
        #expect(policy.contains("style-src " + hashes("style").joined(separator: " ")) && hashes("style").count == 2)
        #expect(!reply.contentSecurityPolicy.contains("unsafe") && !html.contains(" style=\""))
        for word in ["innerHTML", "insertAdjacentHTML", "document.write", "eval(", "http://", "https://"] {
            #expect(!html.contains(word), "\(word)")
        }
    }

    // MARK: What is new

    @Test func timeAloneIsNoNews() {
        var page = JobSample.page(.known(JobSample.parked()))
        let version = page.page.version
        page.now = page.now + .seconds(3)
        #expect(page.page.version == version && version != nil)
        page.inFlight = JobSample.inFlight
        page.inFlightFor = .seconds(1)
        let inFlight = page.page.version
        #expect(inFlight != version)
        page.inFlightFor = .seconds(4)
        #expect(page.page.version == inFlight)
        page.content = .known(JobSample.calling)
        #expect(page.page.version != inFlight)
        #expect(JobSample.page(.known(JobSample.failed)).page.version == nil, "nothing more happens by itself")
    }
}

extension JobPage.Content {
    fileprivate var isNoID: Bool { if case .noID = self { true } else { false } }
}
