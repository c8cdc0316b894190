import Ledger
import Testing

@testable import Settings

/// What members take for granted of each other's settings.
@Suite struct LeaseLimitTests {
    @Test func theLongestLeaseThatSettingsPermitIsTheOneThatMembersWaitFor() {
        #expect(SettingRange.longestLease == LeaseDurations.longest)
    }
}
