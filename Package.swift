// swift-tools-version: 6.2
import PackageDescription

// SE-0335, SE-0409, SE-0444, SE-0461: said once, here, for every target.
let swift: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let c: [CSetting] = [.treatAllWarnings(as: .error), .define("_GNU_SOURCE")]
let cxx: [CXXSetting] = [.treatAllWarnings(as: .error), .unsafeFlags(["-fno-exceptions"])]

/// The daemon lets nobody link against it: without the table of its names it takes a MiB less.
let lean: [LinkerSetting] = [
    .unsafeFlags(["-Xlinker", "--no-export-dynamic"], .when(configuration: .release))
]

/// A module of the daemon, with what it may import. docs/architecture.md says its layer and what it is for;
/// `Tests/RepositoryTests` holds the two against each other.
/// `embedding` names files whose bytes become part of the binary.
func module(_ name: String, _ dependencies: [Target.Dependency] = [], embedding files: [String] = []) -> Target {
    .target(
        name: name, dependencies: dependencies, resources: files.map { .embedInCode($0) }, swiftSettings: swift)
}

/// A C module: a module map, a header and shims over one Debian library.
func cModule(_ name: String, linking libraries: [String]) -> Target {
    .target(
        name: name, path: "Sources/C/\(name)", cSettings: c, linkerSettings: libraries.map { .linkedLibrary($0) })
}

/// What tests share: doubles, peers, a private broker.
func testSupport(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Tests/Support/\(name)", swiftSettings: swift)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: swift)
}

let package = Package(
    name: "leave-albumd",
    products: [
        .executable(name: "leave-albumd", targets: ["leave-albumd"]),
        .executable(name: "photos-simulator", targets: ["photos-simulator"]),
        // For Tests/Fuzzing, which is a package of its own.
        .library(
            name: "FuzzedModules",
            targets: [
                "CRabbitMQ", "AMQP", "Clocks", "Concurrency", "JSON", "Jobs", "Messages", "Operations", "Photos",
                "Pipeline",
                "Secrets", "Settings",
            ]),
    ],
    targets: [
        // C modules
        cModule("CLinux", linking: []),
        cModule("CCrypto", linking: ["crypto"]),
        cModule("CSodium", linking: ["sodium"]),
        cModule("CJansson", linking: ["jansson"]),
        cModule("CCurl", linking: ["curl"]),
        cModule("CZlib", linking: ["z"]),
        cModule("CRabbitMQ", linking: ["rabbitmq"]),
        cModule("CSQLite", linking: ["sqlite3"]),
        cModule("CPostgres", linking: ["pq"]),
        cModule("CSystemd", linking: ["systemd"]),
        cModule("CMicroHTTPD", linking: ["microhttpd"]),
        .target(name: "CTOML", path: "Sources/C/CTOML", cxxSettings: cxx),

        // Layer 0
        module("Clocks", ["CLinux"]),
        module("Secrets", ["CCrypto", "CSodium"]),
        module("Terminal", ["CLinux"]),
        module("JSON", ["CJansson"]),
        // Layer 1
        module("Concurrency", ["CLinux", "Clocks"]),
        // Layer 2
        module("Jobs", ["JSON", "Clocks", "Secrets"]),
        module("Telemetry", ["CSystemd", "JSON", "Clocks", "Concurrency", "Secrets"]),
        module("Tracing", ["Clocks"]),
        module("Files", ["CLinux", "Concurrency"]),
        // Layer 3
        module("HTTP", ["CCurl", "CZlib", "CLinux", "Clocks", "Concurrency", "Secrets"]),
        module("AMQP", ["CRabbitMQ", "CLinux", "Clocks", "Concurrency", "Secrets"]),
        module("Settings", ["CTOML", "CLinux", "Clocks", "Jobs", "Secrets", "Terminal"]),
        module("Ledger", ["Clocks", "Concurrency", "Jobs", "Secrets"]),
        // Layer 4
        module("Photos", ["HTTP", "Clocks", "JSON", "Jobs", "Secrets"]),
        module("Messages", ["AMQP", "Clocks", "Concurrency", "JSON", "Jobs", "Secrets"]),
        module("Credentials", ["HTTP", "Ledger", "CLinux", "Clocks", "Concurrency", "JSON", "Jobs", "Secrets"]),
        module(
            "SQLiteLedger",
            ["Ledger", "CSQLite", "CLinux", "Clocks", "Concurrency", "Files", "Jobs", "Secrets"]),
        module(
            "PostgresLedger", ["Ledger", "CPostgres", "Clocks", "Concurrency", "Files", "JSON", "Jobs", "Secrets"]),
        module("OTLP", ["HTTP", "JSON", "Tracing", "Clocks", "Concurrency", "Secrets"]),
        module(
            "Service",
            ["CSystemd", "CMicroHTTPD", "CLinux", "Clocks", "Concurrency", "HTTP", "JSON", "Secrets", "Telemetry"],
            embedding: ["Page/page.html", "Page/job.css", "Page/job.js"]),
        // Layer 5
        module(
            "Pipeline",
            [
                "AMQP", "Messages", "Ledger", "Credentials", "Photos", "Clocks", "Concurrency", "Jobs", "Secrets",
                "Tracing",
            ]),
        module(
            "Operations",
            [
                "AMQP", "Messages", "Ledger", "SQLiteLedger", "PostgresLedger", "HTTP", "Clocks", "Concurrency", "JSON",
                "Jobs", "Secrets", "Telemetry", "Files",
            ]),
        // Layer 6
        module(
            "Monitoring",
            [
                "AMQP", "Ledger", "Pipeline", "Operations", "Credentials", "Photos", "Clocks", "Concurrency", "Jobs",
                "Secrets", "Telemetry", "Terminal",
            ]),
        // Layer 7
        module(
            "Daemon",
            [
                "Monitoring", "Pipeline", "Operations", "Service", "AMQP", "Messages", "Ledger", "SQLiteLedger",
                "PostgresLedger", "Credentials", "Settings", "OTLP", "HTTP", "Photos", "Clocks", "Concurrency", "JSON",
                "Jobs", "Secrets", "Telemetry", "Tracing", "Terminal",
            ]),
        // Layer 8
        module(
            "CLI",
            [
                "Daemon", "Pipeline", "Operations", "Service", "AMQP", "Messages", "Ledger", "SQLiteLedger",
                "PostgresLedger", "Credentials", "Settings", "OTLP", "HTTP", "Clocks", "Concurrency", "JSON", "Jobs",
                "Secrets", "Telemetry", "Terminal", "Files", "CLinux",
            ]),
        // Programs
        .executableTarget(name: "leave-albumd", dependencies: ["CLI"], swiftSettings: swift, linkerSettings: lean),
        .executableTarget(
            name: "photos-simulator",
            dependencies: ["Clocks", "Concurrency", "JSON", "Jobs", "Terminal", "Files", "CLinux"],
            swiftSettings: swift),

        // What tests share
        .target(
            name: "CTLSPeer", path: "Tests/Support/CTLSPeer", cSettings: c,
            linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        testSupport("ScriptedPeer", ["CLinux", "CTLSPeer", "Clocks", "Concurrency"]),
        testSupport("RepositoryFiles", []),
        testSupport("PrivateBroker", ["RepositoryFiles", "CLinux", "Clocks", "Concurrency"]),
        testSupport("PrivateDatabase", ["PrivateBroker"]),
        testSupport("LedgerDatabase", ["PrivateDatabase", "PostgresLedger"]),
        testSupport("SharedLedger", ["Ledger", "Clocks", "Concurrency", "Jobs"]),
        testSupport(
            "PipelineHarness",
            [
                "SharedLedger", "LedgerDatabase", "PrivateDatabase", "Pipeline", "AMQP", "Messages", "Ledger",
                "SQLiteLedger", "PostgresLedger", "Credentials", "Photos", "Clocks", "Concurrency", "JSON", "Jobs",
                "Secrets", "Tracing",
            ]),
        testSupport("SpanCollector", ["PrivateBroker", "RepositoryFiles", "JSON"]),
        testSupport(
            "RunningSimulator",
            ["photos-simulator", "PrivateBroker", "HTTP", "JSON", "Secrets"]),

        // Counted by instructions, not by seconds: `scripts/bench --micro`, which builds it with -enable-testing.
        .executableTarget(
            name: "microbench",
            dependencies: ["Pipeline", "AMQP", "Photos", "Clocks", "Jobs", "Secrets"],
            path: "Tests/Microbench", exclude: ["ceilings.json"], swiftSettings: swift),
        // Every order in which two workers, a broker and a network can do to one job what they do.
        .executableTarget(
            name: "claim-model", dependencies: ["Ledger", "Clocks", "Jobs", "Secrets"], path: "Tests/ClaimModel",
            swiftSettings: swift),

        // Tests
        tests("RepositoryTests", []),
        tests("ClocksTests", ["Clocks", "Concurrency"]),
        tests("ConcurrencyTests", ["Clocks", "Concurrency", "CLinux"]),
        tests("SecretsTests", ["Secrets"]),
        tests("TerminalTests", ["Terminal"]),
        tests("FilesTests", ["Files", "Concurrency", "CLinux"]),
        tests(
            "FuzzTests",
            [
                "AMQP", "CRabbitMQ", "Clocks", "JSON", "Jobs", "Messages", "Operations", "Photos", "Pipeline",
                "Secrets", "Settings",
            ]),
        tests("TracingTests", ["Tracing"]),
        tests(
            "OTLPTests",
            [
                "OTLP", "ScriptedPeer", "SpanCollector", "PrivateBroker", "HTTP", "JSON", "Tracing", "Clocks",
                "Concurrency",
            ]),
        tests("JSONTests", ["JSON", "Concurrency"]),
        tests("JobsTests", ["RepositoryFiles", "Jobs", "JSON", "Clocks", "Concurrency", "Secrets"]),
        tests("TelemetryTests", ["Telemetry", "Clocks", "Concurrency", "Secrets"]),
        tests("HTTPTests", ["HTTP", "CCurl", "ScriptedPeer", "Clocks", "Concurrency", "Secrets"]),
        tests("PhotosTests", ["Photos", "HTTP", "Clocks", "Jobs", "Secrets"]),
        tests("MessagesTests", ["Messages", "AMQP", "Clocks", "Concurrency", "Jobs", "Secrets"]),
        tests(
            "AMQPTests", ["AMQP", "ScriptedPeer", "Clocks", "Concurrency", "Secrets", "CLinux"]),
        tests(
            "LedgerTests",
            [
                "SharedLedger", "LedgerDatabase", "PrivateDatabase", "ScriptedPeer", "Ledger", "SQLiteLedger",
                "PostgresLedger", "Clocks", "Concurrency", "JSON", "Jobs", "Secrets", "CSQLite", "CLinux",
            ]),
        tests(
            "PostgresLedgerTests",
            [
                "PostgresLedger", "PrivateDatabase", "PrivateBroker", "ScriptedPeer", "Clocks",
                "Concurrency", "Secrets",
            ]),
        tests(
            "CredentialsTests",
            [
                "Credentials", "Ledger", "PostgresLedger", "LedgerDatabase", "PrivateDatabase", "RunningSimulator",
                "PrivateBroker", "HTTP", "Clocks", "Concurrency", "JSON", "Jobs", "Secrets",
            ]),
        tests("SettingsTests", ["RepositoryFiles", "Settings", "Clocks", "Concurrency", "JSON", "Jobs", "Secrets"]),
        tests(
            "PipelineTests",
            [
                "PipelineHarness", "RunningSimulator", "RepositoryFiles", "SharedLedger", "Pipeline", "AMQP",
                "Messages", "Ledger", "SQLiteLedger", "Credentials", "HTTP", "Photos", "Clocks", "Concurrency", "JSON",
                "Jobs", "Secrets", "Telemetry", "Tracing",
            ]),
        tests(
            "StressTests",
            [
                "Service", "AMQP", "HTTP", "SQLiteLedger", "ScriptedPeer", "Clocks", "Concurrency", "JSON", "Jobs",
                "Secrets", "Telemetry",
            ]),
        tests("ServiceTests", ["Service", "HTTP", "Telemetry", "Clocks", "Concurrency", "JSON", "CLinux"]),
        tests(
            "PageTests",
            [
                "Daemon", "Service", "Monitoring", "Operations", "Pipeline", "Ledger", "Messages", "ScriptedPeer",
                "PrivateBroker", "Clocks", "Concurrency", "JSON", "Jobs", "Secrets", "Telemetry",
            ]),
        tests(
            "MonitoringTests",
            [
                "CLI", "Monitoring", "PipelineHarness", "PrivateBroker", "Pipeline", "Operations", "AMQP", "Ledger",
                "SQLiteLedger", "Credentials", "Photos", "Clocks", "Concurrency", "JSON", "Jobs", "Secrets",
                "Telemetry",
            ]),
        tests(
            "CLITests",
            [
                "CLI", "Operations", "PrivateBroker", "Service", "Terminal", "Concurrency", "JSON", "Jobs", "AMQP",
                "Messages", "Pipeline", "Settings", "Clocks",
            ]),
        tests(
            "ReloadTests",
            [
                "Daemon", "PipelineHarness", "Pipeline", "Messages", "Ledger", "Credentials", "Settings", "Clocks",
                "Concurrency", "Jobs", "Secrets", "Telemetry", "Tracing",
            ]),
        tests(
            "OperationsTests",
            [
                "LedgerDatabase", "Operations", "AMQP", "Messages", "Ledger", "SQLiteLedger", "PostgresLedger",
                "Clocks", "Concurrency", "JSON", "Jobs", "Secrets", "Telemetry",
            ]),
        tests(
            "SimulatorTests",
            ["photos-simulator", "RunningSimulator", "PrivateBroker", "HTTP", "Clocks", "JSON", "Secrets"]),
        tests(
            "IntegrationTests",
            [
                "PrivateBroker", "PrivateDatabase", "RepositoryFiles", "SpanCollector", "Operations", "AMQP", "Ledger",
                "SQLiteLedger",
                "Clocks", "Concurrency", "JSON", "Jobs", "Secrets", "Telemetry", "CLinux",
            ]),
    ],
    cLanguageStandard: .c17,
    cxxLanguageStandard: .cxx17
)
