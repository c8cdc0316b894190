import AMQP
import Clocks
import Concurrency
package import Credentials
package import HTTP
import Jobs
import Messages
package import Monitoring
import Operations
import Settings
import Telemetry
package import Terminal

/// Why the daemon did not start, and what its supervisor is told.
package struct StartError: Error, CustomStringConvertible {
    package let description: String
    package let status: ExitStatus
}

extension StartError {
    /// What cannot be read for want of a descriptor may be good: a start that is tried again finds out.
    package init(hindered error: any Error, hint: String = "", _ status: ExitStatus) {
        if let shortage = DescriptorShortage.now() {
            self.init(description: "\(error); \(shortage)", status: .tryAgainLater)
        } else {
            self.init(description: "\(error)\(hint)", status: status)
        }
    }
}

extension WorkerDaemon {
    /// `engine` is the token endpoint's own: a slow one must not delay the API's calls.
    package func openCredentials(_ engine: HTTPEngine, _ metrics: MetricsRecorder? = nil) throws
        -> any CredentialProvider
    {
        var cache = TokenCache.Configuration()
        if let metrics {
            cache.onRefresh = { metrics.refreshed($0) }
            cache.onLostGrant = { metrics.lostGrant() }
        }
        // The worker waits, and keeps nobody from calling by it.
        cache.waits = []
        let configuration = cache
        return try startup(.settingsWrong) {
            ProviderChain(
                try settings.credentials.providers.compactMap { provider in
                    switch provider {
                    case .static:
                        guard let file = settings.credentials.static.tokenFile else { return nil }
                        let credentials = try startup(.settingsWrong, hint: Self.hint(about: file.path)) {
                            try StaticCredentials(path: file.path)
                        }
                        for warning in credentials.warnings { logger.warning(warning) }
                        return credentials
                    case .store:
                        return StoreCredentials(
                            store: try openGrants(), endpoint: settings.tokenEndpoint(engine, clock: clock),
                            configuration: configuration, clock: clock)
                    case .broker:
                        guard let url = settings.credentials.broker.url else { return nil }
                        return BrokerCredentials(
                            engine: try HTTPEngine(settings.tokenServiceHTTP), url: settings.tokenServiceURL(url),
                            configuration: configuration, clock: clock)
                    case .exec:
                        return ExecCredentials(
                            command: settings.credentials.exec.command, configuration: configuration, clock: clock)
                    }
                })
        }
    }

    /// Waits until the topology is as the settings want it. A broker that is away, a login that is refused, a queue
    /// that is missing: all of these are mended elsewhere while the daemon waits, and says what it waits for.
    func prepareBroker(_ session: BrokerAdmin, _ front: DaemonInterface) async {
        await untilBrokerAnswers(front) { () throws(LinkError) in try await prepareTopology(session) }
    }

    /// Nil if the daemon is told to stop first.
    @discardableResult
    func untilBrokerAnswers<Answer: Sendable>(
        _ front: DaemonInterface, _ perform: () async throws(LinkError) -> Answer
    ) async -> Answer? {
        var backoff = Backoff(first: .seconds(1), longest: .seconds(10))
        var warning = RepeatedWarning()
        while !stop.isSignalled {
            do throws(LinkError) {
                let answer = try await perform()
                if warning.ends() { logger.notice("the broker answers") }
                return answer
            } catch {
                let problem = Self.advice(error)
                front.tracker.connects(problem)
                if warning.isDue(at: clock.now()) { logger.warning("connecting: \(problem)") }
            }
            await stop.wait(until: clock.now() + backoff.next(), by: clock)
        }
        return nil
    }

    private static func advice(_ error: LinkError) -> String {
        switch error.kind {
        case .channelClosed:
            "\(error); the topology is not as the settings say: see `leave-albumd topology verify`"
        case .loginRefused:
            "\(error.afterConnecting); see broker.username, broker.password_file and the virtual host in broker.uris"
        case .unreachable, .descriptors, .tls, .connectionClosed, .timeout, .heartbeatMissed, .protocolViolation,
            .consumerCancelled, .stopped:
            error.afterConnecting
        }
    }

    private func prepareTopology(_ session: BrokerAdmin) async throws(LinkError) {
        switch settings.broker.topology {
        case .none: try await session.connect()
        case .declare: try await settings.topology.declare(on: session)
        case .verify:
            let missing = try await settings.topology.missing(on: session)
            guard let first = missing.first else { return }
            throw LinkError(
                .channelClosed(404), endpoint: settings.broker.prefix, attempted: "verifying the topology",
                message: "\(first)\(missing.count > 1 ? " and \(missing.count - 1) more" : "")")
        }
    }

    /// The first queue of the topology with messages in it, that of the results apart.
    func firstFullQueue(_ session: BrokerAdmin) async throws(LinkError) -> String? {
        for queue in settings.topology.queues where queue.name != settings.queueNames.results {
            if let depth = try await session.inspect(queue: queue.name), depth.messages > 0 { return queue.name }
        }
        return nil
    }

    /// A package was installed and its settings were not touched: the error alone would not say that.
    private static func hint(about tokenFile: String) -> String {
        tokenFile == "/etc/leave-albumd/tokens"
            ? "; these may still be the example settings: edit \(DaemonSettings.defaultPath)" : ""
    }

    func startup<Value>(
        _ status: ExitStatus, hint: String = "", _ body: () throws -> Value
    ) throws -> Value {
        do {
            return try body()
        } catch let error as StartError {
            throw error
        } catch {
            throw StartError(hindered: error, hint: hint, status)
        }
    }

    private func startup<Value>(_ status: ExitStatus, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch {
            throw StartError(hindered: error, status)
        }
    }
}
