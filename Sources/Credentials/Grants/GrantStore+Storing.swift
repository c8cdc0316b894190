import Concurrency
import Glibc
package import Jobs
package import Secrets

/// The directory as a place of grants: a turn is the lock of one account's grant, held until it ends.
extension GrantStore: GrantStoring {
    package var place: String { directory }

    package func prepare() throws(GrantStoreError) {
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
            throw GrantStoreError(description: SystemCallError("making \(directory)", code: errno).description)
        }
    }

    package func put(_ grant: Grant) async throws(GrantStoreError) {
        try locked(grant.account) { () throws(GrantStoreError) in
            var next = grant
            next.generation = (try load(grant.account)?.generation ?? 0) + 1
            try save(next, isOneOfMany: true)
        }
    }

    package func list(_ body: (Result<Grant, GrantStoreError>) throws -> Void) async throws { try forEach(body) }

    package func under(key: SealingKey) -> any GrantStoring { with(key: key) }

    package func reseal(_ account: AccountID, with key: SealingKey) async throws(GrantStoreError) {
        let renewed = with(key: key)
        try locked(account) { () throws(GrantStoreError) in
            if let grant = try load(account) { try renewed.save(grant) }
        }
    }

    package func count() async throws(GrantStoreError) -> Int {
        var count = 0
        do {
            try forEach { _ in count += 1 }
        } catch {
            throw error as? GrantStoreError ?? GrantStoreError(description: "\(error)")
        }
        return count
    }

    // MARK: Refreshing

    /// Whoever refreshes from a directory shares no line with other machines.
    package func waitForPlace() async throws(GrantStoreError) {}

    package func begin(
        _ account: AccountID, unlike unwanted: Set<SHA256Digest>
    ) async throws(GrantStoreError) -> RefreshStart {
        try await offloaded { () throws(GrantStoreError) in
            let lock = try self.lock(account)
            guard let grant = try self.load(account) else {
                lock.release()
                return .notFound
            }
            guard grant.status == .active else {
                lock.release()
                return .ended(grant)
            }
            return .turn(DirectoryTurn(store: self, lock: lock, grant: grant))
        }
    }

    func offloaded<Answer: Sendable>(
        _ body: @escaping @Sendable () throws(GrantStoreError) -> Answer
    ) async throws(GrantStoreError) -> Answer {
        let result = await NativeThread.offload("grant") { () -> Result<Answer, GrantStoreError> in
            do throws(GrantStoreError) { return .success(try body()) } catch { return .failure(error) }
        }
        return try result.get()
    }
}

private struct DirectoryTurn: GrantTurn {
    let store: GrantStore
    let lock: GrantLock
    let grant: Grant

    var endsByItself: Bool { false }

    func permission() async throws(GrantStoreError) -> RefreshPermission { .ask(beginsBefore: nil, isInDoubt: false) }

    func save(_ changed: Grant, _ access: AccessToken?) async throws(GrantStoreError) -> Bool {
        try await store.offloaded { () throws(GrantStoreError) in try store.save(changed) }
        return true
    }

    func current() async throws(GrantStoreError) -> Grant? {
        try await store.offloaded { () throws(GrantStoreError) in try store.load(grant.account) }
    }

    func end(isHeard: Bool) async { lock.release() }
}
