package import Clocks

/// An operator's word that members of one name take no work: those that have it now, and whoever begins under it, until
/// they are resumed.
package struct MemberPause: Equatable, Sendable {
    /// By the database's clock.
    package let since: Timestamp
    /// Who said it, for people; no secrets.
    package let detail: String

    package init(since: Timestamp, detail: String) {
        self.since = since
        self.detail = detail
    }
}
