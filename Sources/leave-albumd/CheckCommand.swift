import AMQP
import Credentials
import Glibc
import HTTP
import JSON
import Ledger
import Operations
import Settings
import Terminal
import Threads

extension Commands {
    static let check = Command(
        "check", summary: "Reads the settings and prints every fault with line and column",
        options: [
            .config, .json,
            .flag("--live", help: "also try broker, topology, API, credentials and ledger; calls no method"),
            .flag("--show", help: "print every setting as it is in force, without secrets"),
            .management,
        ], action: .withoutSettings { try await CheckCommand(arguments: $0).run() })
}

/// `check`: whether the daemon would start and work.
struct CheckCommand: Sendable {
    let arguments: ParsedArguments

    func run() async throws -> ExitStatus {
        let path = arguments.configuration
        let settings: Settings
        do throws(SettingsFaults) {
            settings = try Settings.load(path: path, environment: Settings.processEnvironment())
        } catch {
            if arguments.isSet("--json") {
                StandardStream.output.write(
                    json: Self.json(error.faults.map { CheckFinding(.settings, .settingsWrong, $0.description) }))
            } else {
                StandardStream.error.write(error.description + "\n")
            }
            return .settingsWrong
        }
        if arguments.isSet("--show") { show(settings) }
        var findings = settings.warnings.map { CheckFinding(.settings, nil, "warning: \($0)") }
        findings += settings.secretFileFaults().map { CheckFinding(.settings, .settingsWrong, $0.description) }
        if let fault = DescriptorNeed(settings).fault() {
            findings.append(CheckFinding(.settings, .settingsWrong, fault))
        }
        if !findings.contains(where: \.isFault) {
            findings.append(CheckFinding(.settings, nil, "\(path) is good"))
            if arguments.isSet("--live") { findings += await LiveCheck(settings: settings, arguments: arguments).run() }
        }
        return tell(findings)
    }

    private func show(_ settings: Settings) {
        for setting in settings.effective {
            guard let value = setting.value else { continue }
            StandardStream.output.write("\(setting.key) = \(value)\(setting.isDefault ? "  # default" : "")\n")
        }
    }

    private func tell(_ findings: [CheckFinding]) -> ExitStatus {
        if arguments.isSet("--json") {
            StandardStream.output.write(json: Self.json(findings))
        } else {
            var table = Table([.init(""), .init("AREA"), .init("FINDING")])
            for finding in findings {
                table.append([finding.isFault ? "FAULT" : "ok", finding.area.rawValue, finding.detail])
            }
            StandardStream.output.write(table.rendered())
        }
        // What is wrong here comes before what is wrong elsewhere.
        let statuses = findings.compactMap(\.status)
        return [.settingsWrong, .noPermission, .serviceUnavailable, .tryAgainLater].first(where: statuses.contains)
            ?? statuses.first ?? .done
    }

    private static func json(_ findings: [CheckFinding]) -> JSONValue {
        .array(
            findings.map {
                .object([
                    .init("area", .text($0.area.rawValue)), .init("ok", .bool(!$0.isFault)),
                    .init("detail", .text($0.detail)),
                ])
            })
    }
}
