import Glibc
import Testing

@testable import Settings

/// `[trace]`, and OpenTelemetry's variables beside it.
@Suite struct TraceSettingTests {
    private static let endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"

    private func trace(
        _ keys: String = "", _ variables: [String: String] = [:]
    ) throws -> (trace: DaemonSettings.Trace, warnings: [String]) {
        let settings = try Loading.settings(keys.isEmpty ? "" : "[trace]\n\(keys)", environment: variables)
        let warnings = settings.warnings.filter { warning in
            ["OTEL_", "OpenTelemetry", "trace."].contains { warning.contains($0) }
        }
        return (settings.trace, warnings)
    }

    @Test func withoutAnEndpointNobodyWantsSpans() throws {
        #expect(try trace().trace.collectorURL == nil)
        #expect(try trace("", ["OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_TRACES_SAMPLER": "xray"]).warnings == [])
        #expect(
            try trace("keep_failures = true").warnings == [
                "trace.keep_failures is set, but trace.endpoint is not, so nothing uses it"
            ])
    }

    @Test func aBaseGetsThePathOfTracesAndTheirOwnURLIsUsedAsItIs() throws {
        func url(_ keys: String, _ variables: [String: String] = [:]) throws -> String? {
            try trace(keys, variables).trace.collectorURL
        }
        #expect(try url(#"endpoint = "http://127.0.0.1:4318""#) == "http://127.0.0.1:4318/v1/traces")
        #expect(try url(#"endpoint = "https://c/otlp/""#) == "https://c/otlp/v1/traces")
        #expect(try url("", [Self.endpoint: "http://127.0.0.1:1/"]) == "http://127.0.0.1:1/v1/traces")
        let own = [
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:2/mine", Self.endpoint: "http://127.0.0.1:1",
        ]
        #expect(try url("", own) == "http://127.0.0.1:2/mine")
        #expect(try url(#"endpoint = "http://[::1]:3""#, own) == "http://[::1]:3/v1/traces")
        #expect(try url("", [Self.endpoint: ""]) == nil)
    }

    @Test(arguments: [["OTEL_SDK_DISABLED": "TRUE"], ["OTEL_TRACES_EXPORTER": "none"]])
    func aVariableTurnsItOff(variables: [String: String]) throws {
        let off = try trace(#"endpoint = "http://127.0.0.1:4318""#, variables)
        #expect(off.trace.collectorURL == nil)
        #expect(
            off.warnings == [
                "trace.endpoint is set, but a variable of OpenTelemetry turns spans off, so nothing uses it"
            ])
        let on = ["OTEL_SDK_DISABLED": "1", Self.endpoint: "http://127.0.0.1:1"]
        #expect(try trace("", on).trace.collectorURL != nil)
    }

    @Test func aSettingBeatsItsVariable() throws {
        let variables = [
            "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25",
            Self.endpoint: "http://127.0.0.1:1",
        ]
        let byVariable = try trace("", variables).trace
        #expect(byVariable.sampler == .ratio && byVariable.ratio == 0.25)
        let bySetting = try trace("sampler = \"always_on\"", variables).trace
        #expect(bySetting.sampler == .alwaysOn && bySetting.ratio == 1)
        #expect(try trace("ratio = 0.5", variables).trace.ratio == 0.5)
        let byOwnVariable = try trace("", variables.merging(["LEAVE_ALBUMD_TRACE_RATIO": "0.75"]) { $1 }).trace
        #expect(byOwnVariable.ratio == 0.75)
    }

    @Test func whatAVariableCannotHaveIsSaidAndLeftOut() throws {
        let read = try trace(
            "",
            [
                Self.endpoint: "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_TRACES_SAMPLER": "jaeger_remote", "OTEL_TRACES_SAMPLER_ARG": "2",
                "OTEL_TRACES_EXPORTER": "zipkin",
                "OTEL_EXPORTER_OTLP_TIMEOUT": "soon", "OTEL_EXPORTER_OTLP_HEADERS": "no pair",
                "OTEL_RESOURCE_ATTRIBUTES": "a=%zz", "OTEL_BSP_SCHEDULE_DELAY": "1",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "collector:4318", "OTEL_METRICS_EXPORTER": "none",
            ])
        #expect(read.trace.sampler == .parentBasedRatio && read.trace.ratio == 1)
        #expect(read.trace.collectorURL == "http://127.0.0.1:1/v1/traces")
        #expect(
            read.warnings == [
                "OTEL_TRACES_EXPORTER=zipkin is ignored: spans go by OTLP, or with \"none\" nowhere",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is ignored: it is not a URL of http or https, or it names a user",
                "OTEL_EXPORTER_OTLP_PROTOCOL=grpc is ignored: spans are sent as http/json, to an endpoint that takes HTTP",
                "OTEL_EXPORTER_OTLP_HEADERS is ignored: a part of it is not name=value",
                "OTEL_EXPORTER_OTLP_TIMEOUT=soon is ignored: it is not a number of milliseconds from 10 to 60000",
                "OTEL_TRACES_SAMPLER=jaeger_remote is ignored: no such sampler is known here; parentbased_traceidratio is "
                    + "in force",
                "OTEL_TRACES_SAMPLER_ARG=2 is ignored: it is not a number from 0 to 1",
                "OTEL_RESOURCE_ATTRIBUTES is ignored: a part of it has an incomplete percent escape, or is not UTF-8",
                "variables of OpenTelemetry that nothing here uses: OTEL_BSP_SCHEDULE_DELAY",
            ])
    }

    @Test func whoTheSpansAreOfIsRead() throws {
        let read = try trace(
            "",
            [
                Self.endpoint: "http://127.0.0.1:1", "OTEL_SERVICE_NAME": "leaver",
                "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test, service.name=other,team=a%2Cb",
                "OTEL_EXPORTER_OTLP_TIMEOUT": "2500", "OTEL_EXPORTER_OTLP_CERTIFICATE": "/ca.pem",
            ]
        ).trace.variables
        #expect(read.serviceName == "leaver" && read.timeout == .milliseconds(2500) && read.certificate == "/ca.pem")
        #expect(read.resourceAttributes.map(\.name) == ["deployment.environment.name", "service.name", "team"])
        #expect(read.resourceAttributes.last?.value == "a,b")
    }

    @Test func headersAreReadFromTheFileBeforeTheVariables() throws {
        let folder = try SecretFolder()
        let file = try folder.write("headers", "authorization=Bearer%20sesame, x-tenant = a=b \n")
        let variables = [
            Self.endpoint: "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_HEADERS": "x-key=all",
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "x-key=traces",
        ]
        let byVariable = try Loading.settings("", environment: variables)
        #expect(try byVariable.traceHeaders() == [TraceHeader(name: "x-key", value: "traces")])
        let byFile = try Loading.settings("[trace]\nheaders_file = \"\(file)\"", environment: variables)
        #expect(
            try byFile.traceHeaders() == [
                TraceHeader(name: "authorization", value: "Bearer sesame"), TraceHeader(name: "x-tenant", value: "a=b"),
            ])
        #expect(byFile.secretContents().contains(Array("Bearer sesame".utf8)))
        #expect(byVariable.secretContents().contains(Array("traces".utf8)))
    }

    @Test(arguments: [
        ("no pair", "a part of it is not name=value"), ("=x", "a part of it is not name=value"),
        ("a b=x", "a name in it is none that a header has"),
        ("content-type=text/plain", "content-type is not for it to say"),
        ("x-a=1%0Ax-b: 2", "the value of x-a has control characters"),
    ])
    func headersThatCannotBeSentAreAFaultOfTheFile(text: String, problem: String) throws {
        let folder = try SecretFolder()
        let file = try folder.write("headers", text)
        let settings = try Loading.settings("[trace]\nendpoint = \"http://127.0.0.1:1\"\nheaders_file = \"\(file)\"")
        #expect(
            settings.secretFileFaults().map(\.description).filter { $0.contains("trace.") } == [
                "\(file): trace.headers_file: \(problem)"
            ])
    }

    @Test func headersInClearAreAWarning() throws {
        let folder = try SecretFolder()
        let file = try folder.write("headers", "x-key=1")
        let keys = "endpoint = \"http://collector.example:4318\"\nheaders_file = \"\(file)\""
        #expect(
            try trace(keys).warnings == [
                "trace.endpoint: its headers cross the network in clear to http://collector.example:4318/v1/traces"
            ])
        #expect(try trace(keys.replacing("http:", with: "https:")).warnings == [])
        #expect(
            try trace("endpoint = \"https://c\"\nsampler = \"always_on\"\nratio = 0.5").warnings == [
                "trace.ratio is set, but trace.sampler is always_on, so nothing uses it"
            ])
    }
}

/// One file, which goes with its owner.
private final class SecretFolder {
    private let path: String

    init() throws {
        var template = Array("/tmp/leave-albumd-trace-XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&template))
        path = String(cString: made)
    }

    deinit {
        unlink("\(path)/headers")
        rmdir(path)
    }

    func write(_ name: String, _ text: String) throws -> String {
        let file = try #require(fopen("\(path)/\(name)", "w"))
        fputs(text, file)
        fclose(file)
        return "\(path)/\(name)"
    }
}
