import Clocks
import Daemon
import Foundation
import Ledger
import Operations
import Service
import Testing

/// As it is now.
private func page(_ content: JobPage.Content) -> AdminReply {
    var page = JobSample.page(content)
    page.now = Sample.now()
    return page.reply
}

/// The page of a job as a browser shows it. One at a time: each look starts a Chromium.
@Suite(.serialized, .timeLimit(.minutes(30))) struct JobPageInBrowserTests {
    private func look(_ server: PageServer, seconds: Int = 2, width: Int = 1280) async throws -> Browser.Look {
        try await server.serve { try await Browser.look(at: $0, path: "/job?id=x", seconds: seconds, width: width) }
    }

    @Test func timesAreTheBrowsersAndNothingIsForbidden() async throws {
        let server = PageServer(ofJob: { _ in page(.known(JobSample.failed)) })
        let look = try await look(server, seconds: 20)
        let shown = look.page
        #expect(look.console == [])
        #expect(shown.text("state") == "Failed")
        #expect(shown.text("zone") == "Times are this browser’s (UTC)")
        #expect(shown.text("since").hasPrefix("attempts_exhausted 24 Nov 2026, 07:58:30, "))
        #expect(server.paths == ["/job"], "what has ended is not asked for again")
    }

    @Test func whatIsNewIsShown() async throws {
        let server = PageServer(ofJob: { number in
            number < 3 ? page(.known(JobSample.parked())) : page(.known(JobSample.failed))
        })
        let shown = try await look(server, seconds: 20).page
        #expect(shown.text("state") == "Failed")
        // One page, two looks at it, one that shows the news, and the page that the browser loads for it.
        #expect(server.paths.count { $0 == "/job" } == 5)
    }

    @Test func aJobThatComesIsFoundByThePageThatWaitsForIt() async throws {
        let server = PageServer(ofJob: { $0 < 2 ? page(.unknown) : page(.known(JobSample.calling)) })
        let shown = try await look(server, seconds: 12).page
        #expect(shown.text("state") == "Call begun")
    }

    @Test(arguments: [true, false])
    func aDaemonThatDoesNotAnswerTakesNothingAway(isSilent: Bool) async throws {
        let server = PageServer(ofJob: { number in
            guard number > 0 else { return page(.known(JobSample.parked())) }
            return isSilent ? .text("no answer in time", status: 503) : page(.unanswered("the disk is full"))
        })
        let shown = try await look(server, seconds: 12).page
        #expect(shown.text("state") == "Parked")
        #expect(shown.isStale)
        #expect(shown.text("old").hasPrefix("The daemon does not answer. This is what it said at "))
    }

    @Test func itComesBackWhenTheDaemonDoes() async throws {
        let server = PageServer(ofJob: { number in
            (1...2).contains(number) ? .text("no answer in time", status: 503) : page(.known(JobSample.parked()))
        })
        let shown = try await look(server, seconds: 30).page
        #expect(shown.text("state") == "Parked" && !shown.isStale)
    }

    @Test(arguments: [360, 768, 1920]) func itFitsTheWidth(width: Int) async throws {
        let driver = """
            // Chromium's own window is never narrower than 500.
            const root = document.documentElement, limit = Math.min(\(width), innerWidth);
            root.style.width = limit + "px";
            setTimeout(() => {
              const wide = [...document.querySelectorAll("body *:not(.unseen)")]
                .filter((node) => node.getBoundingClientRect().right > limit + 1).map((node) => node.className || node.tagName);
              document.body.dataset.fit = `${limit} ${root.scrollWidth <= innerWidth} [${wide}]`;
            }, 1000);
            """
        let long = String(repeating: "x", count: 128)
        let server = PageServer(
            driver: driver,
            ofJob: { _ in
                var page = JobSample.page(
                    .known(
                        JobSample.history(
                            .open(JobSample.open(due: JobSample.now), isCalling: false), isAmbiguous: true,
                            results: [JobSample.result("{\"outcome\":\"failed\",\"detail\":\"\(long + long)\"}")],
                            events: [JobSample.event("called", long + long, ago: 5)], id: long)), id: long)
                page.account = long + long
                page.holds = [.init(cause: "api_unavailable", since: JobSample.now, nextProbeAt: nil, detail: long)]
                return page.reply
            })
        let shown = try await look(server, width: width).page
        #expect(shown.found("fit") == "\(width) true []")
    }

    @Test func theKeyboardGoesThroughItAndIsSeen() async throws {
        let driver = """
            const reached = [...document.querySelectorAll("a, input, button")].map((node) => {
              node.focus();
              return `${node.tagName} ${getComputedStyle(node).outlineStyle}`;
            });
            document.body.dataset.reached = reached;
            """
        let shown = try await look(PageServer(driver: driver, ofJob: { _ in page(.known(JobSample.failed)) })).page
        #expect(shown.found("reached") == "A solid,INPUT solid,BUTTON solid")
    }
}
