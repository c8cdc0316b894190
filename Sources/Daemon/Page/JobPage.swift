package import Clocks
import JSON
import Jobs
import Ledger
package import Operations
package import Pipeline
import Secrets
package import Service

/// The page of one job: its history as `leave-albumd job` has it, where it is in this daemon, and what it waits for.
/// Without the share token, its hash and the publisher's metadata: whoever reaches a port sees less than whoever may use
/// the control socket.
package struct JobPage: Sendable {
    package enum Content: Sendable {
        case known(JobHistory)
        /// The ledger has nothing of it.
        case unknown
        /// The ledger cannot be asked; why, for people.
        case unanswered(String)
        /// What was asked for is no job's id.
        case noID
        /// Nothing was asked for.
        case none
    }

    /// As it came with the request: foreign text.
    package var id: String
    package var content: Content
    package var inFlight: JobInFlight?
    /// How long that is in flight.
    package var inFlightFor: Duration?
    /// What holds the daemon that was asked.
    package var holds: [DaemonStatus.Hold] = []
    /// Whether and why the job's account waits alone, at this daemon.
    package var accountWait: AccountHold?
    /// As it may be shown.
    package var account: String?
    /// `ledger.retention`.
    package var retention: Duration
    package var now: Timestamp

    package init(id: String, content: Content, retention: Duration, now: Timestamp) {
        self.id = id
        self.content = content
        self.retention = retention
        self.now = now
    }

    package var reply: AdminReply { page.reply }

    package var page: RenderedPage {
        let face = face
        return RenderedPage(
            status: face.status, title: face.isOfJob ? "\(face.word): \(shownID)" : face.word, version: version,
            body: [band(face), Self.lookup, .element("p", ["id": "old"]), main, footer])
    }

    // MARK: What to see first

    struct Face {
        /// Of the band's colours.
        var tone: String
        var word: String
        var sentence: [HTML]
        var status = 200
        var isOfJob = true
    }

    private var face: Face {
        switch content {
        case .known(let history): face(history)
        case .unknown:
            inFlight == nil
                ? Face(
                    tone: "gone", word: "Not known", sentence: [.text("The ledger has nothing of this job.")],
                    status: 404)
                : Face(tone: "wait", word: "Just come", sentence: [.text("This daemon has it in hand.")])
        case .unanswered(let why):
            Face(tone: "gone", word: "No answer", sentence: [.text("The ledger cannot be asked: \(why)")], status: 503)
        case .noID:
            Face(
                tone: "gone", word: "No job’s id", sentence: [.text("There can be no job of this name.")], status: 404,
                isOfJob: false)
        case .none: Face(tone: "wait", word: "Which job?", sentence: [], isOfJob: false)
        }
    }

    private func face(_ history: JobHistory) -> Face {
        switch history.state {
        case .waiting:
            return Face(
                tone: openTone, word: inFlight == nil ? "Waiting" : "In hand",
                sentence: [.text(inFlight == nil ? "In a queue, or in another daemon’s hands." : placeSentence)])
        case .calling:
            let isHere = inFlight?.place == .withWorker
            return Face(
                tone: isHere ? "wait" : openTone, word: isHere ? "Calling" : "Call begun",
                sentence: [
                    .text(
                        isHere
                            ? "This daemon waits for the API’s answer, or writes it down."
                            : "Another daemon waits for the answer, or one was interrupted in the call; then the next "
                                + "delivery finds out what became of it.")
                ])
        case .parked(let parking):
            let isPast = parking.due <= now
            return Face(
                tone: openTone, word: "Parked",
                sentence: [
                    .text(isPast ? "Due since " : "Until "), PageTime.exact(parking.due),
                    .text(", "),
                    isPast ? PageTime.distance(parking.due, from: now) : PageTime.until(parking.due, from: now),
                    .text(isPast ? " ago." : "."),
                    .text(parking.copyIsPublished ? "" : " Its copy is not confirmed yet."),
                ])
        case .finished(let resultIsPublished, let deadLetterIsPublished):
            return ending(history, resultIsPublished: resultIsPublished, deadLetterIsPublished: deadLetterIsPublished)
        }
    }

    private func ending(_ history: JobHistory, resultIsPublished: Bool, deadLetterIsPublished: Bool) -> Face {
        let body = history.results.last?.body
        let outcome = body?["outcome"]?.text.flatMap(Outcome.init(rawValue:))
        let (tone, word) =
            switch outcome {
            case .left: ("good", "Left")
            case .alreadyLeft: ("good", "Already left")
            case .failed: ("hold", "Failed")
            case .rejected: ("hold", "Rejected")
            case nil: ("gone", "Ended")
            }
        var sentence: [HTML] = []
        if let reason = body?["reason"]?.text { sentence += [.element("strong", [:], reason), .text(" ")] }
        if let completed = history.results.last?.completedAt {
            sentence += [
                PageTime.exact(completed), .text(", "), PageTime.distance(completed, from: now), .text(" ago."),
            ]
        }
        if !resultIsPublished { sentence.append(.text(" Its result is not confirmed yet.")) }
        if !deadLetterIsPublished { sentence.append(.text(" Its dead letter is not confirmed yet.")) }
        return Face(tone: tone, word: word, sentence: sentence)
    }

    /// What holds the daemon holds the job, unless its call is on its way.
    private var openTone: String { holds.isEmpty && accountWait == nil ? "wait" : "hold" }

    /// Longer than an id may be, so that who asked for too long a one sees it.
    var shownID: String { DetailText.scrubbed(id, limit: 256) }

    /// Whether something may still happen to it without an operator.
    var isOpen: Bool {
        switch content {
        case .known(let history):
            switch history.state {
            case .waiting, .parked, .calling: true
            case .finished(let resultIsPublished, let deadLetterIsPublished):
                !resultIsPublished || !deadLetterIsPublished || inFlight != nil
            }
        case .unknown, .unanswered: true
        case .noID, .none: false
        }
    }
}
