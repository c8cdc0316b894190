package import JSON
package import Ledger

/// How far an operator's word has come in a cluster, as a member of the answer to it; a daemon that shares its ledger with
/// nobody has no such member.
///
/// | `state` | |
/// |---|---|
/// | `complete` | all live members work by it |
/// | `lacking` | but for the members in `lacking`, `name` and `epoch` of each |
/// | `unwritten` | it is not written yet: the others follow when it is |
extension Acknowledgement: ControlValue {
    private enum Word: String {
        case complete
        case lacking
        case unwritten
    }

    package init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        let word: Word = try members.word("state")
        switch word {
        case .complete: self = .complete
        case .lacking: self = .lacking(try members.list("lacking"))
        case .unwritten: self = .unwritten
        }
    }

    package var json: JSONValue {
        switch self {
        case .complete: .object(of: ["state": .word(Word.complete)])
        case .lacking(let members): .object(of: ["state": .word(Word.lacking), "lacking": .list(members)])
        case .unwritten: .object(of: ["state": .word(Word.unwritten)])
        }
    }
}

extension MemberIdentity: ControlValue {
    package init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        self.init(name: try members.text("name"), epoch: try members.count("epoch"))
    }

    package var json: JSONValue { .object(of: ["name": .text(name), "epoch": .count(epoch)]) }
}
