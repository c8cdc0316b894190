package import AMQP
import Clocks
package import HTTP
import Jobs
import Ledger
package import Messages
package import Operations
package import Pipeline
import Secrets
package import Settings
package import Telemetry
import Terminal

/// The settings as the modules' own configurations.
extension DaemonSettings {
    package var topology: Operations.Topology {
        Operations.Topology(prefix: broker.prefix, delays: retry.delays)
    }

    package var queueNames: QueueNames { QueueNames(prefix: broker.prefix) }

    /// `asOperator`: with the rights of `[broker.operator]`, where it is set.
    package func link(_ purpose: String, asOperator: Bool = false) throws(SettingsFault) -> LinkConfiguration {
        let tls = TLSConfiguration(
            caFile: broker.tls.caFile?.path ?? TLSConfiguration.systemAuthorities,
            certificateFile: broker.tls.certFile?.path, keyFile: broker.tls.keyFile?.path)
        let endpoints = broker.uris.map { uri in
            Endpoint(host: uri.host, port: Int(uri.port), virtualHost: uri.vhost, tls: uri.isTLS ? tls : nil)
        }
        // Read here too: a password that cannot be read now is a fault of the settings, later it is one of the hour.
        _ = try authentication(asOperator: asOperator)
        return LinkConfiguration(
            endpoints: endpoints, authentication: try authentication(asOperator: asOperator),
            connectionName: "leave-albumd \(purpose)", heartbeat: broker.heartbeat,
            confirmTimeout: broker.confirmTimeout)
    }

    package func authentication(asOperator: Bool) throws(SettingsFault) -> LinkConfiguration.Authentication {
        if asOperator, let name = broker.operator.username {
            return .plain(username: name, password: try broker.operator.passwordFile?.read() ?? Secret(copying: []))
        }
        if let name = broker.username {
            return .plain(username: name, password: try broker.passwordFile?.read() ?? Secret(copying: []))
        }
        if let uri = broker.uris.first, let name = uri.username {
            return .plain(username: name, password: uri.password ?? Secret(copying: []))
        }
        if broker.tls.certFile != nil { return .external }
        return .plain(username: "guest", password: Secret(copying: Array("guest".utf8)))
    }

    package var http: HTTPConfiguration {
        HTTPConfiguration(
            connectTimeout: api.connectTimeout, timeout: api.timeout, caFile: api.caFile?.path, proxy: api.proxy,
            http2: api.http2, maxResponse: api.maxResponse, userAgent: "leave-albumd/\(ProgramVersion.text)",
            maxConnections: worker.concurrency)
    }

    package var pipeline: PipelineConfiguration {
        var configuration = PipelineConfiguration(
            prefix: broker.prefix, concurrency: worker.concurrency, perAccount: worker.perAccount,
            requestsPerMinutePerAccount: limits.requestsPerMinutePerAccount,
            requestsPerSecond: limits.requestsPerSecond, requestsPerDay: limits.requestsPerDay,
            pace: limits.pace == .even ? .even : .asap, prefetch: prefetch,
            retryDelays: retry.delays, maxAttempts: retry.maxAttempts, maxAge: retry.maxAge,
            assumeLeftAfterAmbiguous: worker.assumeLeftAfterAmbiguous, replyToAllow: broker.replyToAllow,
            quotaDay: { QuotaZone.day(of: $0) }, hook: TestHooks.path)
        configuration.canary = api.canaryAccount
        configuration.eventTypes = messages.cloudevents
        configuration.resultEvents = resultEvents
        configuration.progress = results.progress
        (configuration.sampler, configuration.keepFailures) = (sampler, trace.keepFailures)
        TestHooks.adjust(&configuration)
        return configuration
    }

    /// How results are CloudEvents, if they are.
    package var resultEvents: ResultEvents? {
        switch results.cloudevents {
        case .off: nil
        case .rabbitmq: resultEvents(.rabbitmq)
        case .amqp: resultEvents(.amqp)
        }
    }

    package func resultEvents(_ binding: ResultEvents.Binding) -> ResultEvents {
        ResultEvents(binding, source: results.source, type: results.type)
    }

    /// A new one each time: its copies share level, hashing and the count of what repeats, two of them do not.
    package var logger: Logger {
        let format: LogFormat =
            switch log.format {
            case .auto: .automatic()
            case .journal: .journal
            case .json: .json
            case .text: .text
            }
        let control = LogControl(level: logLevel, hashesAccounts: log.hashAccounts)
        return Logger.standardError(format, control: control)
    }

    /// What these settings change of a log that is being written.
    package func adjust(_ control: LogControl) {
        control.level = logLevel
        control.hashesAccounts = log.hashAccounts
    }

    private var logLevel: LogLevel {
        switch log.level {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        case .critical: .critical
        }
    }

    /// Whether what lies in a queue is a job without a result.
    package func isBacklog(_ queue: String) -> Bool { queueNames.isBacklog(queue) }

    /// What the worker consumes in each mode. Probes come from every lane, two messages each.
    package func queues(_ consumption: Consumption) -> [ConsumedQueue] {
        let full = UInt16(clamping: prefetch)
        func queue(_ lane: Lane, _ prefetch: UInt16) -> ConsumedQueue {
            ConsumedQueue(name: queueNames.queue(lane), prefetch: prefetch)
        }
        // A cancelled job must not be the one that tests a hold.
        let cancels = queue(.cancel, 16)
        switch consumption {
        case .everything:
            return [queue(.due, full), queue(.jobs, full), queue(.bulk, full), queue(.broken, 1), cancels]
        case .withoutBulk: return [queue(.due, full), queue(.jobs, full), queue(.broken, 1), cancels]
        case .fewAtATime: return [queue(.due, 2), queue(.jobs, 2), queue(.bulk, 2), cancels]
        case .suspects: return [queue(.due, 1)]
        case .nothing: return []
        }
    }
}
