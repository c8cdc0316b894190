import Foundation
import Testing

/// A module imports modules of lower layers only, and a C module belongs to the modules that wrap it. The layers are
/// those of docs/architecture.md and of Package.swift, which agree.
@Suite struct LayeringTests {
    /// CLinux is there for whichever module needs a Linux call.
    static let importersOfCModules: [String: Set<String>] = [
        "CCrypto": ["Secrets"], "CSodium": ["Secrets"], "CJansson": ["JSON"], "CCurl": ["HTTP"], "CZlib": ["HTTP"],
        "CRabbitMQ": ["AMQP"], "CSQLite": ["SQLiteLedger"], "CSystemd": ["Telemetry", "Service"],
        "CMicroHTTPD": ["Service"], "CTOML": ["Settings"],
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

    /// The rows `| 3 | HTTP | … |` of the table of modules. A module that is there twice has two rows.
    static func rows(ofDocument text: String) -> [(module: String, layer: Int)] {
        text.split(separator: "\n").compactMap { line in
            guard let row = line.firstMatch(of: /^\| ([0-9]+) \| ([A-Za-z-]+) \|/), let layer = Int(row.output.1) else {
                return nil
            }
            return (String(row.output.2), layer)
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

    private func documented() throws -> [(module: String, layer: Int)] {
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
        for (module, layer) in documented {
            #expect(declared[module] == layer, "\(module): docs/architecture.md and Package.swift differ")
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
            .executableTarget(name: "bench", dependencies: ["Jobs"]),
            """
        #expect(Self.layers(ofManifest: manifest) == ["Clocks": 0, "Jobs": 1, "leave-albumd": 2])
        let rows = Self.rows(
            ofDocument: "| layer | module |\n|---|---|\n| 10 | photos-simulator | x | y |\n| 1 | two words |")
        #expect(rows.map(\.module) == ["photos-simulator"] && rows.map(\.layer) == [10])
    }
}
