import Clocks
import Foundation
import Ledger
import Monitoring
import Operations
import Testing

/// The page as a browser shows it. One at a time: each look starts a Chromium.
@Suite(.serialized, .timeLimit(.minutes(30))) struct PageInBrowserTests {
    private func look(
        _ server: PageServer, seconds: Int = 2, width: Int = 1280, more: [String] = []
    ) async throws -> Browser.Look {
        try await server.serve { try await Browser.look(at: $0, seconds: seconds, width: width, more: more) }
    }

    @Test func whatTheDaemonSaysIsThere() async throws {
        let start = Sample.now()
        let server = PageServer { .status(Sample.consuming($0, at: start)) }
        let (page, console) = try await { ($0.page, $0.console) }(look(server))
        #expect(console == [])
        #expect(Set(server.paths) == ["/", "/status"], "nothing else is asked for")

        #expect(page.title == "consuming – leave-albumd")
        #expect(page.text("state") == "Consuming")
        #expect(page.source("band").contains("data-tone=\"good\""))
        #expect(page.text("since").hasPrefix("for 2 h 14 min, since "))
        #expect(page.text("beside") == "jobs a minute 118 in hand 32 calls left today 3,377")
        #expect(page.text("spoken") == "Consuming")
        #expect(page.html.contains("href=\"data:image/svg+xml,"))
        #expect(page.text("rate").contains("118 a minute; 112 over 15 minutes"))
        #expect(page.text("latency").contains("180 ms median; 99 of 100 within 700 ms"))
        #expect(page.text("quota").contains("3,377 left of 9,500") && page.text("quota").contains("in 14 h 59 min"))
        #expect(page.text("ended") == "Left 81,230 Failed 93")
        #expect(page.text("work").contains("32 in hand, 12 calls in flight; oldest job 4.2 s"))
        #expect(page.text("work").contains("jobs 1,204 1 bulk 25,310 1"))
        #expect(page.text("work").contains("retry, 2 delays 20"))
        #expect(page.text("letters").contains("43 since") && page.text("letters").contains("grant_revoked 2"))
        #expect(
            page.text("fails").contains("share_token_invalid anna@example.com 1 offboard-8812 the token is unknown"))
        #expect(page.source("fails").contains("href=\"/job?id=offboard-8812\""), "each job has its page")
        #expect(page.text("ends").contains("connected; 2 reconnects, 17 unconfirmed"))
        #expect(page.text("ends").contains("Ambiguous ▲ 2") && page.text("ends").contains("Disk free 78 GiB"))
        #expect(page.text("ends").hasSuffix("Members this daemon alone"))
        #expect(page.text("foot").contains("leave-albumd 1.2.3, process 4711"))
        #expect(page.text("notices") == "")
    }

    @Test func noLimitOfTheDayIsSaidSo() async throws {
        let start = Sample.now()
        var status = Sample.consuming(at: start)
        status.quota?.limit = 0
        let page = try await look(PageServer { [status] _ in .status(status) }).page
        #expect(page.text("quota").contains("6,123 calls today; no limit is set"))
        #expect(page.text("beside") == "jobs a minute 118 in hand 32", "nothing is left of no limit")
    }

    /// `ambiguous` counts whatever would be in doubt if the daemon died now.
    @Test func callsInFlightAreNoWarning() async throws {
        let start = Sample.now()
        var status = Sample.consuming(at: start)
        status.ledger?.ambiguous = 8
        status.ledger?.calling = 8
        let calling = try await look(PageServer { [status] _ in .status(status) }).page
        #expect(calling.text("ends").contains("Ambiguous 0 ") && !calling.text("ends").contains("▲"))
        status.ledger?.ambiguous = 10
        let doubted = try await look(PageServer { [status] _ in .status(status) }).page
        #expect(doubted.text("ends").contains("Ambiguous ▲ 2 "))
    }

    @Test func thePlotsShowTheHalfHourAtOnce() async throws {
        let start = Sample.now()
        let page = try await look(PageServer { .status(Sample.consuming($0, at: start)) }).page
        let ended = try #require(page.paths("rate", "first").first)
        #expect(ended.count { $0 == "L" } == 174 && ended.count { $0 == "M" } == 1)
        #expect(page.source("rate").components(separatedBy: "<rect class=\"fault\"").count - 1 == 13)
        #expect(
            page.source("rate").contains("highest 99, last 99; 3 failed"),
            "what the plot shows, for who cannot see it")
        // A step without a call parts the line.
        let p99 = try #require(page.paths("latency", "second").first)
        #expect(p99.count { $0 == "M" } == 2 && p99.count { $0 == "L" } == 177)
        #expect(page.paths("latency", "second dots") == [""])
        #expect(page.text("latency").contains("1 s 30 min ago"))
    }

    @Test func aHoldNamesWhatItsRefusalHadEndedAndTheCommandThatBringsItBack() async throws {
        let start = Sample.now()
        var status = Sample.holding(at: start)
        status.holds[0].tried = 8
        status.holds[0].ended = ["a", "b"]
        let page = try await look(PageServer { [status] _ in .status(status) }).page
        #expect(
            page.text("beside").hasSuffix(
                ". 8 tried in vain. 2 jobs ended for it before it was known to be everybody's; once it is over: "
                    + "leave-albumd dead redrive --job=a --job=b"), "\(page.text("beside"))")
    }

    @Test func aHoldSaysWhyAndWhenJobsTryAgain() async throws {
        let start = Sample.now()
        let page = try await look(PageServer { _ in .status(Sample.holding(at: start)) }).page
        #expect(page.title == "hold: quota_day – leave-albumd")
        #expect(page.text("state") == "On hold")
        #expect(page.source("band").contains("data-tone=\"hold\""))
        #expect(page.text("since").hasPrefix("for 20 min, since "))
        #expect(page.text("beside").hasPrefix("quota_day the day's calls are spent Next try "))
        #expect(page.text("beside").hasSuffix(", in 15 h 7 min."))
        #expect(page.text("spoken") == "On hold: quota_day. the day's calls are spent")
        let notices = page.text("notices")
        #expect(notices.contains("▲ The broker blocks the publish link."))
        #expect(notices.contains("▲ Not answering: ledger, for 40 s."))
        #expect(!notices.contains("publish, for"), "no more behind than everybody may be")
        #expect(notices.contains("▲ The last reload of the settings failed"))
    }

    @Test func aHoldWhoseTryIsDueIsNotInTheFuture() async throws {
        let start = Sample.now()
        var status = Sample.holding(at: start)
        // Before and after the look begins; the browser's own time decides how the first is said.
        for (due, words) in [(400, ["due now", "Jobs try since "]), (-3_000, ["Jobs try since "])] {
            status.holds[0].nextProbeAt = start + .milliseconds(due)
            let page = try await look(PageServer { [status] _ in .status(status) }).page
            let said = page.text("beside")
            #expect(words.contains { said.contains($0) } && !said.contains("in 0 s"), "\(said)")
        }
    }

    @Test(arguments: [PageServer.Answer.refusal("503 Service Unavailable"), .nothing])
    func silenceIsSaidAndOldNumbersAreCalledOld(silence: PageServer.Answer) async throws {
        let start = Sample.now()
        let server = PageServer { $0 == 0 ? .status(Sample.consuming(at: start)) : silence }
        let page = try await look(server, seconds: 40).page
        #expect(page.title == "no answer – leave-albumd")
        #expect(page.text("state") == "No answer")
        #expect(page.source("band").contains("data-tone=\"gone\""))
        #expect(page.isStale)
        #expect(page.text("since").firstMatch(of: #/for (3\d|4\d) s, since \d\d:\d\d:\d\d: it /#) != nil)
        #expect(page.text("beside").hasSuffix("was: consuming . What it does now is not known."))
        #expect(!page.text("beside").contains("118"), "no figure stands where the current ones stand")
        #expect(page.text("old").hasPrefix("This is not current."))
        #expect(page.text("spoken") == "The daemon does not answer.")
        let questions = server.paths.count { $0 == "/status" }
        #expect((4...8).contains(questions), "in 40 s it asks ever less often: \(questions)")
    }

    @Test func aStatusThatRepeatsItselfIsNoNews() async throws {
        let start = Sample.now()
        let page = try await look(PageServer { _ in .status(Sample.consuming(at: start)) }, seconds: 30).page
        #expect(page.text("state") == "No answer")
        #expect(page.text("since").hasSuffix("it repeats itself"))
    }

    @Test func whoNeverAnsweredIsNotShownAtAll() async throws {
        let page = try await look(PageServer { _ in .nothing }, seconds: 6).page
        #expect(page.text("state") == "No answer")
        #expect(page.text("beside") == "" && page.text("old") == "")
        #expect(page.isStale)
    }

    @Test func itComesBackWhenTheDaemonDoes() async throws {
        let start = Sample.now()
        let server = PageServer { (1...4).contains($0) ? .nothing : .status(Sample.consuming($0, at: start)) }
        let page = try await look(server, seconds: 60).page
        #expect(page.text("state") == "Consuming")
        #expect(!page.isStale)
    }

    @Test func whatLooksLikeHTMLStaysText() async throws {
        let start = Sample.now()
        let evil = "<img src=x onerror=\"document.title='broken in'\">"
        let server = PageServer { number in
            var status = Sample.consuming(number, at: start)
            status.state = "hold:\(evil)"
            status.holds = [.init(cause: evil, since: start, nextProbeAt: nil, detail: evil)]
            status.failures = [Sample.failure(evil, at: start, detail: evil), Sample.failure("$(reboot)", at: start)]
            status.failures[0].account = evil
            status.failures[0].reason = evil
            status.deadLetters = [.init(reason: evil, count: 1)]
            status.queues = [.init(name: evil, messages: 1, consumers: 1)]
            status.links[0].name = evil
            status.version = evil
            return .status(status)
        }
        let look = try await look(server, seconds: 5)
        #expect(look.console == [])
        #expect(Set(server.paths) == ["/", "/status"])
        #expect(!look.page.html.contains("<img"))
        for place in ["beside", "fails", "letters", "work", "ends", "foot"] {
            #expect(look.page.text(place).contains(evil), "\(place)")
        }
        #expect(look.page.title == "hold: \(evil) – leave-albumd")
        #expect(!look.page.source("fails").contains("href"), "what is no job's id has no page")
    }

    @Test func thePolicyIsInForce() async throws {
        let start = Sample.now()
        let shut = PageServer(policy: "default-src 'none'") { .status(Sample.consuming($0, at: start)) }
        let look = try await look(shut)
        #expect(
            look.console.contains { $0.contains("Content Security Policy") }, "the console tells of what is refused")
        #expect(look.page.text("state") == "Asking…")
        #expect(shut.paths.count { $0 == "/status" } == 0)
        // With the page's own, a script that somebody slips in writes no HTML and asks nobody else.
        let driver = """
            try { document.body.innerHTML = "<b>x</b>"; } catch (e) { document.body.dataset.html = e.name; }
            fetch("http://localhost:9/").catch((e) => { document.body.dataset.elsewhere = e.name; });
            """
        let open = PageServer(driver: driver) { .status(Sample.consuming($0, at: start)) }
        let driven = try await self.look(open)
        #expect(driven.page.found("html") == "TypeError")
        #expect(driven.page.found("elsewhere") == "TypeError")
        #expect(driven.console.contains { $0.contains("connect-src") })
        #expect(driven.page.text("state") == "Consuming")
    }

    @Test(arguments: [360, 768, 1920]) func itFitsTheWidth(width: Int) async throws {
        let start = Sample.now()
        let driver = """
            // Chromium's own window is never narrower than 500.
            const root = document.documentElement, limit = Math.min(\(width), innerWidth);
            root.style.width = limit + "px";
            setTimeout(() => {
              const wide = [...document.querySelectorAll("body *:not(.unseen)")]
                .filter((node) => node.getBoundingClientRect().right > limit + 1).map((node) => node.className || node.tagName);
              const id = document.querySelector(".job"), style = getComputedStyle(id);
              document.body.dataset.lines = Math.round(id.clientHeight / (parseFloat(style.fontSize) * 1.6));
              document.body.dataset.fit = `${limit} ${root.scrollWidth <= innerWidth} [${wide}]`;
            }, 1500);
            """
        let server = PageServer(driver: driver) { number in
            var status = Sample.holding(at: start + .seconds(3 * number))
            let long = String(repeating: "x", count: 128)
            status.failures = [Sample.failure(long, at: start, detail: long + long)]
            status.failures[0].account = long
            status.holds[0].detail = long
            status.ledger?.member = .init(name: "host-1", epoch: 1)
            let report = DaemonStatus.MemberReport(
                worker: "hold:api_unavailable", inFlight: 320, callsInFlight: 120, perMinute: 1234.5,
                holds: ["api_unavailable", "quota_day"])
            status.members = (1...12).map {
                Sample.member("host-\($0).long-name.example.com", $0, at: start, report: report)
            }
            return .status(status)
        }
        let page = try await look(server, seconds: 3, width: width).page
        #expect(page.found("fit") == "\(width) true []")
        #expect(page.found("lines") == "1", "a job's id is on one line")
    }

    @Test func aJobsLinkKeepsTheKeyboardsFocusWhenTheNextAnswerComes() async throws {
        let start = Sample.now()
        let driver = """
            setTimeout(() => document.querySelector(".job").focus(), 1000);
            setTimeout(() => {
              document.body.dataset.focus = document.activeElement.getAttribute("href");
              document.body.dataset.ring = getComputedStyle(document.activeElement).outlineStyle;
              document.body.dataset.rows = document.querySelectorAll(".job").length;
            }, 5000);
            """
        let server = PageServer(driver: driver) { number in
            var status = Sample.consuming(number, at: start)
            if number > 0 { status.failures.insert(Sample.failure("offboard-\(9000 + number)", at: start), at: 0) }
            return .status(status)
        }
        let page = try await look(server, seconds: 6).page
        #expect(page.found("rows") == "2")
        #expect(page.found("focus") == "/job?id=offboard-8812")
        #expect(page.found("ring") == "solid")
    }

    @Test func nobodyIsAskedWhileNobodyLooks() async throws {
        let start = Sample.now()
        let driver = """
            const look = (hidden) => {
              Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
              document.dispatchEvent(new Event("visibilitychange"));
            };
            setTimeout(() => look(true), 4000);
            setTimeout(() => {
              document.body.dataset.before = performance.getEntriesByName(`${location.origin}/status`).length;
              look(false);
              document.body.dataset.word = document.getElementById("state").textContent;
            }, 64000);
            setTimeout(() => {
              document.body.dataset.after = performance.getEntriesByName(`${location.origin}/status`).length;
            }, 65000);
            """
        let server = PageServer(driver: driver) { .status(Sample.consuming($0 * 20, at: start)) }
        let page = try await look(server, seconds: 66).page
        #expect(page.found("before") == "2", "at 0 and 3 s")
        #expect(page.found("word") == "Asking…", "the silence was nobody's fault")
        #expect(page.found("after") == "3")
        #expect(page.text("state") == "Consuming")
    }

    /// Before anybody asked the broker or the ledger, and after it should have been asked.
    @Test(arguments: [(5, false), (300, true)]) func whatIsNotKnownIsNotMadeUp(age: Int, complains: Bool) async throws {
        let start = Sample.now()
        let server = PageServer { number in
            let now = start + .seconds(3 * number)
            return .status(
                DaemonStatus(
                    version: "1.2.3", pid: 1, startedAt: now - .seconds(age), at: now, state: "consuming", since: now))
        }
        let look = try await look(server)
        let page = look.page
        #expect(look.console == [])
        #expect(page.text("beside") == "jobs a minute 0 in hand 0")
        #expect(page.text("quota").contains("Not known yet."))
        #expect(page.text("work").contains("The broker was not asked yet."))
        #expect(page.text("latency").contains("no calls in the last minute"))
        #expect(page.text("fails").contains("None since the daemon started."))
        #expect(page.text("ends") == "Links and ledger Ledger not known")
        #expect(page.text("notices") == (complains ? "▲ The ledger has not answered." : ""))
    }
}
