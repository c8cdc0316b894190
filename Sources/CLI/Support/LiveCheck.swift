import AMQP
import Clocks
import Concurrency
import Credentials
import Daemon
import Glibc
import HTTP
import Jobs
import Ledger
import OTLP
import Operations
import SQLiteLedger
import Settings
import Terminal

/// `check --live`: everything that the daemon needs, tried once. No method of the API is called: each call counts.
struct LiveCheck: Sendable {
    let settings: DaemonSettings
    let arguments: ParsedArguments

    func run() async -> [CheckReport] {
        var reports = [await found(.broker, broker)]
        if !reports.contains(where: \.isFault) { reports += await topology() }
        reports.append(await found(.api, api))
        reports.append(await found(.credentials, credentials))
        reports += await ledger()
        if settings.trace.collectorURL != nil { reports.append(await found(.trace, collector)) }
        return reports
    }

    private func found(_ area: CheckReport.Area, _ look: () async throws -> String) async -> CheckReport {
        do {
            return CheckReport(area, nil, try await look())
        } catch {
            let failure = CommandFailure(error)
            return CheckReport(area, failure.status, failure.description)
        }
    }

    private func broker() async throws -> String {
        let session = try BrokerAdmin(try settings.link("check"))
        try await session.connect()
        let user = settings.broker.operator.username.map { " and as \($0)" } ?? ""
        if settings.broker.operator.username != nil { try await BrokerProbe.connect(settings) }
        return "logged in to \(settings.broker.uris.map(\.description).joined(separator: ", "))\(user)"
    }

    private func topology() async -> [CheckReport] {
        do {
            let verification = try await TopologyVerification.run(settings, management: arguments.value("--management"))
            let faults = verification.differences.map { CheckReport(.topology, .answeredNo, $0.description) }
            let notes = verification.notes.map { CheckReport(.topology, nil, $0) }
            return (faults.isEmpty ? [CheckReport(.topology, nil, "every exchange and queue is there")] : faults)
                + notes
        } catch {
            let failure = CommandFailure(error)
            return [CheckReport(.topology, failure.status, failure.description)]
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
        let daemon = WorkerDaemon(settings, permitsNewLedger: false, stop: AsyncSignal())
        let names = settings.credentials.providers.map(\.rawValue).joined(separator: ", ")
        let provider: any CredentialProvider
        do {
            provider = try daemon.openCredentials(engine)
        } catch {
            throw CommandFailure(.settingsWrong, "\(error)")
        }
        let ready = "ready: \(names)\(try await grants())"
        guard let canary = settings.api.canaryAccount else { return ready }
        switch await provider.token(for: canary, rejecting: nil) {
        case .token: return "there is a token for the canary account; \(ready)"
        case let answer: throw CommandFailure(.settingsWrong, "no token for api.canary_account: \(answer)")
        }
    }

    /// A daemon works without it; who has set one wants to hear that no span would arrive.
    private func collector() async throws -> String {
        guard let configuration = try settings.exporter() else { preconditionFailure("a collector is set") }
        let engine = try HTTPEngine(settings.collectorHTTP)
        if let refusal = await SpanExporter.refusal(by: configuration, over: engine, at: SystemTimeSource().wall()) {
            throw CommandFailure(
                .serviceUnavailable,
                "the collector at \(configuration.url) takes no spans: \(refusal); jobs are done without it")
        }
        return "\(configuration.url) takes spans"
    }

    /// Where the store's grants are, and how many.
    private func grants() async throws -> String {
        guard settings.credentials.providers.contains(.store) else { return "" }
        let store = try settings.grants()
        let backend = settings.credentials.store.backend
        // Whoever puts the first grant into it makes the directory.
        if backend == .directory, access(store.place, F_OK) != 0 { return "; no grants in \(store.place) yet" }
        do throws(GrantStoreError) {
            let count = try await store.count()
            return "; \(count) grants in \(backend == .directory ? "directory " : "")\(store.place)"
        } catch {
            throw CommandFailure(error)
        }
    }

    private func ledger() async -> [CheckReport] {
        do {
            guard let database = try settings.database() else { return [await found(.ledger, ledgerFile)] }
            return await LedgerDatabaseCheck(database: database, durability: settings.ledger.durability).run()
        } catch {
            return [CheckReport(.ledger, .settingsWrong, CommandFailure(error).description)]
        }
    }

    private func ledgerFile() async throws -> String {
        let path = settings.ledger.path
        let isThere: Bool
        do throws(LedgerError) {
            try WorkerDaemon.requireLocalFile(path)
            isThere = try EmbeddedLedger.exists(path: path)
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
            let statistics = try LedgerReader(path: path).statistics(at: SystemTimeSource().wall())
            return "\(path) has \(statistics.entries) jobs, \(statistics.open) of them open"
        } catch {
            throw CommandFailure(ControlFault(error))
        }
    }
}
