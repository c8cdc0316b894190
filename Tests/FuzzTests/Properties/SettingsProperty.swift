@testable import Settings

/// A text is settings that say the same when they are written anew, or it has faults, each with its place.
enum SettingsProperty {
    static let file = "fuzzed.toml"
    /// The password in the seeds' URIs.
    static let password = Array("s3cr3t-word".utf8)

    static func reports(_ bytes: [UInt8]) -> [String] {
        var reports = Findings()
        switch load(bytes) {
        case .success(let settings): check(settings, &reports)
        case .failure(let faults):
            let lines = bytes.count { $0 == UInt8(ascii: "\n") } + 1
            for fault in faults.faults { check(fault, lines: lines, &reports) }
            reports.expect(load(bytes) == .failure(faults), "the same text has other faults")
        }
        return reports.sentences
    }

    private static func load(_ bytes: [UInt8]) -> Result<DaemonSettings, SettingsFaults> {
        do throws(SettingsFaults) {
            return .success(try DaemonSettings.load(text: bytes, file: file, environment: [:]))
        } catch {
            return .failure(error)
        }
    }

    private static func check(_ fault: SettingsFault, lines: Int, _ reports: inout Findings) {
        switch fault.place {
        case .line(let line, let column, let name):
            reports.expect(name == file, "a fault is of another file")
            reports.expect((1...lines).contains(line), "a fault is in line \(line) of \(lines)")
            reports.expect(column >= 1, "a fault is in column \(column)")
        case .file(let name): reports.expect(name == file, "a fault is of another file")
        case .environment: reports.expect(false, "a fault is of the environment, which is empty")
        }
        reports.expect(!fault.problem.isEmpty, "a fault says nothing")
        reports.expect(!fault.description.utf8.contains(10), "a fault has more than a line: \(fault)")
        if fault.key?.hasPrefix("broker.uris") ?? false {
            reports.expect(!Array(fault.description.utf8).contains(password), "a fault quotes a password: \(fault)")
        }
    }

    private static func check(_ settings: DaemonSettings, _ reports: inout Findings) {
        let shown = settings.effective
        // A user or a host of that name is shown.
        let isOnlyAPassword = settings.broker.uris.allSatisfy { uri in
            ![uri.username ?? "", uri.host, uri.vhost].contains { Array($0.utf8).contains(password) }
        }
        for setting in shown where setting.key == "broker.uris" && isOnlyAPassword {
            let hasPassword = Array((setting.value ?? "").utf8).contains(password)
            reports.expect(!hasPassword, "the settings show a password")
        }
        // What is masked cannot be written anew.
        guard !settings.broker.uris.contains(where: { $0.password != nil }) else { return }
        let text = shown.compactMap { setting in setting.value.map { "\(setting.key) = \($0)\n" } }.joined()
        switch load(Array(text.utf8)) {
        case .success(let second):
            let changed = zip(shown, second.effective).filter { $0.value != $1.value }.map(\.0.key)
            reports.expect(changed.isEmpty, "settings written anew differ in \(changed)")
        case .failure(let faults): reports.expect(false, "settings written anew have faults: \(faults)")
        }
    }
}
