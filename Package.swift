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

/// A room: its Swift target and what it may import. `Tests/PackageTests` checks the floors.
/// `embedding` names files whose bytes become part of the binary.
func room(_ name: String, _ dependencies: [Target.Dependency] = [], embedding files: [String] = []) -> Target {
    .target(
        name: name, dependencies: dependencies, resources: files.map { .embedInCode($0) }, swiftSettings: swift)
}

/// A C door: a module map, a header and shims over one Debian library.
func door(_ name: String, linking libraries: [String]) -> Target {
    .target(name: name, cSettings: c, linkerSettings: libraries.map { .linkedLibrary($0) })
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
            name: "FuzzedRooms",
            targets: [
                "CRabbitMQ", "AMQP", "JSON", "Jobs", "Messages", "Operations", "Photos", "Pipeline", "Secrets",
                "Settings",
                "Threads",
            ]),
    ],
    targets: [
        // Doors
        door("CLinux", linking: []),
        door("CCrypto", linking: ["crypto"]),
        door("CSodium", linking: ["sodium"]),
        door("CJansson", linking: ["jansson"]),
        door("CCurl", linking: ["curl"]),
        door("CZlib", linking: ["z"]),
        door("CRabbitMQ", linking: ["rabbitmq"]),
        door("CSQLite", linking: ["sqlite3"]),
        door("CSystemd", linking: ["systemd"]),
        door("CMicroHTTPD", linking: ["microhttpd"]),
        .target(name: "CTOML", cxxSettings: cxx),

        // Floor 0
        room("Threads", ["CLinux"]),
        room("Secrets", ["CCrypto", "CSodium"]),
        room("Terminal", ["CLinux"]),
        room("JSON", ["CJansson"]),
        // Floor 1
        room("Jobs", ["JSON", "Threads", "Secrets"]),
        room("Telemetry", ["CSystemd", "JSON", "Threads", "Secrets"]),
        room("Files", ["CLinux", "Threads"]),
        // Floor 2
        room("HTTP", ["CCurl", "CZlib", "CLinux", "Threads", "Secrets", "Telemetry"]),
        room("AMQP", ["CRabbitMQ", "CLinux", "Threads", "Secrets", "Telemetry"]),
        room("Photos", ["Jobs", "JSON", "Secrets", "Threads"]),
        // Floor 3
        room("Messages", ["AMQP", "JSON", "Jobs", "Secrets", "Threads"]),
        room("Ledger", ["CSQLite", "CLinux", "Files", "Jobs", "Threads", "Secrets", "Telemetry"]),
        room("Credentials", ["HTTP", "CLinux", "Jobs", "JSON", "Threads", "Secrets", "Telemetry"]),
        room("Settings", ["CTOML", "CLinux", "Jobs", "Threads", "Secrets", "Terminal"]),
        // Floor 4
        room(
            "Pipeline",
            [
                "AMQP", "Messages", "Ledger", "Credentials", "HTTP", "Photos", "Jobs", "Telemetry", "Threads",
                "Secrets",
            ]),
        room(
            "Service", ["CSystemd", "CMicroHTTPD", "CLinux", "HTTP", "JSON", "Telemetry", "Threads", "Secrets"],
            embedding: ["Page/page.html"]),
        room(
            "Operations",
            [
                "AMQP", "Messages", "Ledger", "Credentials", "Settings", "HTTP", "Photos", "Jobs", "JSON", "Telemetry",
                "Threads", "Secrets", "Terminal", "Files", "CLinux",
            ]),
        // Floor 5
        .executableTarget(
            name: "leave-albumd",
            dependencies: [
                "Pipeline", "Service", "Operations", "AMQP", "Messages", "Ledger", "Credentials", "Settings", "HTTP",
                "Photos",
                "Jobs", "JSON", "Telemetry", "Threads", "Secrets", "Terminal", "Files", "CLinux",
            ],
            swiftSettings: swift),
        .executableTarget(
            name: "photos-simulator",
            dependencies: ["JSON", "Jobs", "Threads", "Secrets", "Terminal", "Files", "CLinux"],
            swiftSettings: swift),

        // Test support
        .target(
            name: "CTLSPeer", path: "Tests/CTLSPeer", cSettings: c,
            linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .target(
            name: "ScriptedPeer", dependencies: ["CLinux", "CTLSPeer", "Threads"], path: "Tests/ScriptedPeer",
            swiftSettings: swift),
        .target(
            name: "PrivateBroker", dependencies: ["CLinux", "Threads"], path: "Tests/PrivateBroker",
            swiftSettings: swift),
        .target(
            name: "PipelineDouble",
            dependencies: [
                "Pipeline", "AMQP", "Messages", "Ledger", "Credentials", "Photos", "JSON", "Jobs", "Threads", "Secrets",
            ],
            path: "Tests/PipelineDouble", swiftSettings: swift),

        .target(
            name: "RunningSimulator",
            dependencies: ["photos-simulator", "PrivateBroker", "HTTP", "JSON", "Secrets", "Threads"],
            path: "Tests/RunningSimulator", swiftSettings: swift),

        // Counted by instructions, not by seconds: `scripts/bench --micro`, which builds it with -enable-testing.
        .executableTarget(
            name: "microbench", dependencies: ["Pipeline", "AMQP", "Photos", "Jobs", "Secrets", "Threads"],
            path: "Tests/Microbench", exclude: ["ceilings.json"], swiftSettings: swift),

        // Tests
        tests("PackageTests", []),
        tests("ThreadsTests", ["Threads"]),
        tests("SecretsTests", ["Secrets"]),
        tests("TerminalTests", ["Terminal", "CLinux"]),
        tests("FilesTests", ["Files", "Threads", "CLinux"]),
        tests(
            "FuzzTests",
            [
                "AMQP", "CRabbitMQ", "JSON", "Jobs", "Messages", "Operations", "Photos", "Pipeline", "Secrets",
                "Settings",
                "Threads",
            ]),
        tests("JSONTests", ["JSON", "Threads"]),
        tests("JobsTests", ["Jobs", "JSON", "Secrets", "Threads"]),
        tests("TelemetryTests", ["Telemetry", "Secrets", "Threads"]),
        tests("HTTPTests", ["HTTP", "CCurl", "ScriptedPeer", "Secrets", "Threads", "CLinux"]),
        tests("PhotosTests", ["Photos", "Jobs", "Secrets", "Threads"]),
        tests("AMQPTests", ["AMQP", "ScriptedPeer", "PrivateBroker", "Secrets", "Threads", "CLinux"]),
        tests("MessagesTests", ["Messages", "AMQP", "Jobs", "Secrets", "Threads"]),
        tests("LedgerTests", ["Ledger", "Jobs", "Secrets", "Threads", "CSQLite", "CLinux"]),
        tests(
            "CredentialsTests",
            [
                "Credentials", "RunningSimulator", "PrivateBroker", "HTTP", "JSON", "Jobs", "Secrets", "Threads",
                "CLinux",
            ]),
        tests("SettingsTests", ["Settings", "JSON", "Jobs", "Secrets", "Threads"]),
        tests(
            "PipelineTests",
            [
                "PipelineDouble", "RunningSimulator", "Pipeline", "AMQP", "Messages", "Ledger", "Credentials", "HTTP",
                "Photos",
                "JSON", "Jobs", "Telemetry", "Threads", "Secrets",
            ]),
        tests(
            "StressTests",
            [
                "Service", "AMQP", "HTTP", "Ledger", "ScriptedPeer", "Telemetry", "JSON", "Jobs", "Secrets", "Threads",
                "CLinux",
            ]),
        tests("ServiceTests", ["Service", "HTTP", "JSON", "Threads", "CLinux"]),
        tests(
            "PageTests",
            [
                "Service", "Operations", "Telemetry", "JSON", "Jobs", "Secrets", "Threads", "ScriptedPeer",
                "PrivateBroker",
            ]),
        tests(
            "RecentTests",
            ["leave-albumd", "Operations", "Pipeline", "Telemetry", "JSON", "Jobs", "Secrets", "Threads"]),
        tests(
            "CommandsTests",
            ["leave-albumd", "Operations", "PrivateBroker", "Service", "Terminal", "JSON", "Jobs", "Threads"]),
        tests(
            "MetricsTests",
            [
                "leave-albumd", "PipelineDouble", "PrivateBroker", "Pipeline", "AMQP", "Ledger", "Credentials",
                "Telemetry", "Jobs", "Secrets", "Threads",
            ]),
        tests(
            "ReloadTests",
            [
                "leave-albumd", "PipelineDouble", "Pipeline", "Credentials", "Settings", "Telemetry", "Jobs", "Secrets",
                "Threads",
            ]),
        tests(
            "OperationsTests",
            ["Operations", "AMQP", "Messages", "Ledger", "Settings", "Telemetry", "Jobs", "JSON", "Threads", "Secrets"]),
        tests(
            "SimulatorTests",
            ["photos-simulator", "RunningSimulator", "PrivateBroker", "HTTP", "JSON", "Secrets", "Threads"]),
        tests(
            "IntegrationTests",
            [
                "PrivateBroker", "Operations", "AMQP", "Ledger", "JSON", "Telemetry", "Jobs", "Threads", "Secrets",
                "CLinux",
            ]),
    ],
    cLanguageStandard: .c17,
    cxxLanguageStandard: .cxx17
)
