import JSON

/// The methods of the service. Each call is judged, applied and noted under one lock; what is sent comes after.
struct API: Sendable {
    let service: SimulatedService

    enum Reply: Sendable {
        case answer(HTTPAnswer)
        /// The fault, with the answer that would have been given.
        case fault(Fault.Action, HTTPAnswer)
    }

    /// The reply, and the call's number in the journal; nil for what is no call.
    func handle(_ request: RequestParser.Request, from peer: String?) -> (reply: Reply, call: Int?) {
        let path = request.target.split(separator: "?", maxSplits: 1).first.map(String.init) ?? ""
        guard let (method, rawToken) = route(request.method, path, request.body) else {
            return (.answer(Wordings.named("wrong_path") ?? HTTPAnswer(status: 404, body: [])), nil)
        }
        let bearer = Self.bearer(request.field("authorization"))
        return service.withState { state in
            let account = service.account(ofBearer: bearer, state)
            var entry = JournalEntry(
                method: method, account: account ?? bearer, token: rawToken ?? [], effect: "none", answer: "",
                requestBytes: request.body.count, peer: peer, correlationID: request.field("x-correlation-id"),
                traceparent: request.field("traceparent"))
            let (reply, name) = judge(method, rawToken, account, &entry.effect, &state)
            entry.answer = name
            return (reply, service.note(entry, in: &state))
        }
    }

    /// The reply, and what the journal calls it.
    private func judge(
        _ method: String, _ token: [UInt8]?, _ account: [UInt8]?, _ effect: inout String,
        _ state: inout SimulatedService.State
    ) -> (reply: Reply, name: String) {
        guard let account else { return Self.answered(Self.wording("invalid_token")) }
        guard let token else { return Self.answered(Self.wording("client_bug")) }
        let fault = state.faults.draw(token: token, account: account, method: method)
        if let fault, !fault.appliesEffect { return Self.reply(fault, ordinary: Self.wording("unavailable")) }
        let answer: HTTPAnswer
        (answer, effect) = apply(method, token, account, &state.albums)
        return fault.map { Self.reply($0, ordinary: answer) } ?? Self.answered(answer)
    }

    private static func answered(_ answer: HTTPAnswer) -> (reply: Reply, name: String) {
        (.answer(answer), String(answer.status))
    }

    static func reply(_ fault: Fault.Action, ordinary: HTTPAnswer) -> (reply: Reply, name: String) {
        if case .answer(let answer) = fault { return answered(answer) }
        // A late answer is an answer like any other.
        if case .delay = fault { return (.fault(fault, ordinary), String(ordinary.status)) }
        return (.fault(fault, ordinary), fault.name)
    }

    private static func wording(_ name: String) -> HTTPAnswer {
        guard let answer = Wordings.named(name) else { preconditionFailure("no wording is called \(name)") }
        return answer
    }

    private static func bearer(_ field: String?) -> [UInt8] {
        guard let field, field.lowercased().hasPrefix("bearer ") else { return [] }
        return Array(field.dropFirst("bearer ".count).utf8)
    }

    /// The method and its share token (or album id); nil for a path that does not exist, a nil token for a body that
    /// is not as it should be.
    private func route(_ verb: String, _ path: String, _ body: [UInt8]) -> (String, [UInt8]?)? {
        let prefix = "/v1/sharedAlbums"
        switch (verb, path) {
        case ("POST", "\(prefix):leave"): return ("leave", Self.shareToken(body))
        case ("POST", "\(prefix):join"): return ("join", Self.shareToken(body))
        default: break
        }
        if verb == "GET", path.hasPrefix("\(prefix)/") {
            return ("get", PercentEncoding.decode(path.dropFirst(prefix.count + 1).utf8))
        }
        if verb == "POST", path.hasPrefix("/v1/albums/"), path.hasSuffix(":share") {
            return ("share", PercentEncoding.decode(path.dropFirst("/v1/albums/".count).dropLast(":share".count).utf8))
        }
        return nil
    }

    private static func shareToken(_ body: [UInt8]) -> [UInt8]? {
        guard let json = try? JSONValue.parse(body), let token = json["shareToken"]?.utf8, !token.isEmpty else {
            return nil
        }
        return token
    }

    private func apply(
        _ method: String, _ token: [UInt8], _ account: [UInt8], _ albums: inout AlbumStore
    ) -> (HTTPAnswer, effect: String) {
        switch method {
        case "leave":
            switch albums.leave(token, account) {
            case .success: return (HTTPAnswer(status: 200, body: Array("{}\n".utf8)), "left")
            case .failure(let error): return (Self.refusal(error.refusal), "none")
            }
        case "join":
            switch albums.join(token, account) {
            case .success(let album):
                let body = JSONValue.object([.init("album", Self.json(album, token, account))])
                return (HTTPAnswer(status: 200, body: body.encoded()), "joined")
            case .failure(let error): return (Self.refusal(error.refusal), "none")
            }
        case "get":
            switch albums.get(token) {
            case .success(let album):
                return (HTTPAnswer(status: 200, body: Self.json(album, token, account).encoded()), "none")
            case .failure(let error): return (Self.refusal(error.refusal), "none")
            }
        default:
            switch albums.share(id: String(decoding: token, as: UTF8.self), account) {
            case .success(let (shareToken, album)):
                let info = Self.shareInfo(album, shareToken, account)
                return (HTTPAnswer(status: 200, body: JSONValue.object([.init("shareInfo", info)]).encoded()), "none")
            case .failure: return (Self.wording("permission"), "none")
            }
        }
    }

    private static func refusal(_ refusal: AlbumStore.Refusal) -> HTTPAnswer {
        switch refusal {
        case .unknownToken, .notJoined: wording("invalid_share_token")
        case .owner: wording("owner")
        case .alreadyJoined: wording("failed_precondition")
        case .noSuchAlbum: wording("not_found")
        }
    }

    private static func json(_ album: AlbumStore.Album, _ token: [UInt8], _ account: [UInt8]) -> JSONValue {
        .object([
            .init("id", .text(album.id)), .init("title", .text("Album \(album.id)")),
            .init("shareInfo", shareInfo(album, token, account)),
        ])
    }

    /// Proto3 JSON leaves out what is false.
    private static func shareInfo(_ album: AlbumStore.Album, _ token: [UInt8], _ account: [UInt8]) -> JSONValue {
        var members: [JSONValue.Member] = [.init("shareToken", .string(token)), .init("isJoinable", .bool(true))]
        if album.hasJoined(account) { members.append(.init("isJoined", .bool(true))) }
        if album.owner == account { members.append(.init("isOwned", .bool(true))) }
        return .object(members)
    }
}

extension Fault.Action {
    var appliesEffect: Bool {
        switch self {
        case .answer: false
        case .close(let applied), .reset(let applied), .stall(_, let applied), .truncatedHeaders(let applied),
            .partialBody(let applied), .junk(let applied):
            applied
        case .delay: true
        }
    }

    var name: String {
        switch self {
        case .answer(let answer): String(answer.status)
        case .close: "close"
        case .reset: "reset"
        case .stall: "stall"
        case .truncatedHeaders: "truncated_headers"
        case .partialBody: "partial_body"
        case .junk: "junk"
        case .delay: "delay"
        }
    }
}
