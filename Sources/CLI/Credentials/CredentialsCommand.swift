import Clocks
import Concurrency
import Credentials
import Daemon
import Glibc
import HTTP
import JSON
import Jobs
import Secrets
import Settings
import Terminal

/// `credentials import`, `list`, `check`, `remove`, `rekey`: the store of the users' grants.
struct CredentialsCommand: ConfiguredCommand {
    let context: CommandContext

    private func attempt<Value>(_ body: () throws(GrantStoreError) -> Value) throws -> Value {
        do throws(GrantStoreError) {
            return try body()
        } catch {
            throw CommandFailure(.cannotCreateFile, error.description)
        }
    }

    // MARK: import

    func importGrants() async throws -> ExitStatus {
        let store = try settings.grantStore()
        try makeDirectory(store.directory)
        var text = try InputFile.read(arguments.value("--file") ?? "-")
        defer { _ = text.withUnsafeMutableBytes { $0.initializeMemory(as: UInt8.self, repeating: 0) } }
        let now = SystemTimeSource().wall()
        var grants: [Grant] = []
        var lines: [AccountID: (line: Int, grant: Grant)] = [:]
        if let account = arguments.value("--account") {
            grants = [try grant(&text, line: nil, account: AccountID(account), at: now)]
        } else {
            for (index, line) in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                .enumerated()
            {
                guard line.contains(where: { $0 > 0x20 }) else { continue }
                var bytes = Array(line)
                let grant = try grant(&bytes, line: index + 1, account: nil, at: now)
                if let earlier = lines[grant.account] {
                    guard earlier.grant == grant else {
                        throw CommandFailure(
                            .badInput,
                            "line \(index + 1): its account stands on line \(earlier.line) with another grant")
                    }
                    continue
                }
                lines[grant.account] = (index + 1, grant)
                grants.append(grant)
            }
        }
        // All are read before one is written: a list that is wrong somewhere changes nothing.
        var progress = ProgressBar(title: "importing", total: grants.count)
        var done = 0
        for grant in grants {
            try attempt { () throws(GrantStoreError) in
                try store.locked(grant.account) { () throws(GrantStoreError) in
                    var next = grant
                    next.generation = (try store.load(grant.account)?.generation ?? 0) + 1
                    try store.save(next, isOneOfMany: true)
                }
            }
            done += 1
            progress.update(completed: done)
        }
        // Until here an interruption leaves some of them, and the same import again is harmless.
        try attempt { () throws(GrantStoreError) in try store.sync() }
        progress.hide()
        StandardStream.error.write("\(done) imported into \(store.directory)\n")
        return .done
    }

    /// `{"account","refreshToken","clientId"?,"scopes"?}`, or what Google's tools write: `{"type":"authorized_user",
    /// "client_id","refresh_token",…}`. Overwrites the tokens in `bytes`.
    private func grant(
        _ bytes: inout [UInt8], line: Int?, account given: AccountID?, at now: Timestamp
    ) throws -> Grant {
        let place = line.map { "line \($0): " } ?? ""
        func bad(_ problem: String) -> CommandFailure { CommandFailure(.badInput, place + problem) }
        let cut = SecretMembers.cut(["refreshToken", "refresh_token", "client_secret"], from: &bytes)
        guard let json = try? JSONValue.parse(cut.rest), json.members != nil else { throw bad("it is no JSON object") }
        guard let token = cut.secrets["refreshToken"] ?? cut.secrets["refresh_token"], !token.isEmpty else {
            throw bad("there is no refreshToken (or refresh_token)")
        }
        guard let account = given ?? json["account"]?.utf8.map(AccountID.init(utf8:)) else {
            throw bad("there is no account; name it with --account, or in each line")
        }
        if let fault = AccountID.fault(in: account.utf8) { throw bad("the account is none: \(fault)") }
        guard
            let client = json["clientId"]?.text ?? json["client_id"]?.text ?? settings.credentials.store.clientID
        else { throw bad("there is no clientId, and credentials.store.client_id is not set") }
        return Grant(
            account: account, clientID: client, refreshToken: token,
            scopes: json["scopes"]?.elements?.compactMap(\.text), updatedAt: now)
    }

    private func makeDirectory(_ path: String) throws {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw CommandFailure(.cannotCreateFile, SystemCallError("making \(path)", code: errno).description)
        }
    }

    // MARK: list

    func list() async throws -> ExitStatus {
        let store = try settings.grantStore()
        var table = Table([
            .init("ACCOUNT"), .init("STATUS"), .init("SINCE"), .init("CLIENT", mayShrink: true),
            .init("SCOPES", mayShrink: true),
        ])
        var faults = 0
        try store.forEach { result in
            switch result {
            case .failure(let error):
                faults += 1
                StandardStream.error.write("leave-albumd: \(error)\n")
            case .success(let grant):
                if isJSON {
                    StandardStream.output.write(
                        json: .object([
                            .init("account", .string(grant.account.utf8)),
                            .init("status", .text(grant.status.rawValue)),
                            .init("clientId", .text(grant.clientID)),
                            .init("generation", .integer(Int64(grant.generation))),
                            .init("updatedAt", .text(grant.updatedAt.rfc3339)),
                            .init("scopes", .array((grant.scopes ?? []).map(JSONValue.text))),
                        ]))
                } else {
                    table.append([
                        grant.account.string, grant.status.rawValue, grant.updatedAt.rfc3339, grant.clientID,
                        grant.scopes?.joined(separator: " ") ?? "unknown",
                    ])
                }
            }
        }
        if !isJSON { StandardStream.output.write(table.rendered(width: StandardStream.output.columns)) }
        return faults == 0 ? .done : .answeredNo
    }

    // MARK: check

    /// Refreshes for real: what the daemon would be told.
    func check() async throws -> ExitStatus {
        let engine = try HTTPEngine(settings.tokenHTTP)
        let clock = SystemTimeSource()
        let store = try settings.grantStore()
        let credentials = StoreCredentials(
            store: store, endpoint: settings.tokenEndpoint(engine, clock: clock), clock: clock)
        var accounts = arguments.positionals.map { AccountID($0) }
        if accounts.isEmpty {
            try store.forEach { result in
                if case .success(let grant) = result { accounts.append(grant.account) }
            }
        }
        var progress = ProgressBar(title: "checking", total: accounts.count)
        var (done, bad) = (0, 0)
        for account in accounts where !StandardStream.hasLostOutput {
            let answer = await credentials.token(for: account, rejecting: nil)
            let (word, detail) = Self.message(answer)
            if word != "ok" { bad += 1 }
            done += 1
            if StandardStream.output.isTerminal { progress.hide() }
            if isJSON {
                StandardStream.output.write(
                    json: .object([
                        .init("account", .string(account.utf8)), .init("result", .text(word)),
                        .init("detail", .text(detail)),
                    ]))
            } else {
                StandardStream.output.write(DisplayText.printable("\(word)  \(account.string)  \(detail)") + "\n")
            }
            progress.update(completed: done)
        }
        progress.hide()
        return bad == 0 ? .done : .answeredNo
    }

    private static func message(_ answer: TokenAnswer) -> (String, String) {
        switch answer {
        case .token(let token): ("ok", token.expiresAt.map { "good until \($0.rfc3339)" } ?? "")
        case .notFound: (Reason.credentialNotFound.rawValue, "the store has no grant for it")
        case .grantRevoked(let detail): (Reason.grantRevoked.rawValue, detail)
        case .scopeMissing(let detail): (Reason.scopeMissing.rawValue, detail)
        case .reauthRequired(let detail): (Reason.reauthRequired.rawValue, detail)
        case .accountBlocked(let detail): (Reason.accountBlocked.rawValue, detail)
        case .rejected(let detail): ("rejected", detail)
        case .unavailable(let detail, _): ("unavailable", detail)
        case .misconfigured(let detail): ("misconfigured", detail)
        }
    }

    // MARK: remove, rekey

    func remove() async throws -> ExitStatus {
        let store = try settings.grantStore()
        var status = ExitStatus.done
        for name in arguments.positionals {
            let account = AccountID(name)
            let isThere = try attempt { () throws(GrantStoreError) in
                try store.locked(account) { () throws(GrantStoreError) in try store.remove(account) }
            }
            if !isThere {
                StandardStream.error.write("leave-albumd: the store has no grant of \(DisplayText.printable(name))\n")
                status = .answeredNo
            }
        }
        return status
    }

    /// Each file by itself, the old key or the new: so it may be interrupted, and run again.
    func rekey() async throws -> ExitStatus {
        guard let file = arguments.value("--new-key-file") else { throw arguments.error("--new-key-file is missing") }
        let store = try settings.grantStore()
        let renewed = store.with(key: try DaemonSettings.sealingKey(file))
        var accounts: [AccountID] = []
        var faults: [String] = []
        var done = 0
        try store.forEach { result in
            switch result {
            case .success(let grant): accounts.append(grant.account)
            case .failure(let error): faults.append(error.description)
            }
        }
        // What the old key does not open may have the new one already.
        var already = 0
        try renewed.forEach { result in
            if case .success = result { already += 1 }
        }
        var progress = ProgressBar(title: "sealing anew", total: accounts.count)
        for account in accounts {
            try attempt { () throws(GrantStoreError) in
                try store.locked(account) { () throws(GrantStoreError) in
                    if let grant = try store.load(account) { try renewed.save(grant) }
                }
            }
            done += 1
            progress.update(completed: done)
        }
        progress.hide()
        let lost = faults.count - already
        StandardStream.error.write(
            "\(done) sealed with the new key, \(already) had it; now set credentials.store.key_file to it and restart\n"
        )
        guard lost <= 0 else {
            throw CommandFailure(.answeredNo, "\(lost) files open with neither key; the first: \(faults[0])")
        }
        return .done
    }
}
