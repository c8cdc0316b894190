// swift-tools-version: 6.2
import PackageDescription

// A package of its own, because libFuzzer brings its own `main` and wants every module built for it. Built and run by
// scripts/fuzz; what it finds is replayed by Tests/FuzzTests, which needs no fuzzer.
let package = Package(
    name: "fuzzing",
    dependencies: [.package(name: "leave-albumd", path: "../..")],
    targets: [
        .executableTarget(
            name: "fuzz", dependencies: [.product(name: "FuzzedModules", package: "leave-albumd")], path: "fuzz",
            swiftSettings: [
                .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"), .enableUpcomingFeature("MemberImportVisibility"),
                .treatAllWarnings(as: .error), .unsafeFlags(["-parse-as-library"]),
            ])
    ]
)
