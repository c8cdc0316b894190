import Clocks
import Concurrency
import Credentials
import Daemon
import Glibc
import HTTP
import JSON
import Jobs
import Ledger
import Operations
import PostgresLedger
import Secrets
import Settings
import Terminal

/// `credentials import`, `list`, `check`, `remove`, `rekey`, `move`: the store of the users' grants.
struct CredentialsCommand: ConfiguredCommand {
    let context: CommandContext

    private func attempt<Value>(_ body: () async throws(GrantStoreError) -> Value) async throws -> Value {
        do throws(GrantStoreError) {
            return try await body()
        } catch {
            throw CommandFailure(error)
        }
    }

    // MARK: import

    func importGrants() async throws -> ExitStatus {
        let store = try settings.grants()
        try await attempt { () async throws(GrantStoreError) in try store.prepare() }
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
            try await attempt { () async throws(GrantStoreError) in try await store.put(grant) }
            done += 1
            progress.update(completed: done)
        }
        // Until here an interruption leaves some of them, and the same import again is harmless.
        try await attempt { () async throws(GrantStoreError) in try await store.sync() }
        progress.hide()
        StandardStream.error.write("\(done) imported into \(store.place)\n")
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

    // MARK: list

    func list() async throws -> ExitStatus {
        let store = try settings.grants()
        var table = Table([
            .init("ACCOUNT"), .init("STATUS"), .init("SINCE"), .init("CLIENT", mayShrink: true),
            .init("SCOPES", mayShrink: true),
        ])
        var faults = 0
        try await attemptList(store) { result in
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
        let store = try settings.grants(sharesTokens: false)
        let credentials = StoreCredentials(
            store: store, endpoint: settings.tokenEndpoint(engine, clock: clock), clock: clock)
        var accounts = arguments.positionals.map { AccountID($0) }
        if accounts.isEmpty {
            try await attemptList(store) { result in
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
        let store = try settings.grants()
        var status = ExitStatus.done
        for name in arguments.positionals {
            let account = AccountID(name)
            let isThere = try await attempt { () async throws(GrantStoreError) in try await store.remove(account) }
            if !isThere {
                StandardStream.error.write("leave-albumd: the store has no grant of \(DisplayText.printable(name))\n")
                status = .answeredNo
            }
        }
        return status
    }

    /// Each grant by itself, the old key or the new: so it may be interrupted, and run again.
    func rekey() async throws -> ExitStatus {
        guard let file = arguments.value("--new-key-file") else { throw arguments.error("--new-key-file is missing") }
        if settings.credentials.store.backend == .ledger { try await refuseLiveDaemons() }
        let store = try settings.grants()
        let key = try DaemonSettings.sealingKey(file)
        let renewed = store.under(key: key)
        var accounts: [AccountID] = []
        var faults: [String] = []
        var done = 0
        try await attemptList(store) { result in
            switch result {
            case .success(let grant): accounts.append(grant.account)
            case .failure(let error): faults.append(error.description)
            }
        }
        // What the old key does not open may have the new one already.
        var already = 0
        try await attemptList(renewed) { result in
            if case .success = result { already += 1 }
        }
        var progress = ProgressBar(title: "sealing anew", total: accounts.count)
        for account in accounts {
            try await attempt { () async throws(GrantStoreError) in try await store.reseal(account, with: key) }
            done += 1
            progress.update(completed: done)
        }
        progress.hide()
        let lost = faults.count - already
        StandardStream.error.write(
            "\(done) sealed with the new key, \(already) had it; now set credentials.store.key_file to it and restart\n"
        )
        guard lost <= 0 else {
            throw CommandFailure(.answeredNo, "\(lost) grants open with neither key; the first: \(faults[0])")
        }
        return .done
    }

    /// Whoever works with the old key would seal with it again.
    private func refuseLiveDaemons() async throws {
        guard let database = try settings.database() else { return }
        let members: [ClusterMember]
        do throws(LedgerError) {
            let ledger = try await DatabaseLedger.attach(database)
            let found: Result<[ClusterMember], LedgerError>
            do throws(LedgerError) { found = .success(try await ledger.members()) } catch { found = .failure(error) }
            await ledger.close(within: .zero)
            members = try found.get()
        } catch {
            throw CommandFailure(ControlFault(error))
        }
        guard let live = members.first(where: { $0.state.isLive && $0.lag < DatabaseLedger.memberLifetime }) else {
            return
        }
        throw CommandFailure(
            .answeredNo,
            "daemon \(live.name) (epoch \(live.epoch)) works with these grants: stop all daemons of the ledger first")
    }

    // MARK: move

    /// Each grant by itself, so it may be interrupted, and run again.
    func move() async throws -> ExitStatus {
        guard settings.credentials.store.backend == .ledger else {
            throw CommandFailure(
                .settingsWrong,
                "credentials.store.backend is \"directory\": set it to \"ledger\" before the grants move")
        }
        let ledger = try settings.ledgerGrants()
        let path = arguments.positionals.first ?? settings.credentials.store.directory
        var inDirectory = settings
        inDirectory.credentials.store.directory = path
        let store = try inDirectory.grantStore()
        var accounts: [AccountID] = []
        var faults: [String] = []
        try await attemptList(store) { result in
            switch result {
            case .success(let grant): accounts.append(grant.account)
            case .failure(let error): faults.append(error.description)
            }
        }
        var progress = ProgressBar(title: "moving", total: accounts.count)
        var (moved, left) = (0, 0)
        for (number, account) in accounts.enumerated() {
            switch try await attempt({ () async throws(GrantStoreError) in try await store.move(account, to: ledger) })
            {
            case .moved: moved += 1
            case .isThere: left += 1
            case .notFound: break
            }
            progress.update(completed: number + 1)
        }
        progress.hide()
        StandardStream.error.write("\(moved) moved from \(path) to \(ledger.place)\n")
        if left > 0 {
            StandardStream.error.write(
                "\(left) stay in \(path): the ledger has another grant of their accounts, which may be newer\n")
        }
        guard faults.isEmpty else {
            throw CommandFailure(.answeredNo, "\(faults.count) cannot be read and stay; the first: \(faults[0])")
        }
        return left == 0 ? .done : .answeredNo
    }

    private func attemptList(
        _ store: any GrantStoring, _ body: (Result<Grant, GrantStoreError>) throws -> Void
    ) async throws {
        do {
            try await store.list(body)
        } catch let error as GrantStoreError {
            throw CommandFailure(error)
        }
    }
}

extension CommandFailure {
    init(_ error: GrantStoreError) {
        self.init(error.mayPass ? .serviceUnavailable : .cannotCreateFile, error.description)
    }
}
