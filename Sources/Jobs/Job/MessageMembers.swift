import JSON
import Secrets

/// The members of one message, read by name and rule. What it throws names the member, never its value, and carries
/// the job id and the account as far as they can be read.
struct MessageMembers {
    private let body: JSONMembers
    /// Where the members stand in the message: nothing, or `data.`.
    private let path: StaticString
    let jobID: JobID?
    let account: AccountID?

    /// `fallbackID` is the job id of a message whose body holds none.
    init(_ body: JSONMembers, fallbackID: JobID?, path: StaticString = "") {
        self.body = body
        self.path = path
        // A jobId that is there but broken must not be replaced: the two are different things then.
        jobID = body.has("jobId") ? body["jobId"]?.utf8.flatMap(JobID.init(checking:)) : fallbackID
        account = body["account"]?.utf8.flatMap(AccountID.init(checking:))
    }

    func rejection(_ reason: Reason, _ detail: String) -> Rejection {
        Rejection(reason, DetailText.scrubbed(detail), jobID: jobID, account: account)
    }

    /// `name`: of a member, or its path among the members.
    func malformed(_ name: String, _ fault: String) -> Rejection {
        rejection(.malformedJob, "\(path)\(name): \(fault)")
    }

    /// Only version 1 is known; it is also what an absent member means.
    func checkVersion() throws(Rejection) {
        // It may be an integer beyond every range, and is one all the same.
        if body.isIntegerOutOfRange("version") {
            throw rejection(.unsupportedVersion, "\(path)version: only 1 is supported")
        }
        guard let value = try value("version") else { return }
        guard let version = value.integer else { throw wrongType("version", value, "an integer") }
        guard version == 1 else {
            throw rejection(.unsupportedVersion, "\(path)version: \(version) is not supported; 1 is")
        }
    }

    /// The bytes of a string; nil if the member is absent.
    func string(_ name: String) throws(Rejection) -> [UInt8]? {
        guard let value = try value(name) else { return nil }
        guard let bytes = value.utf8 else { throw wrongType(name, value, "a string") }
        return bytes
    }

    func requiredString(_ name: String) throws(Rejection) -> [UInt8] {
        guard let bytes = try string(name) else { throw malformed(name, "it is missing") }
        return bytes
    }

    func object(_ name: String) throws(Rejection) -> [JSONValue.Member]? {
        guard let value = try value(name) else { return nil }
        guard let members = value.members else { throw wrongType(name, value, "an object") }
        return members
    }

    func wrongType(_ path: String, _ value: JSONValue, _ wanted: String) -> Rejection {
        let hint = value == .null ? "; leave the member out if there is nothing to say" : ""
        return malformed(path, "it is \(value.kind) where \(wanted) belongs\(hint)")
    }

    private func value(_ name: String) throws(Rejection) -> JSONValue? {
        do throws(JSONFault) {
            return try body.value(name)
        } catch {
            throw malformed(name, "\(error)")
        }
    }
}
