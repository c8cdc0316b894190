package import Clocks
package import Jobs

/// The users' grants as a shared ledger has them: sealed, so that whoever reads the database learns no secret. Each is one
/// row, and whoever refreshes it leases that row first.
///
/// A write names what it rests on, so that all of it may be sent again when an answer was lost. Times are the ledger's own.
package protocol SealedGrants: Sendable {
    /// Where they are, for people.
    var place: String { get }

    /// Nil if there is none.
    func find(_ account: AccountID) async throws(LedgerError) -> SealedGrant?

    /// Leases the row for a refresh, unless it has changed since it was read or another lease of it runs. With a `fence`
    /// that has it already, anew. Nil: not leased.
    func lease(
        _ account: AccountID, version: Int64, fence: Int64, for time: Duration
    ) async throws(LedgerError) -> GrantLease?

    /// Begins the lease anew. False if somebody else has leased or replaced the row since.
    func renew(_ account: AccountID, fence: Int64, for time: Duration) async throws(LedgerError) -> Bool

    /// Writes what a refresh has brought, and ends its lease. It is evidence also after the lease: it is written as long as
    /// nobody has leased the row since, or nobody has written it since it was read. False if somebody has.
    func save(_ refreshed: RefreshedGrant) async throws(LedgerError) -> Bool

    /// Ends a lease of which it is known that no refresh token was used up.
    func release(_ account: AccountID, fence: Int64) async throws(LedgerError)

    /// Puts a grant in place of whatever is there, its lease and access token too: what a refresh of the former brings is
    /// written no more.
    func replace(_ account: AccountID, with sealed: [UInt8]) async throws(LedgerError)

    /// Puts a grant where there is none. False if there is one.
    func add(_ account: AccountID, _ sealed: [UInt8]) async throws(LedgerError) -> Bool

    /// The same grant sealed anew, without its access token; false if it has changed since it was read.
    func reseal(_ account: AccountID, version: Int64, as sealed: [UInt8]) async throws(LedgerError) -> Bool

    /// False if there was none.
    func remove(_ account: AccountID) async throws(LedgerError) -> Bool

    /// In the order of the accounts' bytes.
    func list(after account: AccountID?, limit: Int) async throws(LedgerError) -> [SealedGrant]

    func count() async throws(LedgerError) -> Int

    /// Takes the next place in the line of all who refresh, one in each `interval`, and says how long it is until then.
    func takePlace(every interval: Duration) async throws(LedgerError) -> Duration
}

/// One row.
package struct SealedGrant: Equatable, Sendable {
    package var account: AccountID
    package var sealed: [UInt8]
    /// Another number at each write.
    package var version: Int64
    /// The newest access token, for all who share the ledger. Nil: there is none.
    package var access: SealedAccess?
    /// What is left of a lease; nil if none runs.
    package var leaseLeft: Duration?
    /// When it was written, by the ledger's clock, and how long ago that is. That it was sealed anew does not count.
    package var writtenAt = Timestamp(milliseconds: 0)
    package var age = Duration.zero

    package init(
        account: AccountID, sealed: [UInt8], version: Int64, access: SealedAccess? = nil, leaseLeft: Duration? = nil
    ) {
        self.account = account
        self.sealed = sealed
        self.version = version
        self.access = access
        self.leaseLeft = leaseLeft
    }
}

package struct SealedAccess: Equatable, Sendable {
    package var sealed: [UInt8]
    /// By the ledger's clock, so that no host's own counts.
    package var timeLeft: Duration

    package init(sealed: [UInt8], timeLeft: Duration) {
        self.sealed = sealed
        self.timeLeft = timeLeft
    }
}

/// The right to refresh a grant.
package struct GrantLease: Equatable, Sendable {
    /// An earlier lease ended by itself: its refresh may have been made, and what it brought is lost.
    package var isInDoubt: Bool

    package init(isInDoubt: Bool) {
        self.isInDoubt = isInDoubt
    }
}

/// What a refresh has made of a row.
package struct RefreshedGrant: Equatable, Sendable {
    package var account: AccountID
    package var fence: Int64
    /// Of the row as it was read.
    package var version: Int64
    package var sealed: [UInt8]
    package var access: SealedAccess?

    package init(account: AccountID, fence: Int64, version: Int64, sealed: [UInt8], access: SealedAccess? = nil) {
        self.account = account
        self.fence = fence
        self.version = version
        self.sealed = sealed
        self.access = access
    }
}
