import Clocks
import Concurrency
import Jobs

/// What goes wrong with a call, and for whom.
struct Fault: Sendable {
    enum Action: Sendable {
        case answer(HTTPAnswer)
        /// FIN without an answer; `applied`: the effect happened before.
        case close(applied: Bool)
        case reset(applied: Bool)
        /// Nothing, for so long; then the connection closes.
        case stall(milliseconds: Int, applied: Bool)
        /// Half of the header block, then FIN.
        case truncatedHeaders(applied: Bool)
        /// Headers, half of the body, then FIN.
        case partialBody(applied: Bool)
        /// Bytes that are no HTTP.
        case junk(applied: Bool)
        /// The ordinary answer, later.
        case delay(milliseconds: Int)
    }

    var id: Int
    var token: [UInt8]?
    var account: [UInt8]?
    /// `leave`, `join`, `get`, `share`; nil is any.
    var method: String?
    /// Calls it is still for; nil is any number.
    var remaining: Int?
    /// 0...1
    var probability: Double
    /// Chosen at random for each call.
    var actions: [Action]
    /// Added to a wording's own.
    var fields: [(String, String)]

    func matches(token: [UInt8], account: [UInt8], method: String) -> Bool {
        (self.token == nil || self.token == token) && (self.account == nil || self.account == account)
            && (self.method == nil || self.method == method)
    }
}

/// The faults that were asked for, in order; the first that matches and is drawn decides.
struct FaultPlan: Sendable {
    private(set) var faults: [Fault] = []
    private var nextID = 1
    private var random: SeededRandom

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    mutating func add(_ fault: Fault) -> Int {
        var added = fault
        added.id = nextID
        nextID += 1
        faults.append(added)
        return added.id
    }

    mutating func remove(id: Int?) {
        if let id { faults.removeAll { $0.id == id } } else { faults = [] }
    }

    /// What goes wrong with this call, if anything does.
    mutating func draw(token: [UInt8], account: [UInt8], method: String) -> Fault.Action? {
        for index in faults.indices where faults[index].matches(token: token, account: account, method: method) {
            if faults[index].remaining == 0 { continue }
            guard Double.random(in: 0..<1, using: &random) < faults[index].probability else { continue }
            if let remaining = faults[index].remaining { faults[index].remaining = remaining - 1 }
            guard let action = faults[index].actions.randomElement(using: &random) else { continue }
            guard case .answer(var answer) = action else { return action }
            answer.fields += faults[index].fields
            return .answer(answer)
        }
        return nil
    }
}
