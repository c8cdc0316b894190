import Clocks
import JSON
import Secrets

/// What a host knows of the ledger that its daemon worked on last. By it a database that was put back to an older state, or
/// that is a copy of the one before, is told from one that only went on.
package struct RememberedLedger: Equatable, Sendable {
    /// The identity of the ledger, which every copy of its database has.
    var ledger: [UInt8]
    /// PostgreSQL's system identifier: a restored dump has another, a standby that took over has the same.
    var system: Int64
    /// Another one since: it failed over.
    package var timeline: Int
    /// Of the daemon, and when it joined: this names a row of the members' table, which an older state lacks.
    var epoch: Int
    var started: Timestamp
    /// When the database last heard of that member, as the row had it.
    var seen: Timestamp

    /// What the database has now.
    struct Found: Sendable {
        var ledger: [UInt8]
        var system: Int64
        var timeline = 0
        var created: Timestamp
        /// When an operator last said that such a state was meant.
        var accepted: Timestamp?
        /// The row of that epoch, whoever's it is.
        var member: (started: Timestamp, seen: Timestamp)?
        var now: Timestamp
    }

    package enum Ruling: Equatable, Sendable {
        case goesOn
        /// So much is missing as a standby that lags may not have had when it took over: what of it the members remember
        /// they write again.
        case lags(Duration)
        /// Calls that it knew of are forgotten, and would be made again.
        case refused(String)
    }

    /// A standby that is not synchronous is behind by less, or is not one to fail over to.
    static let mostLag = Duration.seconds(60)

    /// `retention`: rows of members that ended longer ago are removed, and say nothing.
    func ruling(on found: Found, retention: Duration) -> Ruling {
        // Whoever declares a ledger, or accepts a state of it, means it: after all that is remembered here.
        if found.created > seen { return .goesOn }
        if let accepted = found.accepted, accepted > seen { return .goesOn }
        guard ledger == found.ledger else {
            return .refused("it is another ledger than this host's daemon worked on before")
        }
        guard system == found.system else {
            return .refused("it is a copy of this host's ledger in another database system")
        }
        if let member = found.member, member.started == started {
            return member.seen < seen ? Self.ruling(behindBy: seen - member.seen) : .goesOn
        }
        guard found.now - seen < retention else { return .goesOn }
        return Self.ruling(behindBy: seen - started)
    }

    private static func ruling(behindBy lag: Duration) -> Ruling {
        if lag <= mostLag { return .lags(lag) }
        return .refused(
            "it is older than this host's daemon knows it, by \(Int(lag.inSeconds)) s or more")
    }
}

/// As a file has it: an object. Times are milliseconds since 1970.
extension RememberedLedger {
    var json: [UInt8] {
        JSONValue.object([
            .init("ledger", .text(Base64.encoded(ledger))), .init("system", .integer(system)),
            .init("timeline", .integer(Int64(timeline))), .init("epoch", .integer(Int64(epoch))),
            .init("started", .integer(started.milliseconds)),
            .init("seen", .integer(seen.milliseconds)),
        ]).encoded() + [UInt8(ascii: "\n")]
    }

    /// Nil if it is none.
    init?(json bytes: [UInt8]) {
        guard let json = try? JSONValue.parse(bytes), let ledger = json["ledger"]?.text.flatMap({ Base64.decoded($0) }),
            let system = json["system"]?.integer, let timeline = json["timeline"]?.integer,
            let epoch = json["epoch"]?.integer,
            let started = json["started"]?.integer, let seen = json["seen"]?.integer
        else { return nil }
        self.init(
            ledger: ledger, system: system, timeline: Int(timeline), epoch: Int(epoch),
            started: Timestamp(milliseconds: started),
            seen: Timestamp(milliseconds: seen))
    }
}
