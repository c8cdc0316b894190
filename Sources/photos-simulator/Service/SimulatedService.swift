import Clocks
import Concurrency
import Glibc
import JSON
import Terminal

/// All that the simulator knows, behind one lock: albums, faults, counters and the journal of every call.
final class SimulatedService: Sendable {
    struct State: Sendable {
        var albums: AlbumStore
        var faults: FaultPlan
        var journal: [JournalEntry] = []
        var tokens: [[UInt8]: [UInt8]] = [:]
        var deadTokens: Set<[UInt8]> = []
        /// Of the token endpoint: its refresh tokens, and when its access tokens end.
        var grants: [[UInt8]: TokenService.Grant] = [:]
        /// Those of strict grants that are used up, by whose they were.
        var usedRefreshTokens: [[UInt8]: [UInt8]] = [:]
        var expiry: [[UInt8]: Timestamp] = [:]
        var issued = 0
        /// Of the OAuth client; several while one is rotated. Nil: any will do.
        var clientSecrets: Set<[UInt8]>?
    }

    private let state: Lock<State>
    private let options: SimulatorOptions
    private let clock = SystemTimeSource()
    // Appended to in one write each, under the lock, before the answer is sent.
    private let journalFile: Int32
    // Appended to in one write each, when the answer is about to be sent.
    private let endsFile: Int32

    init(_ options: SimulatorOptions, journalFile: Int32, endsFile: Int32) {
        self.options = options
        self.journalFile = journalFile
        self.endsFile = endsFile
        state = Lock(
            State(albums: AlbumStore(autoMembers: options.autoMembers), faults: FaultPlan(seed: options.seed)))
    }

    var now: Timestamp { clock.wall() }
    var latencyMilliseconds: Int { options.latencyMilliseconds }

    func withState<Answer>(_ body: (inout State) -> Answer) -> Answer {
        state.withLock { body(&$0) }
    }

    /// `sim:<account>` or a token that was registered; with `--any-token` the token is the account.
    func account(ofBearer bearer: [UInt8], _ state: borrowing State) -> [UInt8]? {
        if state.deadTokens.contains(bearer) { return nil }
        if let end = state.expiry[bearer], end <= now { return nil }
        if let account = state.tokens[bearer] { return account }
        let prefix = Array("sim:".utf8)
        if bearer.starts(with: prefix) { return Array(bearer.dropFirst(prefix.count)) }
        return options.anyToken && !bearer.isEmpty ? bearer : nil
    }

    /// Notes a call and gives its number. Under the lock, so that the journal's order is that of the effects.
    @discardableResult
    func note(_ entry: JournalEntry, in state: inout State) -> Int {
        var numbered = entry
        numbered.sequence = state.journal.count + 1
        numbered.at = clock.wall()
        state.journal.append(numbered)
        append(numbered.json, to: journalFile)
        return numbered.sequence
    }

    /// Notes that a call is over: nothing of it is left to be done but to send what it is answered, if anything. Whoever
    /// hears the answer begins another call after this.
    func noteEnd(of call: Int) {
        append(
            .object([.init("sequence", .integer(Int64(call))), .init("at", .integer(clock.wall().milliseconds))]),
            to: endsFile)
    }

    private func append(_ value: JSONValue, to file: Int32) {
        guard file >= 0 else { return }
        let line = value.encoded() + [0x0a]
        guard write(file, line, line.count) == line.count else {
            // Tests and people count on it: a journal with holes would be believed.
            StandardStream.error.write("photos-simulator: \(SystemCallError("writing the journal"))\n")
            exit(ExitStatus.outputLost.rawValue)
        }
    }
}

/// One call as it was received.
struct JournalEntry: Sendable {
    var sequence = 0
    var at = Timestamp(milliseconds: 0)
    var method: String
    var account: [UInt8]
    var token: [UInt8]
    /// `left` or `joined` where membership changed, else `none`.
    var effect: String
    /// The status answered, or the name of what went wrong.
    var answer: String
    var requestBytes: Int
    /// The address that the call came from, where it is not this machine's own: one of several workers.
    var peer: String?
    var correlationID: String?
    var traceparent: String?

    var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("sequence", .integer(Int64(sequence))), .init("at", .integer(at.milliseconds)),
            .init("method", .text(method)), .init("account", .string(account)), .init("token", .string(token)),
            .init("effect", .text(effect)), .init("answer", .text(answer)),
            .init("requestBytes", .integer(Int64(requestBytes))),
        ]
        if let peer { members.append(.init("peer", .text(peer))) }
        if let correlationID { members.append(.init("correlationId", .text(correlationID))) }
        if let traceparent { members.append(.init("traceparent", .text(traceparent))) }
        return .object(members)
    }
}
