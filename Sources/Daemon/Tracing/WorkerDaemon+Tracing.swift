import Clocks
import Concurrency
import HTTP
import Monitoring
import OTLP
import Pipeline
import Settings
import Telemetry
import Terminal

/// What sends the daemon's spans, and the engine that it sends them by.
struct TraceExport: Sendable {
    let exporter: SpanExporter
    let engine: HTTPEngine
}

extension WorkerDaemon {
    /// For the spans of the last jobs: a collector that answers takes them at once.
    static let lastSpans = Duration.seconds(3)

    /// Nil: nobody wants spans.
    func openTraceExport(_ front: DaemonInterface) throws -> TraceExport? {
        guard let configuration = try startup(.settingsWrong, { try settings.exporter() }) else { return nil }
        let engine = try HTTPEngine(settings.collectorHTTP)
        let (metrics, logger) = (front.metrics, logger)
        let exporter = SpanExporter(configuration, engine: engine, clock: clock) { event in
            switch event {
            case .exported(let count): metrics.exportedSpans(count)
            case .dropped(let count): metrics.droppedSpans(count)
            case .failing(let detail): logger.warning("spans cannot be exported: \(detail)")
            case .rejects(let detail): logger.warning("the collector did not take all spans: \(detail)")
            case .works: logger.notice("spans are exported again")
            }
        }
        logger.notice(
            "tracing", LogField("collector", configuration.url), LogField("sampler", settings.trace.sampler.rawValue),
            settings.trace.sampler.takesRatio ? LogField("ratio", "\(settings.trace.ratio)") : nil,
            LogField("keep_failures", "\(settings.trace.keepFailures)"))
        return TraceExport(exporter: exporter, engine: engine)
    }

    /// From the first job to the last.
    func runTracing(_ export: TraceExport?) {
        guard let export else { return }
        Task { await export.exporter.run() }
    }

    /// Once all jobs have ended: what waited for its turn is the broker's again, and that is the end of its spans.
    func endTracing(_ parts: DaemonParts) async {
        guard let export = parts.traceExport else { return }
        parts.pipeline.forgetDeliveries()
        await export.exporter.finish(within: Self.lastSpans)
        await offload { export.engine.stop() }
    }

    /// What spans say of the API.
    func tracing(_ export: TraceExport?) -> DeliveryTracing? {
        guard let export else { return nil }
        let server = settings.api.server
        return DeliveryTracing(
            sink: export.exporter,
            api: DeliveryTracing.API(baseURL: settings.api.baseURL, host: server.host, port: server.port),
            clock: clock)
    }
}
