import Clocks
import JSON
import Jobs
import Messages
import Operations
import Pipeline
import Settings

/// What would become of a message that waits, once its worker takes it, as far as can be said without asking the API or a
/// token service.
struct PreviewPlan {
    /// In the order in which a worker decides.
    enum Fate: Equatable {
        /// The broker and workers have given it out so often that it was not looked at.
        case leftAlone
        /// It runs alone, because the worker died with it.
        case setApart
        case rejected(Rejection)
        /// Its stored result goes out again: of which outcome, and why.
        case replayed(outcome: String?, reason: String?)
        /// A newer copy waits until then, and this message is dropped.
        case dropped(until: Timestamp?)
        /// A newer copy goes out, made of this message.
        case parked(until: Timestamp?)
        /// It ends without a call.
        case ends(Reason, detail: String)
        case waits(until: Timestamp)
        /// An earlier call may have been made unheard.
        case asksAlbum
        case calls
    }

    let message: MessagePreview
    let fate: Fate
    /// Causes; nothing happens to it before they are over.
    let holds: [String]

    /// `known`: what the ledger says; nil for what is no job.
    init(
        _ message: MessagePreview, _ known: KnownJob?, holds: [String], _ retry: DaemonSettings.Retry,
        at now: Timestamp
    ) {
        self.message = message
        self.holds = holds
        fate = Self.fate(of: message, known, retry, at: now)
    }

    private static func fate(
        of message: MessagePreview, _ known: KnownJob?, _ retry: DaemonSettings.Retry, at now: Timestamp
    ) -> Fate {
        if message.isToBeLeftAlone { return .leftAlone }
        switch message.content {
        case .setApart: return .setApart
        case .rejected(let rejection): return .rejected(rejection)
        case .job(let job):
            guard let known else { return fate(of: message, KnownJob(.open), retry, at: now) }
            switch known.state {
            case .conflict:
                return .rejected(
                    Rejection(
                        .jobIDConflict, "this jobId was used for another account or share token", jobID: job.id,
                        account: job.account))
            case .finished, .superseded: return .replayed(outcome: known.outcome, reason: known.reason)
            case .parked: return .dropped(until: known.until)
            case .unparked: return .parked(until: known.until)
            case .cancelled: return .ends(.cancelled, detail: "it was cancelled")
            case .open: return admission(of: message, known, retry, at: now)
            }
        }
    }

    /// What `Worker.admit` would say, without its holds, limits and tokens.
    private static func admission(
        of message: MessagePreview, _ known: KnownJob, _ retry: DaemonSettings.Retry, at now: Timestamp
    ) -> Fate {
        let headers = message.jobHeaders
        if let givenUp = headers.givenUp { return .ends(givenUp.reason, detail: "the broker gave it up") }
        if message.isPoison { return .ends(.poison, detail: "the worker died with it") }
        if let deadline = message.deadline, deadline < now {
            return .ends(.deadlineExceeded, detail: "its deadline \(deadline.rfc3339) has passed")
        }
        if max(headers.attempts, known.attempts) >= retry.maxAttempts {
            return .ends(.attemptsExhausted, detail: "all \(max(headers.attempts, known.attempts)) attempts failed")
        }
        if let age = known.age, age > retry.maxAge {
            return .ends(.attemptsExhausted, detail: "it is older than retry.max_age")
        }
        if let notBefore = headers.notBefore, notBefore > now { return .waits(until: notBefore) }
        return headers.isAmbiguous || headers.mustQueryAlbum || known.isAmbiguous ? .asksAlbum : .calls
    }

    // MARK: For people and programs

    /// One word.
    var word: String {
        switch fate {
        case .leftAlone: "left_alone"
        case .setApart: "set_apart"
        case .rejected: "rejected"
        case .replayed: "replayed"
        case .dropped: "dropped"
        case .parked: "parked"
        case .ends: "failed"
        case .waits: "waits"
        case .asksAlbum: "asks_album"
        case .calls: "calls"
        }
    }

    var reason: String? {
        switch fate {
        case .rejected(let rejection): rejection.reason.rawValue
        case .ends(let reason, _): reason.rawValue
        case .replayed(_, let reason): reason
        case .leftAlone, .setApart, .dropped, .parked, .waits, .asksAlbum, .calls: nil
        }
    }

    var until: Timestamp? {
        switch fate {
        case .dropped(let time), .parked(let time): time
        case .waits(let time): time
        case .leftAlone, .setApart, .rejected, .replayed, .ends, .asksAlbum, .calls: nil
        }
    }

    var detail: String {
        switch fate {
        case .leftAlone: "delivered \(message.deliveries) times, and laid down anew so that it is no more"
        case .setApart: "the worker died with it: it runs alone"
        case .rejected(let rejection): rejection.detail
        case .replayed(let outcome?, let reason): "it has ended as \(reason ?? outcome); that result goes out again"
        case .replayed(nil, _): "a newer generation has taken its place"
        case .dropped: "a newer copy of it waits"
        case .parked: "a newer copy was decided, and goes out"
        case .ends(_, let detail): detail
        case .waits: "its time has not come"
        case .asksAlbum: "an earlier call may have gone unheard: the album is asked first"
        case .calls: ""
        }
    }

    var json: JSONValue {
        var members: [JSONValue.Member] = []
        if let jobID = message.jobID { members.append(.init("jobId", .string(jobID.utf8))) }
        if let account = message.account { members.append(.init("account", .string(account.utf8))) }
        members.append(.init("lane", .text(message.lane.rawValue)))
        members.append(.init("generation", .integer(Int64(message.jobHeaders.generation))))
        members.append(.init("attempts", .integer(Int64(message.jobHeaders.attempts))))
        members.append(.init("deliveries", .integer(message.deliveries)))
        members.append(.init("fate", .text(word)))
        if let reason { members.append(.init("reason", .text(reason))) }
        if let until { members.append(.init("until", .text(until.rfc3339))) }
        if !detail.isEmpty { members.append(.init("detail", .text(detail))) }
        if let deadline = message.deadline { members.append(.init("deadline", .text(deadline.rfc3339))) }
        members.append(.init("holds", .array(holds.map(JSONValue.text))))
        return .object(members)
    }
}
