package import HTTP
package import OTLP
import Pipeline
import Secrets
package import Settings
import Terminal
package import Tracing

/// The settings of `[trace]`, and the variables beside them, as the modules' own configurations.
extension DaemonSettings {
    package var sampler: Sampler {
        switch trace.sampler {
        case .alwaysOn: Sampler(.always, isParentBased: false)
        case .alwaysOff: Sampler(.never, isParentBased: false)
        case .ratio: Sampler(.ratio(trace.ratio), isParentBased: false)
        case .parentBasedAlwaysOn: Sampler(.always, isParentBased: true)
        case .parentBasedAlwaysOff: Sampler(.never, isParentBased: true)
        case .parentBasedRatio: Sampler(.ratio(trace.ratio), isParentBased: true)
        }
    }

    /// Nil: nobody wants spans.
    package func exporter() throws(SettingsFault) -> ExporterConfiguration? {
        guard let url = trace.collectorURL else { return nil }
        return ExporterConfiguration(
            url: url, fields: try traceHeaders().map { HTTPField($0.name, $0.value) }, resource: resource)
    }

    /// The collector's own engine: an export takes no call's connection.
    package var collectorHTTP: HTTPConfiguration {
        var http = HTTPConfiguration(
            caFile: trace.variables.certificate, userAgent: "leave-albumd/\(ProgramVersion.text)", maxConnections: 1)
        // OpenTelemetry's default for one export.
        http.timeout = trace.variables.timeout ?? .seconds(10)
        http.connectTimeout = min(http.connectTimeout, http.timeout)
        return http
    }

    /// Attributes of the variable go before our own, the name of its own variable before both.
    private var resource: TelemetryResource {
        let given = trace.variables.resourceAttributes
        let name =
            trace.variables.serviceName ?? given.last { $0.name == "service.name" }?.value ?? "leave-albumd"
        var attributes = [SpanAttribute("service.name", name)]
        let own = [
            ("service.version", ProgramVersion.text), ("service.instance.id", instance),
            ("telemetry.sdk.name", "leave-albumd"), ("telemetry.sdk.language", "swift"),
            ("telemetry.sdk.version", ProgramVersion.text),
        ]
        for (name, value) in own + given.map({ ($0.name, $0.value) }) where name != "service.name" {
            attributes.removeAll { $0.name == name }
            attributes.append(SpanAttribute(name, value))
        }
        return TelemetryResource(attributes: attributes, version: ProgramVersion.text)
    }
}
