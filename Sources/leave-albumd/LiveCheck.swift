import AMQP
import Credentials
import Glibc
import HTTP
import Jobs
import Ledger
import Operations
import Settings
import Terminal
import Threads

/// `check --live`: everything that the daemon needs, tried once. No method of the API is called: each call counts.
struct LiveCheck: Sendable {
    let settings: Settings
    let arguments: ParsedArguments

    func run() async -> [CheckFinding] {
        var findings = [await found(.broker, broker)]
        if !findings.contains(where: \.isFault) { findings += await topology() }
        findings.append(await found(.api, api))
        findings.append(await found(.credentials, credentials))
        findings.append(await found(.ledger, ledger))
        return findings
    }

    private func found(_ area: CheckFinding.Area, _ look: () async throws -> String) async -> CheckFinding {
        do {
            return CheckFinding(area, nil, try await look())
        } catch {
            let failure = CommandFailure(error)
            return CheckFinding(area, failure.status, failure.description)
        }
    }

    private func broker() async throws -> String {
        let session = try BrokerSession(try settings.link("check"))
        try await session.connect()
        let user = settings.broker.operator.username.map { " and as \($0)" } ?? ""
        if settings.broker.operator.username != nil { try await BrokerProbe.connect(settings) }
        return "logged in to \(settings.broker.uris.map(\.description).joined(separator: ", "))\(user)"
    }

    private func topology() async -> [CheckFinding] {
        do {
            let verification = try await TopologyVerification.run(settings, management: arguments.value("--management"))
            let faults = verification.differences.map { CheckFinding(.topology, .answeredNo, $0.description) }
            let notes = verification.notes.map { CheckFinding(.topology, nil, $0) }
            return (faults.isEmpty ? [CheckFinding(.topology, nil, "every exchange and queue is there")] : faults)
                + notes
        } catch {
            let failure = CommandFailure(error)
            return [CheckFinding(.topology, failure.status, failure.description)]
        }
    }

    private func api() async throws -> String {
        let engine = try HTTPEngine(settings.http)
        // Its root is no method, so it costs no quota; any answer shows that name, network, proxy and TLS are right.
        switch await engine.send(HTTPRequest(.get, url: settings.api.baseURL + "/")) {
        case .answered(let response): return "\(settings.api.baseURL) answers (\(response.status) to its root)"
        case .notSent(let fault), .ambiguous(let fault):
            throw CommandFailure(.serviceUnavailable, "\(settings.api.baseURL): \(fault)")
        }
    }

    private func credentials() async throws -> String {
        let engine = try HTTPEngine(settings.tokenHTTP)
        let daemon = Daemon(settings, permitsNewLedger: false, stop: AsyncSignal())
        let names = settings.credentials.providers.map(\.rawValue).joined(separator: ", ")
        let provider: any CredentialProvider
        do {
            provider = try daemon.openCredentials(engine)
        } catch {
            throw CommandFailure(.settingsWrong, "\(error)")
        }
        guard let canary = settings.api.canaryAccount else { return "ready: \(names)" }
        switch await provider.token(for: canary, rejecting: nil) {
        case .token: return "there is a token for the canary account; ready: \(names)"
        case let answer: throw CommandFailure(.settingsWrong, "no token for api.canary_account: \(answer)")
        }
    }

    private func ledger() async throws -> String {
        let path = settings.ledger.path
        let isThere: Bool
        do throws(LedgerError) {
            try LedgerFileSystem.requireLocal(path, kind: TestHooks.fileSystem(of:))
            isThere = try SQLiteLedger.exists(path: path)
        } catch {
            throw CommandFailure(StartError(error).status, error.description)
        }
        guard isThere else {
            let directory = LedgerDisk.directory(of: path)
            guard access(directory, W_OK) == 0 else {
                throw CommandFailure(.noPermission, "\(directory) is not there or cannot be written by this user")
            }
            return "there is none at \(path) yet; the daemon makes it"
        }
        do throws(LedgerError) {
            let statistics = try LedgerReader(path: path).statistics(at: SystemTimekeeper().wall())
            return "\(path) has \(statistics.entries) jobs, \(statistics.open) of them open"
        } catch {
            throw CommandFailure(DeskFault(error))
        }
    }
}
