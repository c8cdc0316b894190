/// Everything the operator may choose, validated: one property per table of the settings file.
///
/// A value made with `init()` holds the defaults; the file `config/leave-albumd.toml` documents every key.
package struct DaemonSettings: Equatable, Sendable {
    /// Where the package lays the file.
    package static let defaultPath = "/etc/leave-albumd/leave-albumd.toml"

    package var broker = Broker()
    package var api = API()
    package var credentials = Credentials()
    package var worker = Worker()
    package var limits = Limits()
    package var retry = Retry()
    package var messages = Messages()
    package var results = Results()
    package var trace = Trace()
    package var ledger = Ledger()
    package var admin = Admin()
    package var log = Log()

    /// What is permitted but should be known at every start: one sentence each, without secrets.
    package internal(set) var warnings: [String] = []

    package init() {}
}
