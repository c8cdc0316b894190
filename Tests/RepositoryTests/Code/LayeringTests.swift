import Foundation
import Testing

/// A module imports modules of lower layers only, and a C module belongs to the modules that wrap it. The layers are
/// those of docs/architecture.md and of Package.swift, which agree.
@Suite struct LayeringTests {
    /// CLinux is there for whichever module needs a Linux call.
    static let importersOfCModules: [String: Set<String>] = [
        "CCrypto": ["Secrets"], "CSodium": ["Secrets"], "CJansson": ["JSON"], "CCurl": ["HTTP"], "CZlib": ["HTTP"],
        "CRabbitMQ": ["AMQP"], "CSQLite": ["SQLiteLedger"], "CPostgres": ["PostgresLedger"],
        "CSystemd": ["Telemetry", "Service"], "CMicroHTTPD": ["Service"], "CTOML": ["Settings"],
    ]

    /// What is wrong with an import in a file of a module; nil if nothing is.
    static func fault(in module: String, importing imported: String, layers: [String: Int]) -> String? {
        if imported.hasPrefix("Foundation") {
            return "\(module) imports \(imported): the static binary would grow by 44 MB"
        }
        if let importers = importersOfCModules[imported] {
            return importers.contains(module) ? nil : "\(module) imports \(imported), which others wrap"
        }
        guard let layer = layers[imported], module != imported else { return nil }
        guard let own = layers[module] else { return "\(module) has no layer" }
        return layer < own ? nil : "\(module) (layer \(own)) imports \(imported) (layer \(layer))"
    }

    /// The rows `| 3 | HTTP | … | CCurl, Clocks |` of the table of modules. A module that is there twice has two rows.
    static func rows(ofDocument text: String) -> [(module: String, layer: Int, imports: [String])] {
        text.split(separator: "\n").compactMap { line in
            guard let row = line.firstMatch(of: /^\| ([0-9]+) \| ([A-Za-z-]+) \|.*\| ([^|]*) \|$/),
                let layer = Int(row.output.1)
            else { return nil }
            return (String(row.output.2), layer, row.output.3.components(separatedBy: ", "))
        }
    }

    /// What follows each comment `// Layer 3`. Programs are above all modules.
    static func layers(ofManifest text: String) -> [String: Int] {
        var layers: [String: Int] = [:]
        var layer: Int?
        let word =
            /\/\/ (Layer ([0-9]+)|Programs|What tests share)\n|(module|\.executableTarget)\(\s*(name: )?"([\w-]+)"/
        for match in text.matches(of: word) {
            if let number = match.output.2 {
                layer = Int(number)
            } else if match.output.1 == "Programs" {
                layer = (layers.values.max() ?? 0) + 1
            } else if match.output.1 != nil {
                layer = nil
            } else if let layer, let name = match.output.5 {
                layers[String(name)] = layer
            }
        }
        return layers
    }

    /// A target that declares what it depends on, and the folder of its files.
    struct DeclaredTarget: Equatable {
        var name: String
        var folder: String
        var dependencies: [String]
    }

    static func targets(ofManifest text: String) -> [DeclaredTarget] {
        let declaration =
            #/
            (module|testSupport|tests|\.executableTarget)\(\s*(?:name:\ )?"([\w-]+)",\s*
            (?:dependencies:\ )?\[([^\]]*)\](?:,\s*path:\ "([^"]+)")?
            /#
        return text.matches(of: declaration).map { match in
            let name = String(match.output.2)
            let folder =
                match.output.4.map { String($0) }
                ?? ["testSupport": "Tests/Support/", "tests": "Tests/"][match.output.1, default: "Sources/"] + name
            let dependencies = match.output.3.matches(of: /"([\w-]+)"/).map { String($0.output.1) }
            return DeclaredTarget(name: name, folder: folder, dependencies: dependencies)
        }
    }

    private func documented() throws -> [(module: String, layer: Int, imports: [String])] {
        Self.rows(ofDocument: try Tree.text("docs/architecture.md"))
    }

    private func declared() throws -> [String: Int] {
        Self.layers(ofManifest: try Tree.text("Package.swift"))
    }

    @Test func everyModuleHasOneLayer() throws {
        let modules = Set(try Tree.swiftFiles("Sources").map(\.module))
        let declared = try declared()
        let documented = try documented()
        #expect(modules.count > 20, "the search is broken if it finds few")
        #expect(Set(declared.keys) == modules)
        #expect(documented.map(\.module).sorted() == modules.sorted())
        for (module, layer, _) in documented {
            #expect(declared[module] == layer, "\(module): docs/architecture.md and Package.swift differ")
        }
    }

    /// What Package.swift lets a target import is what it imports, and what docs/architecture.md says that it does.
    @Test func everyDependencyIsImportedAndEveryImportDeclared() throws {
        let manifest = try Tree.text("Package.swift")
        let targets = Self.targets(ofManifest: manifest)
        #expect(targets.count > 50, "the search is broken if it finds few")
        let cModules = manifest.matches(of: /(?:cModule\(|name: )"(C[A-Z]\w+)"/).map { String($0.output.1) }
        let modules = Set(targets.map(\.name) + cModules)
        let programs = Set(manifest.matches(of: /\.executableTarget\(\s*name: "([\w-]+)"/).map { String($0.output.1) })
        let documented = Dictionary(
            try documented().map { ($0.module, Set($0.imports)) }, uniquingKeysWith: { first, _ in first })
        for target in targets {
            let imported = Set(
                try Tree.swiftFiles(target.folder).flatMap { Tree.imports(of: $0.text) }
                    .map { $0.replacing("_", with: "-") }.filter(modules.contains))
            let declared = Set(target.dependencies)
            #expect(declared.count == target.dependencies.count, "\(target.name): one is there twice")
            #expect(
                declared.subtracting(imported).subtracting(programs) == [],
                "\(target.name) declares what it does not import: take it out of Package.swift")
            #expect(
                imported.subtracting(declared) == [],
                "\(target.name) imports what Package.swift does not declare for it")
            if target.folder == "Sources/\(target.name)" {
                #expect(documented[target.name] == declared, "\(target.name): the last column in docs/architecture.md")
            }
        }
    }

    @Test func everyImportGoesToALowerLayer() throws {
        let layers = try declared()
        var faults: [String] = []
        for file in try Tree.swiftFiles("Sources") {
            for module in Tree.imports(of: file.text) {
                if let fault = Self.fault(in: file.module, importing: module, layers: layers) {
                    faults.append("\(file.path): \(fault)")
                }
            }
        }
        #expect(faults == [])
    }

    @Test func everyCModuleHasItsImporters() throws {
        let folders = try FileManager.default.contentsOfDirectory(
            atPath: Tree.root.appendingPathComponent("Sources/C").path)
        #expect(Set(folders) == Set(Self.importersOfCModules.keys).union(["CLinux"]))
        let files = try Tree.swiftFiles("Sources")
        for (module, importers) in Self.importersOfCModules {
            let found = Set(files.filter { Tree.imports(of: $0.text).contains(module) }.map(\.module))
            #expect(found == importers, "\(module)")
        }
    }

    @Test func theGuardSeesWhatIsWrong() {
        let layers = ["Jobs": 1, "Ledger": 2, "AMQP": 2, "Pipeline": 3]
        #expect(Self.fault(in: "Jobs", importing: "AMQP", layers: layers) != nil)
        #expect(Self.fault(in: "AMQP", importing: "Ledger", layers: layers) != nil)
        #expect(Self.fault(in: "Pipeline", importing: "CSQLite", layers: layers) != nil)
        #expect(Self.fault(in: "HTTP", importing: "Foundation", layers: layers) != nil)
        #expect(Self.fault(in: "HTTP", importing: "FoundationEssentials", layers: layers) != nil)
        #expect(Self.fault(in: "Attic", importing: "Jobs", layers: layers) != nil)
        #expect(Self.fault(in: "Pipeline", importing: "AMQP", layers: layers) == nil)
        #expect(Self.fault(in: "Jobs", importing: "CLinux", layers: layers) == nil)
        #expect(
            Tree.imports(of: "public import Jobs\nimport struct AMQP.Delivery\n// import Foundation\n") == [
                "Jobs", "AMQP",
            ])
    }

    @Test func theLayersAreReadAsTheyAreWritten() {
        let manifest = """
            // Layer 0
            module("Clocks", ["CLinux"]),
            // Layer 1
            module(
                "Jobs", ["Clocks"]),
            // Programs
            .executableTarget(name: "leave-albumd", dependencies: ["Jobs"]),
            // What tests share
            .executableTarget(
                name: "bench", dependencies: ["Jobs"],
                path: "Tests/Microbench"),
            """
        #expect(Self.layers(ofManifest: manifest) == ["Clocks": 0, "Jobs": 1, "leave-albumd": 2])
        #expect(
            Self.targets(ofManifest: manifest) == [
                DeclaredTarget(name: "Clocks", folder: "Sources/Clocks", dependencies: ["CLinux"]),
                DeclaredTarget(name: "Jobs", folder: "Sources/Jobs", dependencies: ["Clocks"]),
                DeclaredTarget(name: "leave-albumd", folder: "Sources/leave-albumd", dependencies: ["Jobs"]),
                DeclaredTarget(name: "bench", folder: "Tests/Microbench", dependencies: ["Jobs"]),
            ])
        let rows = Self.rows(
            ofDocument: "| layer | module |\n|---|---|\n| 10 | photos-simulator | x | y, z |\n| 1 | two words |")
        #expect(rows.map(\.module) == ["photos-simulator"] && rows.map(\.layer) == [10])
        #expect(rows.map(\.imports) == [["y", "z"]])
    }
}
