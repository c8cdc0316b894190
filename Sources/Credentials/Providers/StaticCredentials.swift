import Concurrency
package import Jobs
package import Secrets

/// Tokens from a file that somebody else keeps fresh: for tests and trials.
///
/// The file is one token for all accounts, or lines of an account, a tab and its token; accounts are bytes. It is read
/// at the start, and again when the API has refused a token that came from it, so that a rotated file is picked up.
package final class StaticCredentials: CredentialProvider {
    /// What to log at every start. Without secrets.
    package let warnings: [String]

    private let path: String
    // Whichever thread read the file last writes it. When two read it at once the older content may win; the next
    // refusal reads again.
    private let table: Lock<TokenTable>

    /// Reads the file; it blocks, as files do.
    package init(path: String) throws(TokenFileError) {
        self.path = path
        let file = try TokenTable.read(path: path)
        table = Lock(file.table)
        var warnings = [
            "the provider \"static\" serves access tokens from \(path), which nothing renews: use it for trials only"
        ]
        if file.isReadableByOthers {
            warnings.append("\(path) holds access tokens, and its mode lets others read it: chmod 600 \(path)")
        }
        self.warnings = warnings
    }

    /// Answers at once, but after a refusal reads the file: a short wait on a local disk, which refusals are rare
    /// enough for.
    package func token(for account: AccountID, rejecting rejected: SHA256Digest?) async -> TokenAnswer {
        guard let known = table.withLock({ $0.token(for: account) }) else { return .notFound }
        guard known.isThat(rejected) else { return .token(known) }
        let fresh: AccessToken?
        do throws(TokenFileError) {
            let read = try TokenTable.read(path: path).table
            table.withLock { $0 = read }
            fresh = read.token(for: account)
        } catch {
            return .unavailable("the token was refused, and its file cannot be read again: \(error)", retryAfter: nil)
        }
        guard let fresh else { return .notFound }
        guard !fresh.isThat(rejected) else {
            return .rejected("the token was refused, and \(path) has no other")
        }
        return .token(fresh)
    }
}
