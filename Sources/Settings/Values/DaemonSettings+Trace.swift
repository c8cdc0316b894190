extension DaemonSettings {
    /// `[trace]`
    package struct Trace: Equatable, Sendable {
        /// The base of a collector's OTLP over HTTP. Nil: no spans, unless a variable of OpenTelemetry says where to.
        package var endpoint: String?
        /// What the collector asks of its clients, as `TraceHeader.parse` reads it.
        package var headersFile: SecretFile?
        /// That of OpenTelemetry that honours what a publisher has decided, and takes a share of all else.
        package var sampler = TraceSampler.parentBasedRatio
        /// All: whoever has so many jobs that it costs too much knows it.
        package var ratio = 1.0
        /// Keeping costs memory and, where much fails, the collector's.
        package var keepFailures = false
        package internal(set) var variables = TraceVariables()
    }

    /// OpenTelemetry's names.
    package enum TraceSampler: String, CaseIterable, Sendable {
        case alwaysOn = "always_on"
        case alwaysOff = "always_off"
        case ratio = "traceidratio"
        case parentBasedAlwaysOn = "parentbased_always_on"
        case parentBasedAlwaysOff = "parentbased_always_off"
        case parentBasedRatio = "parentbased_traceidratio"

        package var takesRatio: Bool {
            switch self {
            case .ratio, .parentBasedRatio: true
            case .alwaysOn, .alwaysOff, .parentBasedAlwaysOn, .parentBasedAlwaysOff: false
            }
        }
    }
}

extension DaemonSettings.Trace {
    /// Where spans go; nil: nobody wants any, and none are made.
    package var collectorURL: String? {
        guard !variables.isDisabled else { return nil }
        if let endpoint { return Self.traces(below: endpoint) }
        return variables.tracesEndpoint ?? variables.endpoint.map(Self.traces)
    }

    private static func traces(below base: String) -> String {
        (base.hasSuffix("/") ? String(base.dropLast()) : base) + "/v1/traces"
    }
}

extension SettingRange {
    static let ratio: ClosedRange<Double> = 0...1
}
