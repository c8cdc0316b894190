import Terminal

/// One line of `check`.
struct CheckFinding: Sendable {
    enum Area: String, Sendable { case settings, broker, topology, api, credentials, ledger }

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
