import Clocks
import JSON
import Jobs
import Ledger

/// As it is stored: an object, of which a program reads what it knows, and leaves the rest as it was. Times are
/// milliseconds since 1970, identities are numbers of bytes.
extension ClusterState {
    /// Nil if it is none. No bytes are the state of a cluster that has not shared anything yet.
    init?(json bytes: [UInt8], version: Int64) {
        self.init()
        self.version = version
        guard !bytes.isEmpty else { return }
        guard let json = try? JSONValue.parse(bytes), json.members != nil else { return nil }
        for value in json["holds"]?.elements ?? [] {
            // A cause of a newer program: it holds who knows it, and stays as it is.
            guard let hold = SharedHold(json: value) else { continue }
            holds[hold.cause] = hold
        }
        turn = json["turn"].flatMap { ProbeTurn(json: $0) }
        lastFence = json["fence"]?.integer ?? 0
        isExtraRound = json["extra"]?.bool ?? false
        firstCaller = json["first"].flatMap { value in
            guard let member = value["member"]?.integer, let until = value["until"]?.integer else { return nil }
            return FirstCaller(member: member, until: Timestamp(milliseconds: until))
        }
        for value in json["parts"]?.elements ?? [] {
            guard let member = value["member"]?.integer, let part = value["of"]?.integer else { continue }
            parts[member] = Int(part)
        }
        withoutParts = Set((json["withoutParts"]?.elements ?? []).compactMap(\.integer))
        for value in json["met"]?.elements ?? [] {
            guard let cause = value["cause"]?.text.flatMap({ HoldCause(rawValue: $0) }),
                let member = value["member"]?.integer, let at = value["at"]?.integer
            else { continue }
            met[cause, default: [:]][member] = Timestamp(milliseconds: at)
        }
        evidence = (json["evidence"]?.elements ?? []).compactMap { ClusterEvidence(json: $0) }
        pausedAccounts = Set((json["paused"]?.elements ?? []).compactMap { identity($0).map { AccountID(utf8: $0) } })
        for value in json["pausedMembers"]?.elements ?? [] {
            guard let name = value["name"]?.text, let since = value["since"]?.integer,
                let detail = value["detail"]?.text
            else { continue }
            pausedMembers[name] = MemberPause(since: Timestamp(milliseconds: since), detail: detail)
        }
        for value in json["consuming"]?.elements ?? [] {
            guard let member = value["member"]?.integer, let since = value["since"]?.integer else { continue }
            consumingSince[member] = Timestamp(milliseconds: since)
        }
        for value in json["duties"]?.elements ?? [] {
            guard let duty = value["duty"]?.text.flatMap({ ClusterDuty(rawValue: $0) }),
                let member = value["member"]?.integer, let until = value["until"]?.integer
            else { continue }
            duties[duty] = DutyHolder(member: member, until: Timestamp(milliseconds: until))
        }
    }

    /// As it is written in place of what is stored.
    func json(over stored: [UInt8]) -> [UInt8] {
        guard let old = try? JSONValue.parse(stored), let known = ClusterState(json: stored, version: version) else {
            return value.encoded()
        }
        return UnknownMembers.merged(value, over: old, knowing: known.value).encoded()
    }

    var value: JSONValue {
        var members: [JSONValue.Member] = [
            .init("holds", .array(holds.values.sorted { $0.cause.rawValue < $1.cause.rawValue }.map(\.json))),
            .init("fence", .integer(lastFence)), .init("extra", .bool(isExtraRound)),
            .init(
                "parts",
                .array(
                    parts.sorted { $0.key < $1.key }.map {
                        .object([.init("member", .integer($0.key)), .init("of", .integer(Int64($0.value)))])
                    })),
            .init("withoutParts", .array(withoutParts.sorted().map { .integer($0) })),
            .init("evidence", .array(evidence.map(\.json))), .init("met", .array(metJSON)),
            .init(
                "paused",
                .array(
                    pausedAccounts.map(\.utf8).sorted { $0.lexicographicallyPrecedes($1) }.map { numbers($0) })),
            .init("pausedMembers", .array(pausedMembers.sorted { $0.key < $1.key }.map(Self.json))),
            .init(
                "consuming",
                .array(
                    consumingSince.sorted { $0.key < $1.key }.map {
                        .object([.init("member", .integer($0.key)), .init("since", .integer($0.value.milliseconds))])
                    })),
            .init("duties", .array(duties.sorted { $0.key.rawValue < $1.key.rawValue }.map(Self.json))),
        ]
        if let turn { members.append(.init("turn", turn.json)) }
        if let firstCaller {
            members.append(
                .init(
                    "first",
                    .object([
                        .init("member", .integer(firstCaller.member)),
                        .init("until", .integer(firstCaller.until.milliseconds)),
                    ])))
        }
        return .object(members)
    }

    private static func json(_ name: String, _ pause: MemberPause) -> JSONValue {
        .object([
            .init("name", .text(name)), .init("since", .integer(pause.since.milliseconds)),
            .init("detail", .text(pause.detail)),
        ])
    }

    private static func json(_ duty: ClusterDuty, _ holder: DutyHolder) -> JSONValue {
        .object([
            .init("duty", .text(duty.rawValue)), .init("member", .integer(holder.member)),
            .init("until", .integer(holder.until.milliseconds)),
        ])
    }
}

extension ClusterState {
    private var metJSON: [JSONValue] {
        met.sorted { $0.key.rawValue < $1.key.rawValue }.flatMap { cause, members in
            members.sorted { $0.key < $1.key }.map { member, at in
                .object([
                    .init("cause", .text(cause.rawValue)), .init("member", .integer(member)),
                    .init("at", .integer(at.milliseconds)),
                ])
            }
        }
    }
}

// An identity need not be a text.
private func numbers(_ bytes: [UInt8]) -> JSONValue { .array(bytes.map { .integer(Int64($0)) }) }

private func identity(_ json: JSONValue?) -> [UInt8]? {
    json?.elements?.compactMap { $0.integer.flatMap { UInt8(exactly: $0) } }
}

extension SharedHold {
    fileprivate init?(json: JSONValue) {
        guard let cause = json["cause"]?.text.flatMap({ HoldCause(rawValue: $0) }),
            let since = json["since"]?.integer, let member = json["member"]?.integer, let detail = json["detail"]?.text
        else { return nil }
        self.init(cause: cause, since: Timestamp(milliseconds: since), member: member, detail: detail)
        nextProbe = json["probe"]?.integer.map { Timestamp(milliseconds: $0) }
        round = Int(json["round"]?.integer ?? 0)
        threshold = json["threshold"]?.integer.map { Int($0) }
        refusedProbes = Int(json["refused"]?.integer ?? 0)
    }

    fileprivate var json: JSONValue {
        .object([
            .init("cause", .text(cause.rawValue)), .init("since", .integer(since.milliseconds)),
            .init("member", .integer(member)), .init("detail", .text(detail)),
            .init("probe", nextProbe.map { .integer($0.milliseconds) } ?? .null),
            .init("round", .integer(Int64(round))),
            .init("threshold", threshold.map { .integer(Int64($0)) } ?? .null),
            .init("refused", .integer(Int64(refusedProbes))),
        ])
    }
}

extension ProbeTurn {
    fileprivate init?(json: JSONValue) {
        guard let member = json["member"]?.integer, let fence = json["fence"]?.integer,
            let until = json["until"]?.integer
        else { return nil }
        self.init(member: member, fence: fence, until: Timestamp(milliseconds: until))
    }

    fileprivate var json: JSONValue {
        .object([
            .init("member", .integer(member)), .init("fence", .integer(fence)),
            .init("until", .integer(until.milliseconds)),
        ])
    }
}

extension ClusterEvidence {
    fileprivate init?(json: JSONValue) {
        guard let cause = json["cause"]?.text.flatMap({ HoldCause(rawValue: $0) }),
            let account = identity(json["account"]), let job = identity(json["job"])
        else { return nil }
        let kind: Kind
        if let threshold = json["threshold"]?.integer {
            kind = .refusal(threshold: Int(threshold))
        } else if let isUnsent = json["unsent"]?.bool {
            kind = .failure(isUnsent: isUnsent)
        } else {
            return nil
        }
        self.init(cause: cause, kind: kind, account: AccountID(utf8: account), job: JobID(utf8: job))
    }

    fileprivate var json: JSONValue {
        let kind: JSONValue.Member =
            switch self.kind {
            case .refusal(let threshold): .init("threshold", .integer(Int64(threshold)))
            case .failure(let isUnsent): .init("unsent", .bool(isUnsent))
            }
        return .object([
            .init("cause", .text(cause.rawValue)), kind, .init("account", numbers(account.utf8)),
            .init("job", numbers(job.utf8)),
        ])
    }
}

extension DayAllotments {
    init?(json bytes: [UInt8], revision: Int64) {
        self.init()
        self.revision = revision
        guard let json = try? JSONValue.parse(bytes), let elements = json["shares"]?.elements else { return nil }
        for value in elements {
            guard let member = value["member"]?.integer, let allotted = value["allotted"]?.integer,
                let bulk = value["bulk"]?.integer, let limit = value["limit"]?.integer
            else { return nil }
            var share = Share(limit: Int(limit))
            (share.allotted, share.allottedBulk) = (Int(allotted), Int(bulk))
            shares[member] = share
        }
        spentLimit = json["spentLimit"]?.integer.map { Int($0) }
    }

    /// As it is written in place of what is stored.
    func json(over stored: [UInt8]) -> [UInt8] {
        guard let old = try? JSONValue.parse(stored), let known = DayAllotments(json: stored, revision: revision) else {
            return value.encoded()
        }
        return UnknownMembers.merged(value, over: old, knowing: known.value).encoded()
    }

    var value: JSONValue {
        let elements = shares.sorted { $0.key < $1.key }.map { member, share in
            JSONValue.object([
                .init("member", .integer(member)), .init("allotted", .integer(Int64(share.allotted))),
                .init("bulk", .integer(Int64(share.allottedBulk))), .init("limit", .integer(Int64(share.limit))),
            ])
        }
        var members = [JSONValue.Member("shares", .array(elements))]
        if let spentLimit { members.append(.init("spentLimit", .integer(Int64(spentLimit)))) }
        return .object(members)
    }
}
