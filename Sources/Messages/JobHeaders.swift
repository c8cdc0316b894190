package import AMQP
package import Clocks
package import Jobs

/// The worker's own headers: what a copy, a redrive or a dead letter says of the job's past.
package struct JobHeaders: Equatable, Sendable {
    /// Which copy this is; 0 is the publisher's own message. Parkings that cost no attempt make copies too, so the
    /// number of attempts could not tell a copy from its original.
    package var copy = 0
    package var attempts = 0
    package var isAmbiguous = false
    package var generation = 0
    /// The copy is not worked on before.
    package var notBefore: Timestamp?
    /// When the turn of its account is expected to come to it, since it gave its place to others. It may be had
    /// earlier.
    package var turn: Timestamp?
    /// How often it has stepped aside since it was last parked or called.
    package var moves = 0
    /// How often the job was set apart because the worker died while it ran.
    package var suspect = 0
    /// Deliveries of the copies before this one of which no worker brought a word: the broker counts those of each copy
    /// anew, and a job whose worker died in the call steps aside as long as that one's lease lasts.
    package var deliveries = 0
    /// How often the job was parked because a refusal could have been systemic.
    package var refusals = 0
    /// The album is to be asked before the next call.
    package var mustQueryAlbum = false
    /// The lane on which the job first came.
    package var lane: Lane?
    package var firstSeen: Timestamp?
    /// Why the broker gave the message up. A copy says so itself, for it has no x-death.
    package var givenUp: GivenUp?
    /// The event as which the job was accepted: the worker's settings of today do not matter to it any more.
    package var event: EventContext?
    /// A message that may be an event, and was not accepted as a job yet: it is judged as on the queue where it came.
    package var isUnread = false
    /// What an operator gave the job in the place of its own deadline, when it was redriven.
    package var deadline: NewDeadline?
    /// What progress of this generation was reported.
    package var reportedProgress = ReportedProgress()

    package init() {}

    /// What a count in a header may be; anything else was written by nobody of ours and counts as absent.
    package static let counts: ClosedRange<Int64> = 0...1_000_000

    /// Reads what is well-formed; a header of another type or out of range counts as absent, since only the worker
    /// and operators write them and neither writes such.
    package init(reading headers: FieldTable?) {
        guard let headers else { return }
        func count(_ name: String) -> Int? {
            guard case .integer(let value)? = headers[name], Self.counts.contains(value) else { return nil }
            return Int(value)
        }
        func time(_ name: String) -> Timestamp? {
            guard case .integer(let value)? = headers[name], value >= 0 else { return nil }
            return Timestamp(milliseconds: value)
        }
        copy = count(Name.copy) ?? 0
        attempts = count(Name.attempt) ?? 0
        if case .boolean(true)? = headers[Name.ambiguous] { isAmbiguous = true }
        generation = count(Name.generation) ?? 0
        notBefore = time(Name.notBefore)
        turn = time(Name.turn)
        moves = count(Name.moves) ?? 0
        suspect = count(Name.suspect) ?? 0
        deliveries = count(Name.deliveries) ?? 0
        refusals = count(Name.refusals) ?? 0
        if case .boolean(true)? = headers[Name.queryAlbum] { mustQueryAlbum = true }
        if case .string(let name)? = headers[Name.lane] {
            lane = Lane(rawValue: String(decoding: name, as: UTF8.self))
        }
        firstSeen = time(Name.firstSeen)
        if case .string(let word)? = headers[Name.givenUp] {
            givenUp = GivenUp(rawValue: String(decoding: word, as: UTF8.self))
        }
        event = Self.event(reading: headers)
        if case .boolean(true)? = headers[Name.unread] { isUnread = true }
        deadline = headers[Name.deadline].flatMap(NewDeadline.init)
        if case .string(let states)? = headers[Name.progress] {
            reportedProgress = ReportedProgress(text: String(decoding: states, as: UTF8.self)) ?? ReportedProgress()
        }
    }

    /// Appends the headers of a copy, times in milliseconds since 1970.
    package func write(to headers: inout FieldTable) {
        headers.append(Name.copy, .integer(Int64(copy)))
        headers.append(Name.attempt, .integer(Int64(attempts)))
        headers.append(Name.ambiguous, .boolean(isAmbiguous))
        headers.append(Name.generation, .integer(Int64(generation)))
        if let notBefore { headers.append(Name.notBefore, .integer(notBefore.milliseconds)) }
        if let turn { headers.append(Name.turn, .integer(turn.milliseconds)) }
        if moves > 0 { headers.append(Name.moves, .integer(Int64(moves))) }
        if suspect > 0 { headers.append(Name.suspect, .integer(Int64(suspect))) }
        if deliveries > 0 { headers.append(Name.deliveries, .integer(Int64(deliveries))) }
        if refusals > 0 { headers.append(Name.refusals, .integer(Int64(refusals))) }
        if mustQueryAlbum { headers.append(Name.queryAlbum, .boolean(true)) }
        if let lane { headers.append(Name.lane, .text(lane.rawValue)) }
        if let firstSeen { headers.append(Name.firstSeen, .integer(firstSeen.milliseconds)) }
        if let givenUp { headers.append(Name.givenUp, .text(givenUp.rawValue)) }
        if let event { Self.write(event, to: &headers) }
        if isUnread { headers.append(Name.unread, .boolean(true)) }
        if let deadline { headers.append(Name.deadline, deadline.field) }
        if !reportedProgress.isEmpty { headers.append(Name.progress, .text(reportedProgress.text)) }
    }

    /// Whether any header is one of ours, by its name.
    package static func arePresent(in headers: FieldTable?) -> Bool {
        headers?.fields.contains { isOwn($0.name) } ?? false
    }

    /// Whether a header of this name is one of ours.
    static func isOwn(_ name: [UInt8]) -> Bool { name.starts(with: Name.prefix.utf8) }
}

extension JobHeaders {
    /// The names of the worker's own message headers: on copies, on dead letters, on replays.
    package enum Name {
        package static let prefix = "x-leave-album-"

        // On copies, redrives and dead letters.
        package static let copy = prefix + "copy"
        package static let attempt = prefix + "attempt"
        package static let ambiguous = prefix + "ambiguous"
        package static let generation = prefix + "generation"
        package static let notBefore = prefix + "not-before"
        package static let turn = prefix + "turn"
        package static let moves = prefix + "moves"
        package static let suspect = prefix + "suspect"
        package static let deliveries = prefix + "deliveries"
        package static let refusals = prefix + "refusals"
        package static let queryAlbum = prefix + "ask"
        package static let lane = prefix + "lane"
        package static let firstSeen = prefix + "first-seen"
        package static let givenUp = prefix + "given-up"
        package static let eventID = prefix + "event-id"
        package static let eventSource = prefix + "event-source"
        package static let eventType = prefix + "event-type"
        package static let eventSubject = prefix + "event-subject"
        package static let eventTime = prefix + "event-time"
        package static let unread = prefix + "unread"
        package static let deadline = prefix + "deadline"
        package static let progress = prefix + "progress"

        // On dead letters only.
        package static let reason = prefix + "reason"
        package static let detail = prefix + "detail"
        package static let attempts = prefix + "attempts"
        package static let httpStatus = prefix + "http-status"
        package static let apiStatus = prefix + "api-status"
        package static let deadAt = prefix + "dead-at"
        /// The application's headers did not fit and were left out.
        package static let headersDropped = prefix + "headers-dropped"
        /// Of a body that is not there whole, in bytes.
        package static let bodySize = prefix + "body-size"
        package static let bodySHA256 = prefix + "body-sha256"
        /// Which browser laid a dead letter back into its queue.
        package static let browsed = prefix + "browsed"

        // On results.
        /// The broker has had the result before.
        package static let replayed = prefix + "replayed"
    }
}
