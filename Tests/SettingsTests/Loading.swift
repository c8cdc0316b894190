import Testing

@testable import Settings

/// What a test loads: a text that has all that is required, and more.
enum Loading {
    static let required = """
        [broker]
        uris = ["amqp://localhost"]
        [credentials]
        providers = ["static"]
        [credentials.static]
        token_file = "/etc/tokens"

        """

    /// - Parameter more: tables that `required` does not have, or keys of `[credentials.static]`'s later tables.
    static func settings(
        _ more: String = "", environment: [String: String] = [:]
    ) throws(SettingsFaults) -> DaemonSettings {
        try DaemonSettings.load(text: Array((required + more).utf8), file: "t.toml", environment: environment)
    }

    static func faults(_ more: String, environment: [String: String] = [:]) -> [String] {
        faults(ofWhole: required + more, environment: environment)
    }

    /// One line per fault; empty if there is none.
    static func faults(ofWhole text: String, environment: [String: String] = [:]) -> [String] {
        do throws(SettingsFaults) {
            _ = try DaemonSettings.load(text: Array(text.utf8), file: "t.toml", environment: environment)
            return []
        } catch {
            return error.faults.map(\.description)
        }
    }

    /// The faults of one key that environment variables cannot reach because it needs several: `uris = ["…"]`.
    static func faults(ofURI uri: String) -> [String] {
        faults("", environment: ["LEAVE_ALBUMD_BROKER_URIS": "[\(tomlQuoted(uri))]"])
    }
}
