import AMQP
import Clocks
import Jobs
import Messages
import Secrets
import Testing

/// The message about a job on its way: its bytes, and what it is known by.
@Suite struct JobProgressTests {
    private static let at = Timestamp(milliseconds: 1_795_435_200_000)

    private func job(metadata: [Job.Metadatum] = [], event: EventContext? = nil) -> Job {
        Job(
            id: JobID("j/1"), account: AccountID("anna"), shareToken: ShareToken(Secret(copying: Array("t".utf8))),
            metadata: metadata, event: event)
    }

    private func text(_ publication: Publication) -> String { String(decoding: publication.body, as: UTF8.self) }

    @Test func itsBytesAreSortedMembersAndNoNulls() {
        let least = JobProgress(of: job(), .retrying, generation: 0, number: 1, attempts: 0, at: Self.at)
        #expect(
            text(least.publication(under: QueueNames(prefix: "p")))
                == #"{"account":"anna","at":"2026-11-23T12:00:00.000Z","attempts":0,"generation":0,"jobId":"j/1","#
                + #""state":"retrying","version":1}"#)
        let event = EventContext(id: Array("e".utf8), source: Array("/s".utf8), type: Array("t".utf8))
        let whole = JobProgress(
            of: job(metadata: [.init(key: Array("k".utf8), value: Array("v".utf8))], event: event), .held,
            generation: 2, number: 3, attempts: 1, at: Self.at, until: Self.at + .seconds(60), cause: "quota_day",
            detail: "a\nb")
        #expect(
            text(whole.publication(under: QueueNames(prefix: "p")))
                == #"{"account":"anna","at":"2026-11-23T12:00:00.000Z","attempts":1,"cause":"quota_day","#
                + #""detail":"a b","event":{"id":"e","source":"/s"},"generation":2,"jobId":"j/1","#
                + #""metadata":{"k":"v"},"state":"held","until":"2026-11-23T12:01:00.000Z","version":1}"#)
    }

    @Test(arguments: ProgressState.allCases)
    func itIsOfferedToTheExchangeOfTheResults(state: ProgressState) {
        let parent = "00-\(String(repeating: "a", count: 32))-\(String(repeating: "b", count: 16))-01"
        let progress = JobProgress(
            of: job(), state, generation: 1, number: 2, attempts: 0, at: Self.at,
            trace: TraceContext(correlationID: "c", traceparent: parent, tracestate: "k=v"))
        let publication = progress.publication(under: QueueNames(prefix: "p"))
        #expect(publication.exchange == "p.results" && publication.routingKey == "progress.\(state.rawValue)")
        #expect(!publication.isMandatory)
        let properties = publication.properties
        #expect(properties.messageID == "j/1#1:p2" && properties.type == "leave-album.progress.v1")
        #expect(properties.correlationID == "c" && properties.contentType == "application/json")
        #expect(properties.timestamp == 1_795_435_200 && properties.appID == "leave-albumd")
        #expect(properties.headers?["traceparent"] == .text(parent))
        #expect(properties.headers?["tracestate"] == .text("k=v"))
    }

    @Test func withoutACorrelationOfItsOwnItHasTheJobsID() {
        let progress = JobProgress(of: job(), .parked, generation: 0, number: 1, attempts: 1, at: Self.at)
        #expect(progress.publication(under: QueueNames(prefix: "p")).properties.correlationID == "j/1")
    }

    /// The type says that it is no result: that of results is a setting.
    @Test(arguments: [(ResultEvents.Binding.rabbitmq, "ce-"), (.amqp, "cloudEvents:")])
    func whereResultsAreEventsItIsOneOfItsOwnType(binding: ResultEvents.Binding, prefix: String) {
        let progress = JobProgress(of: job(), .parked, generation: 0, number: 1, attempts: 1, at: Self.at)
        let names = QueueNames(prefix: "p")
        let publication = progress.publication(
            under: names, as: ResultEvents(binding, source: "/here", type: "com.example.result"))
        let values = publication.properties.headers?.fields.map { field -> String in
            guard case .string(let value) = field.value else { return "-" }
            return "\(String(decoding: field.name, as: UTF8.self))=\(String(decoding: value, as: UTF8.self))"
        }
        #expect(
            values == [
                "\(prefix)specversion=1.0", "\(prefix)id=j/1#0:p1", "\(prefix)source=/here",
                "\(prefix)type=leave-album.progress.v1", "\(prefix)subject=j/1",
                "\(prefix)time=2026-11-23T12:00:00.000Z",
            ])
        #expect(publication.body == progress.publication(under: names).body)
    }

    @Test func whatWasReportedIsReadAsItWasWritten() {
        var reported = ReportedProgress()
        #expect(reported.isEmpty && reported.text.isEmpty)
        for (count, state) in ProgressState.allCases.enumerated() {
            #expect(!reported.contains(state))
            reported.insert(state)
            reported.insert(state)
            #expect(reported.contains(state) && reported.count == count + 1)
            #expect(ReportedProgress(text: reported.text) == reported)
        }
        #expect(reported.text == "parked,held,retrying")
        for text in ["", "lost", "parked,", "parked held", "PARKED"] { #expect(ReportedProgress(text: text) == nil) }
    }
}
