import JSON

/// `/_simulator/…`: what tests and people arrange and read.
struct Control: Sendable {
    let service: SimulatedService

    static let prefix = "/_simulator"

    func handle(_ request: RequestParser.Request) -> HTTPAnswer {
        let parts = request.target.split(separator: "?", maxSplits: 1)
        let path = parts.first.map { $0.dropFirst(Self.prefix.count) } ?? ""
        let query = parts.count > 1 ? String(parts[1]) : ""
        switch (request.method, path) {
        case ("POST", "/albums"): return each(request.body, addAlbum)
        case ("POST", "/tokens"): return each(request.body, addToken)
        case ("POST", "/grants"): return each(request.body, addGrant)
        case ("POST", "/client"): return each(request.body, setClient)
        case ("POST", "/faults"): return addFault(request.body)
        // The second for clients that know no DELETE.
        case ("DELETE", "/faults"), ("POST", "/faults/clear"):
            service.withState { $0.faults.remove(id: Self.number(query, "id")) }
            return Self.done
        case ("GET", "/journal"): return journal(after: Self.number(query, "after") ?? 0)
        case ("GET", "/counters"): return counters()
        case ("GET", "/wordings"):
            return Self.json(.object([.init("wordings", .array(Wordings.names.map { .text($0) }))]))
        default: return Self.problem(404, "no such control: \(request.method) \(path); see --help")
        }
    }

    private static let done = HTTPAnswer(status: 200, body: Array("{}\n".utf8))

    private static func json(_ value: JSONValue) -> HTTPAnswer {
        HTTPAnswer(status: 200, body: value.encoded() + [0x0a])
    }

    private static func problem(_ status: Int, _ text: String) -> HTTPAnswer {
        HTTPAnswer(status: status, body: JSONValue.object([.init("problem", .text(text))]).encoded() + [0x0a])
    }

    private static func number(_ query: String, _ name: String) -> Int? {
        query.split(separator: "&").first { $0.hasPrefix("\(name)=") }.flatMap { Int($0.dropFirst(name.count + 1)) }
    }

    /// One JSON object, or one on each line.
    private func each(_ body: [UInt8], _ take: (JSONValue) -> String?) -> HTTPAnswer {
        for line in body.split(separator: 0x0a) {
            guard let value = try? JSONValue.parse(Array(line)) else { return Self.problem(400, "a line is not JSON") }
            if let problem = take(value) { return Self.problem(400, problem) }
        }
        return Self.done
    }

    /// `{"token","owner","members":[…],"unshared":false}`
    private func addAlbum(_ value: JSONValue) -> String? {
        guard let token = value["token"]?.utf8, let owner = value["owner"]?.utf8 else {
            return "token and owner needed"
        }
        let members = value["members"]?.elements?.compactMap(\.utf8) ?? []
        let isUnshared = value["unshared"]?.bool ?? false
        service.withState { $0.albums.seed(token: token, owner: owner, members: members, isUnshared: isUnshared) }
        return nil
    }

    /// `{"token","account"}`, or `{"token","dead":true}` for one that is refused.
    private func addToken(_ value: JSONValue) -> String? {
        guard let token = value["token"]?.utf8 else { return "token needed" }
        if value["dead"]?.bool == true {
            service.withState { _ = $0.deadTokens.insert(token) }
            return nil
        }
        guard let account = value["account"]?.utf8 else { return "account needed" }
        service.withState { state in
            state.tokens[token] = account
            state.deadTokens.remove(token)
        }
        return nil
    }

    /// `{"refreshToken","account","rotate":false,"strict":false,"expiresIn":3600,"scope"?,"error"?,"errorSubtype"?}`, or
    /// `{"refreshToken","revoked":true}`.
    private func addGrant(_ value: JSONValue) -> String? {
        guard let token = value["refreshToken"]?.utf8 else { return "refreshToken needed" }
        if value["revoked"]?.bool == true {
            service.withState { $0.grants[token] = nil }
            return nil
        }
        guard let account = value["account"]?.utf8 else { return "account needed" }
        var grant = TokenService.Grant(
            account: account, rotates: value["rotate"]?.bool ?? false,
            expiresIn: value["expiresIn"]?.integer ?? 3_600, scope: value["scope"]?.text,
            error: value["error"]?.text, subtype: value["errorSubtype"]?.text)
        grant.isStrict = value["strict"]?.bool ?? false
        service.withState { $0.grants[token] = grant }
        return nil
    }

    /// `{"secrets":[…]}`: those that the token endpoint accepts, several while one is rotated.
    private func setClient(_ value: JSONValue) -> String? {
        guard let secrets = value["secrets"]?.elements?.compactMap(\.utf8) else { return "secrets needed" }
        service.withState { $0.clientSecrets = Set(secrets) }
        return nil
    }

    /// `{"token"?,"account"?,"method"?,"count"?,"probability"?,"fields":{…}?,"actions":[…]}`; an action is
    /// `{"wording":NAME}`, `{"status":N,"body":TEXT}` or `{"fault":NAME,"applied":BOOL,"milliseconds":N}`.
    private func addFault(_ body: [UInt8]) -> HTTPAnswer {
        guard let value = try? JSONValue.parse(body) else { return Self.problem(400, "the body is not JSON") }
        var actions: [Fault.Action] = []
        for element in value["actions"]?.elements ?? [value] {
            guard let action = Self.action(element) else {
                return Self.problem(400, "an action is a wording, a status or a fault; see --help")
            }
            actions.append(action)
        }
        let probability: Double =
            switch value["probability"] {
            case .real(let number): number
            case .integer(let number): Double(number)
            default: 1
            }
        var fields: [(String, String)] = []
        if case .object(let members)? = value["fields"] {
            for member in members {
                fields.append((String(decoding: member.name, as: UTF8.self), member.value.text ?? ""))
            }
        }
        let fault = Fault(
            id: 0, token: value["token"]?.utf8, account: value["account"]?.utf8, method: value["method"]?.text,
            remaining: value["count"]?.integer.map { Int($0) }, probability: probability, actions: actions,
            fields: fields)
        let id = service.withState { $0.faults.add(fault) }
        return Self.json(.object([.init("id", .integer(Int64(id)))]))
    }

    private static func action(_ value: JSONValue) -> Fault.Action? {
        if let name = value["wording"]?.text { return Wordings.named(name).map { .answer($0) } }
        if let status = value["status"]?.integer {
            return .answer(HTTPAnswer(status: Int(status), body: value["body"]?.utf8 ?? []))
        }
        let applied = value["applied"]?.bool ?? false
        let milliseconds = Int(value["milliseconds"]?.integer ?? 0)
        switch value["fault"]?.text {
        case "close": return .close(applied: applied)
        case "reset": return .reset(applied: applied)
        case "stall": return .stall(milliseconds: milliseconds, applied: applied)
        case "truncated_headers": return .truncatedHeaders(applied: applied)
        case "partial_body": return .partialBody(applied: applied)
        case "junk": return .junk(applied: applied)
        case "delay": return .delay(milliseconds: milliseconds)
        default: return nil
        }
    }

    private func journal(after: Int) -> HTTPAnswer {
        let lines = service.withState { state in state.journal.dropFirst(max(0, after)) }
        var body: [UInt8] = []
        for entry in lines {
            body += entry.json.encoded()
            body.append(0x0a)
        }
        var answer = HTTPAnswer(status: 200, body: body)
        answer.contentType = "application/x-ndjson"
        return answer
    }

    private func counters() -> HTTPAnswer {
        let (calls, left, joined) = service.withState { state in
            (
                state.journal.count, state.journal.count { $0.effect == "left" },
                state.journal.count { $0.effect == "joined" }
            )
        }
        return Self.json(
            .object([
                .init("calls", .integer(Int64(calls))), .init("left", .integer(Int64(left))),
                .init("joined", .integer(Int64(joined))),
            ]))
    }
}
