import AMQP
import Clocks
import Credentials
import Daemon
import Glibc
import HTTP
import JSON
import Ledger
import Operations
import Settings
import Terminal

extension Commands {
    static let check = Command(
        "check", summary: "Reads the settings and prints every fault with line and column",
        options: [
            .config, .json,
            .flag("--live", help: "also try broker, topology, API, credentials, ledger and collector; calls no method"),
            .flag("--show", help: "print every setting as it is in force, without secrets"),
            .management,
        ], action: .withoutSettings { try await CheckCommand(arguments: $0).run() })
}

/// `check`: whether the daemon would start and work.
struct CheckCommand: Sendable {
    let arguments: ParsedArguments

    func run() async throws -> ExitStatus {
        let path = arguments.configuration
        let settings: DaemonSettings
        do throws(SettingsFaults) {
            settings = try DaemonSettings.load(path: path, environment: DaemonSettings.processEnvironment())
        } catch {
            if arguments.isSet("--json") {
                StandardStream.output.write(
                    json: Self.json(error.faults.map { CheckReport(.settings, .settingsWrong, $0.description) }))
            } else {
                StandardStream.error.write(error.description + "\n")
            }
            return .settingsWrong
        }
        if arguments.isSet("--show") { show(settings) }
        var reports = settings.warnings.map { CheckReport(.settings, nil, "warning: \($0)") }
        reports += settings.secretFileFaults().map { CheckReport(.settings, .settingsWrong, $0.description) }
        if let fault = DescriptorNeed(settings).fault() {
            reports.append(CheckReport(.settings, .settingsWrong, fault))
        }
        if !reports.contains(where: \.isFault) {
            reports.append(CheckReport(.settings, nil, "\(path) is good"))
            if arguments.isSet("--live") { reports += await LiveCheck(settings: settings, arguments: arguments).run() }
        }
        return show(reports)
    }

    private func show(_ settings: DaemonSettings) {
        for setting in settings.effective {
            guard let value = setting.value else { continue }
            StandardStream.output.write("\(setting.key) = \(value)\(setting.isDefault ? "  # default" : "")\n")
        }
    }

    private func show(_ reports: [CheckReport]) -> ExitStatus {
        if arguments.isSet("--json") {
            StandardStream.output.write(json: Self.json(reports))
        } else {
            var table = Table([.init(""), .init("AREA"), .init("FINDING")])
            for finding in reports {
                table.append([finding.isFault ? "FAULT" : "ok", finding.area.rawValue, finding.detail])
            }
            StandardStream.output.write(table.rendered())
        }
        // What is wrong here comes before what is wrong elsewhere.
        let statuses = reports.compactMap(\.status)
        return [.settingsWrong, .noPermission, .serviceUnavailable, .tryAgainLater].first(where: statuses.contains)
            ?? statuses.first ?? .done
    }

    private static func json(_ reports: [CheckReport]) -> JSONValue {
        .array(
            reports.map {
                .object([
                    .init("area", .text($0.area.rawValue)), .init("ok", .bool(!$0.isFault)),
                    .init("detail", .text($0.detail)),
                ])
            })
    }
}

/// One line of `check`.
struct CheckReport: Sendable {
    enum Area: String, Sendable { case settings, broker, topology, api, credentials, ledger, trace }

    let area: Area
    /// Nil: all is well.
    let status: ExitStatus?
    let detail: String

    init(_ area: Area, _ status: ExitStatus?, _ detail: String) {
        self.area = area
        self.status = status
        self.detail = detail
    }

    var isFault: Bool { status != nil }
}
