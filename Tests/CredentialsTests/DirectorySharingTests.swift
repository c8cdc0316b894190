import Clocks
import Credentials
import Glibc
import Jobs
import Secrets
import Testing

/// A directory of grants beside a ledger that several daemons may share.
@Suite struct DirectorySharingTests {
    private struct Place {
        let folder = GrantFolder()
        let store: GrantStore

        init() throws {
            store = GrantStore(directory: folder.path, key: try #require(SealingKey(SealingKey.generate())))
            try store.save(
                Grant(
                    account: AccountID("anna"), clientID: "client", refreshToken: secret("rt"),
                    updatedAt: Timestamp(milliseconds: 0)))
        }
    }

    private struct Unknown: Error {}

    @Test func whoeverIsAloneRefreshesAndWhoeverIsNotDoesNot() async throws {
        let place = try Place()
        let alone = UnsharedDirectory(place.store) { nil }
        guard case .turn(let turn) = try await alone.begin(AccountID("anna"), unlike: []) else {
            Issue.record("nobody else has the grant")
            return
        }
        await turn.end(isHeard: true)
        let beside = UnsharedDirectory(place.store) { "worker-2 (epoch 7)" }
        guard case .refused(let detail) = try await beside.begin(AccountID("anna"), unlike: []) else {
            Issue.record("two would use one refresh token")
            return
        }
        #expect(detail.contains("worker-2 (epoch 7)") && detail.contains("credentials.store.backend = \"ledger\""))
        let unsure = UnsharedDirectory(place.store) { throw Unknown() }
        await #expect(throws: GrantStoreError.self) {
            _ = try await unsure.begin(AccountID("anna"), unlike: [])
        }
    }

    @Test func theLocksOfADirectoryAreTriedByAnotherProcess() throws {
        let place = try Place()
        try place.store.tryLocks()
        try place.store.tryLocks()
        let nowhere = GrantStore(
            directory: "/nonexistent", key: try #require(SealingKey(SealingKey.generate())))
        #expect(throws: GrantStoreError.self) { try nowhere.tryLocks() }
        // A file system of the kernel's own, on which no file can be made.
        let kernels = GrantStore(directory: "/proc/self", key: try #require(SealingKey(SealingKey.generate())))
        #expect(throws: GrantStoreError.self) { try kernels.tryLocks() }
    }
}
