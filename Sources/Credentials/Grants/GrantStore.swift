import CLinux
import Concurrency
import Glibc
package import Jobs
package import Secrets

/// Why the store cannot be read or written. Without secrets.
package struct GrantStoreError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String
    /// Nobody has to do anything: it goes on by itself.
    package let mayPass: Bool

    init(description: String, mayPass: Bool = false) {
        self.description = description
        self.mayPass = mayPass
    }
}

/// A directory of sealed grants, one file for each account: its name is the SHA-256 of the account, its mode 0600.
///
/// A file is the mark `LAG1`, the account's length and bytes, then the grant sealed with the account as associated
/// data. It is replaced by a complete new one, durably. All of it blocks, as files do.
package struct GrantStore: Sendable {
    package let directory: String
    private let key: SealingKey

    private static let mark = Array("LAG1".utf8)
    private static let largest = 64 << 10
    /// What an interrupted write leaves; it is never read.
    private static let unfinished = ".new-"

    package init(directory: String, key: SealingKey) {
        self.directory = directory
        self.key = key
    }

    /// The same files under another key.
    package func with(key: SealingKey) -> GrantStore { GrantStore(directory: directory, key: key) }

    package func path(of account: AccountID) -> String {
        "\(directory)/\(SHA256Digest(of: account.utf8).hexadecimal)"
    }

    // MARK: Reading

    /// Nil if there is none.
    package func load(_ account: AccountID) throws(GrantStoreError) -> Grant? {
        let path = path(of: account)
        guard let sealed = try Self.read(path) else { return nil }
        guard sealed.account == account else { throw GrantStoreError(description: "\(path) is of another account") }
        return try open(sealed, path)
    }

    private struct Sealed {
        var account: AccountID
        var bytes: [UInt8]
    }

    private func open(_ sealed: Sealed, _ path: String) throws(GrantStoreError) -> Grant {
        guard let packed = key.open(sealed.bytes, context: sealed.account.utf8) else {
            throw GrantStoreError(
                description: "\(path) cannot be opened: it was sealed with another key than credentials.store.key_file "
                    + "has, or was changed")
        }
        guard let grant = Grant(packed: packed, account: sealed.account) else {
            throw GrantStoreError(description: "\(path) was sealed by a newer leave-albumd")
        }
        return grant
    }

    private static func read(_ path: String) throws(GrantStoreError) -> Sealed? {
        let contents: SecretFileContents
        do throws(SecretFileError) {
            contents = try SecretFileContents(path: path)
        } catch {
            if case .unreadable(code: ENOENT) = error { return nil }
            throw GrantStoreError(description: "\(path): \(error)")
        }
        let bytes = contents.secret.withUnsafeBytes { Array($0) }
        guard bytes.starts(with: mark), bytes.count >= mark.count + 2, bytes.count <= largest else {
            throw GrantStoreError(description: "\(path) is no sealed grant")
        }
        let length = Int(bytes[mark.count]) << 8 | Int(bytes[mark.count + 1])
        let start = mark.count + 2
        guard bytes.count > start + length else { throw GrantStoreError(description: "\(path) is cut off") }
        return Sealed(
            account: AccountID(utf8: Array(bytes[start..<start + length])), bytes: Array(bytes[(start + length)...]))
    }

    /// Every grant, in no order; what cannot be read is told instead.
    package func forEach(_ body: (Result<Grant, GrantStoreError>) throws -> Void) throws {
        guard let folder = opendir(directory) else {
            throw GrantStoreError(description: SystemCallError("reading \(directory)").description)
        }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name.0) { String(cString: $0) }
            guard name.utf8.count == 64, !name.hasPrefix(".") else { continue }
            guard let result = grant(at: "\(directory)/\(name)") else { continue }
            try body(result)
        }
    }

    private func grant(at path: String) -> Result<Grant, GrantStoreError>? {
        do throws(GrantStoreError) {
            return try Self.read(path).map { sealed throws(GrantStoreError) in .success(try open(sealed, path)) }
        } catch {
            return .failure(error)
        }
    }

    // MARK: Writing

    /// Durable when it returns: the file, its name and the directory. With `isOneOfMany` the name is so after `sync`.
    package func save(_ grant: Grant, isOneOfMany: Bool = false) throws(GrantStoreError) {
        let account = grant.account.utf8
        let bytes =
            Self.mark + [UInt8(account.count >> 8), UInt8(account.count & 255)] + account
            + key.seal(grant.packed, context: account)
        let path = path(of: grant.account)
        let temporary = "\(directory)/\(Self.unfinished)\(getpid())-\(UInt64.random(in: 0 ... .max))"
        func fail(_ attempted: String) -> GrantStoreError {
            let error = SystemCallError("\(attempted) \(path)")
            unlink(temporary)
            return GrantStoreError(description: "\(error)")
        }
        let descriptor = CLinux_open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw fail("making") }
        defer { close(descriptor) }
        guard write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            throw fail("writing")
        }
        guard rename(temporary, path) == 0 else { throw fail("replacing") }
        if !isOneOfMany { try sync() }
    }

    /// False if there was none.
    package func remove(_ account: AccountID) throws(GrantStoreError) -> Bool {
        guard unlink(path(of: account)) == 0 else {
            guard CLinux_errno() == ENOENT else {
                throw GrantStoreError(description: SystemCallError("removing \(path(of: account))").description)
            }
            return false
        }
        try sync()
        return true
    }

    /// Makes the names of what was saved durable.
    package func sync() throws(GrantStoreError) {
        let folder = CLinux_open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        defer { close(folder) }
        guard folder >= 0, fsync(folder) == 0 else {
            throw GrantStoreError(description: SystemCallError("writing \(directory)").description)
        }
    }

    // MARK: One writer for each account

    /// Runs `body` while no other process does so for this account: a rotation that two made at once would lose one.
    package func locked<Answer>(
        _ account: AccountID, _ body: () throws(GrantStoreError) -> Answer
    ) throws(GrantStoreError) -> Answer {
        let lock = try lock(account)
        defer { lock.release() }
        return try body()
    }

    /// Held until it is released. It waits for whoever has it.
    func lock(_ account: AccountID) throws(GrantStoreError) -> GrantLock {
        try GrantLock(directory: directory, account: account)
    }
}
