package import Clocks
package import Jobs
package import Secrets

/// Where grants are refreshed from. It sees to it that nobody else refreshes the same one meanwhile.
package protocol GrantRefreshing: Sendable {
    /// Waits for whoever refreshes the account's grant, for some seconds where that is another machine.
    ///
    /// - Parameter unwanted: access tokens that are known already, or were refused.
    func begin(_ account: AccountID, unlike unwanted: Set<SHA256Digest>) async throws(GrantStoreError) -> RefreshStart

    /// Waits for the next place in the line of all who refresh from there.
    func waitForPlace() async throws(GrantStoreError)
}

/// What is found where a refresh was to begin.
package enum RefreshStart: Sendable {
    case notFound
    /// The grant has ended; nothing is to be asked.
    case ended(Grant)
    /// Another daemon has refreshed the grant.
    case token(AccessToken)
    /// Another daemon is still at it.
    case busy(String, retryAfter: Duration)
    /// Grants of this place are not to be refreshed now, until an operator has done something.
    case refused(String)
    case turn(any GrantTurn)
}

/// The right to refresh one grant.
package protocol GrantTurn: Sendable {
    var grant: Grant { get }

    /// Whether others take the turn over by themselves when its time is over: then what was not heard is not asked again
    /// before that, and what could not be written is tried on.
    var endsByItself: Bool { get }

    /// Said before each request to the token endpoint.
    func permission() async throws(GrantStoreError) -> RefreshPermission

    /// What the refresh has brought; durable when it returns. False if somebody else has written since.
    func save(_ grant: Grant, _ access: AccessToken?) async throws(GrantStoreError) -> Bool

    /// The grant as it is there now.
    func current() async throws(GrantStoreError) -> Grant?

    /// - Parameter isHeard: no refresh token was used up without an answer.
    func end(isHeard: Bool) async
}

package enum RefreshPermission: Sendable {
    /// `isInDoubt`: a refresh before this one may have been made, and its answer lost.
    case ask(beginsBefore: MonotonicTime?, isInDoubt: Bool)
    /// Somebody else has the grant, or has changed it.
    case lookAgain
}

/// Where users' grants are kept: a directory, or the ledger that daemons share.
package protocol GrantStoring: GrantRefreshing {
    /// For people.
    var place: String { get }

    /// Makes what has to be there before the first grant.
    func prepare() throws(GrantStoreError)

    /// Nil if there is none.
    func load(_ account: AccountID) async throws(GrantStoreError) -> Grant?

    /// Puts it in place of the account's grant, as the generation after that. All of them are durable after `sync`.
    func put(_ grant: Grant) async throws(GrantStoreError)
    func sync() async throws(GrantStoreError)

    /// False if there was none.
    func remove(_ account: AccountID) async throws(GrantStoreError) -> Bool

    /// Every grant; what cannot be read is said instead.
    func list(_ body: (Result<Grant, GrantStoreError>) throws -> Void) async throws

    /// The same grants under another key.
    func under(key: SealingKey) -> any GrantStoring

    /// Seals the account's grant with another key. Nothing happens if there is none.
    func reseal(_ account: AccountID, with key: SealingKey) async throws(GrantStoreError)

    func count() async throws(GrantStoreError) -> Int
}
