import Clocks
import Jobs
import Secrets
import Testing

@testable import Credentials

/// A grant as it is sealed, which programs of two versions read and write.
@Suite struct GrantFormTests {
    private func text(_ secret: Secret) -> String { secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }

    @Test func whatANewerProgramHasNotedOfItOutlivesARefreshOfThisOne() throws {
        let header =
            #"{"clientId":"c","family":{"id":7},"generation":3,"#
            + #""scopes":["s"],"seal":null,"status":"active","updatedAtMs":5}"#
        var grant = try #require(
            Grant(packed: Secret(copying: Array("\(header)\nold".utf8)), account: AccountID("anna")))
        #expect(text(grant.packed) == "\(header)\nold")
        grant.refreshToken = Secret(copying: Array("new".utf8))
        grant.generation += 1
        grant.scopes = nil
        let written =
            #"{"clientId":"c","family":{"id":7},"generation":4,"seal":null,"#
            + #""status":"active","updatedAtMs":5}"#
        #expect(text(grant.packed) == "\(written)\nnew")
        let again = try #require(Grant(packed: grant.packed, account: AccountID("anna")))
        #expect(again == grant && again.scopes == nil)
    }
}
