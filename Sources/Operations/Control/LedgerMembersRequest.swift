package import JSON
import Ledger

/// `ledger.members`: the daemons that share the ledger; none of a ledger that is a file.
package struct LedgerMembersRequest: LedgerRequest, ArgumentlessRequest {
    package static let name = RequestName.ledgerMembers

    package init() {}

    package struct Answer: ControlValue {
        /// Oldest first.
        package let members: [DaemonStatus.Member]

        package init(members: [DaemonStatus.Member]) {
            self.members = members
        }

        package init(json: JSONValue) throws(ControlFormatError) {
            members = try ControlMembers(json).list("members")
        }

        package var json: JSONValue { .object(of: ["members": .list(members)]) }
    }

    package func answer(from handler: LedgerRequestHandler) async throws(ControlFault) -> Answer {
        let members = try await handler.read { ledger throws(LedgerError) in try await ledger.members() }
        return Answer(members: members.map(DaemonStatus.Member.init))
    }
}
