import Secrets

/// OpenTelemetry's variables. What is wrong in one is said at the start and left out, as its specification has it: it
/// may be meant for other programs beside this one.
extension SettingsDraft {
    mutating func read(traceVariables environment: [String: String]) {
        // An empty one counts as none.
        let variables = environment.filter { $0.key.hasPrefix("OTEL_") && !$0.value.isEmpty }
        guard !variables.isEmpty else { return }
        var trace = TraceVariables()
        trace.isDisabled = variables["OTEL_SDK_DISABLED"]?.lowercased() == "true"
        if let exporter = variables["OTEL_TRACES_EXPORTER"] {
            switch exporter {
            case "otlp": break
            case "none": trace.isDisabled = true
            default: ignore("OTEL_TRACES_EXPORTER", exporter, "spans go by OTLP, or with \"none\" nowhere")
            }
        }
        trace.endpoint = url("OTEL_EXPORTER_OTLP_ENDPOINT", variables)
        trace.tracesEndpoint = url("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", variables)
        for name in ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
            guard let word = variables[name] else { continue }
            if word != "http/json" { ignore(name, word, "spans are sent as http/json, to an endpoint that takes HTTP") }
            break
        }
        for name in ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"] where trace.headers == nil {
            guard let text = variables[name] else { continue }
            let secret = Secret(copying: Array(text.utf8))
            do throws(MalformedText) {
                _ = try TraceHeader.parseFields(secret)
                trace.headers = secret
            } catch {
                variableWarnings.append("\(name) is ignored: \(error.problem)")
            }
        }
        trace.certificate =
            variables["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE"] ?? variables["OTEL_EXPORTER_OTLP_CERTIFICATE"]
        trace.timeout = timeout(variables)
        readSampler(variables)
        trace.serviceName = variables["OTEL_SERVICE_NAME"]
        if let text = variables["OTEL_RESOURCE_ATTRIBUTES"] {
            do throws(MalformedText) {
                trace.resourceAttributes = try TraceHeader.parse(text)
            } catch {
                variableWarnings.append("OTEL_RESOURCE_ATTRIBUTES is ignored: \(error.problem)")
            }
        }
        let unknown = variables.keys.filter(Self.isForTraces).filter { !Self.known.contains($0) }.sorted()
        if !unknown.isEmpty {
            variableWarnings.append(
                "variables of OpenTelemetry that nothing here uses: \(unknown.joined(separator: ", "))")
        }
        settings.trace.variables = trace
    }

    private mutating func readSampler(_ variables: [String: String]) {
        if !isSet("trace.sampler"), let name = variables["OTEL_TRACES_SAMPLER"] {
            if let sampler = DaemonSettings.TraceSampler(rawValue: name) {
                settings.trace.sampler = sampler
            } else {
                ignore(
                    "OTEL_TRACES_SAMPLER", name,
                    "no such sampler is known here; \(settings.trace.sampler.rawValue) is in force")
            }
        }
        if !isSet("trace.ratio"), let text = variables["OTEL_TRACES_SAMPLER_ARG"], settings.trace.sampler.takesRatio {
            if let ratio = Double(text), SettingRange.ratio.contains(ratio) {
                settings.trace.ratio = ratio
            } else {
                ignore("OTEL_TRACES_SAMPLER_ARG", text, "it is not a number from 0 to 1")
            }
        }
    }

    private mutating func url(_ name: String, _ variables: [String: String]) -> String? {
        guard let text = variables[name] else { return nil }
        guard let parts = try? URIParts(text), ["http", "https"].contains(parts.scheme), parts.userinfo == nil else {
            variableWarnings.append("\(name) is ignored: it is not a URL of http or https, or it names a user")
            return nil
        }
        return text
    }

    private mutating func timeout(_ variables: [String: String]) -> Duration? {
        for name in ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"] {
            guard let text = variables[name] else { continue }
            if let milliseconds = Int(text), Self.timeouts.contains(milliseconds) { return .milliseconds(milliseconds) }
            ignore(
                name, text,
                "it is not a number of milliseconds from \(Self.timeouts.lowerBound) to \(Self.timeouts.upperBound)")
        }
        return nil
    }

    /// Below the first nothing is answered, and a batch that takes longer than the second is given up in any case.
    private static let timeouts = 10...60_000

    private mutating func ignore(_ name: String, _ value: String, _ why: String) {
        variableWarnings.append("\(name)=\(DetailText.scrubbed(value, limit: 100)) is ignored: \(why)")
    }

    private static func isForTraces(_ name: String) -> Bool {
        let isOfExporter = name.hasPrefix("OTEL_EXPORTER_OTLP_")
        let isOfOthers = ["_METRICS_", "_LOGS_", "_PROFILES_"].contains { name.contains($0) }
        return isOfExporter && !isOfOthers || name.hasPrefix("OTEL_TRACES_") || name.hasPrefix("OTEL_BSP_")
            || name.hasPrefix("OTEL_SPAN_")
    }

    private static let known: Set<String> = [
        "OTEL_TRACES_EXPORTER", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    ]
}

extension SettingsDraft {
    var traceWarnings: [String] {
        let trace = settings.trace
        guard let url = trace.collectorURL else {
            let keys = SettingSchema.keys.map(\.name).filter { $0.hasPrefix("trace.") && isSet($0) }
            guard let first = keys.first else { return [] }
            if trace.variables.isDisabled {
                return ["\(first) is set, but a variable of OpenTelemetry turns spans off, so nothing uses it"]
            }
            return ["\(first) is set, but trace.endpoint is not, so nothing uses it"]
        }
        var warnings = variableWarnings
        let hasHeaders = trace.headersFile != nil || trace.variables.headers != nil
        if hasHeaders, Self.isExposed(url) {
            warnings.append("trace.endpoint: its headers cross the network in clear to \(url)")
        }
        if isSet("trace.ratio"), !trace.sampler.takesRatio {
            warnings.append("trace.ratio is set, but trace.sampler is \(trace.sampler.rawValue), so nothing uses it")
        }
        return warnings
    }
}
