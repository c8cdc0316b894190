import RepositoryFiles
import Testing

@testable import Settings

/// `config/leave-albumd.toml` and the schema say the same.
@Suite struct SettingsFileTests {
    private let path: String
    private let lines: [String]

    init() throws {
        path = RepositoryFile.path("config/leave-albumd.toml")
        lines = String(decoding: try RepositoryFile.bytes("config/leave-albumd.toml"), as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// A key's line and the remark above it.
    private struct Entry {
        enum Kind { case set, defaulted, example }
        let name: String
        let kind: Kind
        let assignment: String
        let remark: String
    }

    private var entries: [Entry] {
        var table = ""
        var remark: [String] = []
        var entries: [Entry] = []
        for line in lines {
            if line == "#" || line.hasPrefix("# ") {
                remark.append(String(line.dropFirst(2)))
            } else if line.hasPrefix("["), line.hasSuffix("]") {
                table = String(line.dropFirst().dropLast())
                remark = []
            } else if line.isEmpty {
                remark = []
            } else {
                let kind: Entry.Kind = line.hasPrefix("#> ") ? .example : line.hasPrefix("#") ? .defaulted : .set
                let assignment = String(line.drop { "#> ".contains($0) })
                let key = assignment.prefix { $0 != " " }
                entries.append(
                    Entry(
                        name: "\(table).\(key)", kind: kind, assignment: assignment,
                        remark: remark.joined(separator: " ")))
            }
        }
        return entries
    }

    /// The file with the lines that `choose` keeps, under their tables.
    private func text(keeping choose: (Entry) -> Bool) -> String {
        entries.filter(choose).map { entry in
            let table = entry.name.split(separator: ".").dropLast().joined(separator: ".")
            return "\(table).\(entry.assignment)"
        }.joined(separator: "\n")
    }

    @Test func loadsAsItIs() throws {
        let settings = try DaemonSettings.load(path: path, environment: [:])
        #expect(settings.broker.uris == [BrokerURI(isTLS: false, host: "localhost", port: 5672)])
        #expect(settings.warnings.isEmpty)
    }

    @Test func documentsEveryKeyInOrderWithItsTypeAndRange() {
        var documented: [String] = []
        for entry in entries where !documented.contains(entry.name) {
            documented.append(entry.name)
            let key = SettingSchema.keys.first { $0.name == entry.name }
            #expect(entry.remark.contains("Type: \(key?.allowed ?? "")"), "\(entry.name): \(key?.allowed ?? "")")
        }
        #expect(documented == SettingSchema.keys.map(\.name))
    }

    @Test func showsADefaultWhereThereIsOneAndAnExampleWhereThereIsNone() {
        let defaults = DaemonSettings()
        for key in SettingSchema.keys where key.name != "broker.uris" && key.name != "credentials.static.token_file" {
            let kinds = entries.filter { $0.name == key.name && $0.kind != .set }.map(\.kind)
            #expect(kinds == [key.write(defaults) == nil ? .example : .defaulted], "\(key.name)")
        }
    }

    @Test func uncommentingEveryDefaultChangesNothing() {
        let draft = DaemonSettings.draft(
            text: Array(text { $0.kind == .defaulted }.utf8), file: "t.toml", environment: [:])
        #expect(draft.faults.isEmpty)
        #expect(draft.settings == DaemonSettings())
    }

    @Test func everyExampleIsValidAndNoDefault() {
        let draft = DaemonSettings.draft(
            text: Array(text { $0.kind == .example }.utf8), file: "t.toml",
            environment: ["CREDENTIALS_DIRECTORY": "/run/credentials"])
        #expect(draft.faults.isEmpty)
        for entry in entries where entry.kind == .example {
            let key = SettingSchema.keys.first { $0.name == entry.name }
            #expect(key?.write(draft.settings) != nil, "\(entry.name)")
        }
    }
}
