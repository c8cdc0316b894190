/// One thing that is wrong with the settings. It never quotes a secret.
package struct SettingsFault: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Place: Equatable, Sendable, CustomStringConvertible {
        /// Line and column count from one; columns are characters.
        case line(Int, column: Int, file: String)
        case file(String)
        /// A variable's name.
        case environment(String)

        package var description: String {
            switch self {
            case .line(let line, let column, let file): "\(file):\(line):\(column)"
            case .file(let file): file
            case .environment(let name): "$\(name)"
            }
        }
    }

    package let place: Place
    /// `broker.tls.ca_file`; nil for a fault of the whole file.
    package let key: String?
    package let problem: String
    /// What may stand there, where that is not said by the problem.
    package let allowed: String?

    init(_ place: Place, key: String? = nil, _ problem: String, allowed: String? = nil) {
        self.place = place
        self.key = key
        self.problem = problem
        self.allowed = allowed
    }

    /// `leave-albumd.toml:3:13: broker.heartbeat: "x" is not a duration; allowed: a duration from 2s to 1m`
    package var description: String {
        "\(place): \(key.map { "\($0): " } ?? "")\(problem)\(allowed.map { "; allowed: \($0)" } ?? "")"
    }
}

/// Everything that is wrong with the settings, in the order of the file. Never empty.
package struct SettingsFaults: Error, Equatable, Sendable, CustomStringConvertible {
    package let faults: [SettingsFault]

    init(_ faults: [SettingsFault]) {
        precondition(!faults.isEmpty, "settings without a fault are loaded")
        self.faults = faults
    }

    /// One line each.
    package var description: String { faults.map(\.description).joined(separator: "\n") }
}
