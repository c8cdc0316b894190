/// Everything the operator may choose, validated: one property per table of the settings file.
///
/// A value made with `init()` holds the defaults; the file `config/leave-albumd.toml` documents every key.
public struct Settings: Equatable, Sendable {
    public var broker = Broker()
    public var api = API()
    public var credentials = Credentials()
    public var worker = Worker()
    public var limits = Limits()
    public var retry = Retry()
    public var ledger = Ledger()
    public var admin = Admin()
    public var log = Log()

    /// What is permitted but should be known at every start: one sentence each, without secrets.
    public internal(set) var warnings: [String] = []

    public init() {}
}
