import Foundation
import Glibc

/// As whom the server runs: PostgreSQL refuses to be root's.
enum ServerUser {
    private static let account: (user: UInt32, group: UInt32)? = {
        guard getuid() == 0 else { return nil }
        guard let entry = getpwnam("postgres") ?? getpwnam("nobody") else { return nil }
        return (entry.pointee.pw_uid, entry.pointee.pw_gid)
    }()

    /// What stands before the server's program. Changing the user takes back the signal at the parent's death, so it is
    /// asked for again: SIGQUIT, at which the server ends its children and frees its shared memory.
    static var command: [String] {
        let options = ["--pdeathsig", "QUIT", "--"]
        guard let account else { return ["/usr/bin/setpriv"] + options }
        let user = ["--reuid=\(account.user)", "--regid=\(account.group)", "--clear-groups"]
        return ["/usr/bin/setpriv"] + user + options
    }

    static func give(_ file: URL) throws {
        guard let account else { return }
        guard chown(file.path, account.user, account.group) == 0 else {
            throw PrivateDatabase.NotReady(description: "chown \(file.path): errno \(errno)")
        }
    }
}
