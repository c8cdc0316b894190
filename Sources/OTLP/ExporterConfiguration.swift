package import HTTP
import Secrets

/// Where spans go, and as whose.
package struct ExporterConfiguration: Sendable {
    /// Of the collector's traces, whole.
    package var url: String
    /// What the collector asks of its clients; secrets may be among it.
    package var fields: [HTTPField]
    package var resource: TelemetryResource

    package init(url: String, fields: [HTTPField] = [], resource: TelemetryResource) {
        self.url = url
        self.fields = fields
        self.resource = resource
    }

    /// Asks the collector to take an `ExportTraceServiceRequest` in JSON.
    func request(_ body: [UInt8]) -> HTTPRequest {
        HTTPRequest(
            .post, url: url, fields: [HTTPField("Content-Type", "application/json")] + fields,
            body: Secret(copying: body))
    }
}

/// What an exporter reports. From its own task; it must not block.
package enum ExportEvent: Equatable, Sendable {
    /// The collector has so many more spans.
    case exported(Int)
    /// So many spans are lost: there was no place for them, or the collector did not take them.
    case dropped(Int)
    /// The collector does not take spans for now, or refuses them. Once for each such time.
    case failing(String)
    /// It takes them again.
    case works
    /// It took a batch but for some of its spans, and says why. Once for each run of such batches.
    case rejects(String)
}
