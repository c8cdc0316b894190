public import JSON
public import Jobs

/// `pause`: lets no call begin, or none of one account.
public struct PauseRequest: OperatorRequest {
    public static let name = RequestName.pause

    /// Nil: the worker.
    public let account: AccountID?

    public init(account: AccountID? = nil) {
        self.account = account
    }

    public init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        account = try members.optional("account", members.account)
    }

    public var json: JSONValue { .object(of: ["account": account.map(JSONValue.id)]) }

    public struct Answer: ControlValue {
        /// The account, or the cause of the worker's hold.
        public let paused: String

        public init(paused: String) {
            self.paused = paused
        }

        public init(json: JSONValue) throws(ControlFormatError) { paused = try ControlMembers(json).text("paused") }

        public var json: JSONValue { .object(of: ["paused": .text(paused)]) }
    }
}

/// `resume`: ends a pause, or lets jobs test whether a hold is over.
public struct ResumeRequest: OperatorRequest {
    public static let name = RequestName.resume

    public let account: AccountID?
    /// The hold of the worker, as `holds` names it; not looked at with an account. Nil: the pause, else whatever holds.
    public let cause: String?

    public init(account: AccountID? = nil, cause: String? = nil) {
        self.account = account
        self.cause = cause
    }

    public init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        account = try members.optional("account", members.account)
        cause = try members.optional("cause", members.text)
    }

    public var json: JSONValue {
        .object(of: ["account": account.map(JSONValue.id), "cause": cause.map(JSONValue.text)])
    }

    public struct Answer: ControlValue {
        /// Causes of holds that have ended.
        public let lifted: [String]
        /// Jobs test the holds now.
        public let isProbing: Bool

        public init(lifted: [String] = [], isProbing: Bool) {
            self.lifted = lifted
            self.isProbing = isProbing
        }

        public init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            lifted = try members.texts("lifted")
            isProbing = try members.bool("probing")
        }

        public var json: JSONValue {
            .object(of: ["lifted": .array(lifted.map(JSONValue.text)), "probing": .bool(isProbing)])
        }
    }
}

/// `probe`: lets jobs test the holds before their time.
public struct ProbeRequest: ArgumentlessRequest {
    public static let name = RequestName.probe

    public init() {}

    public struct Answer: ControlValue {
        /// False: no hold is tested by jobs.
        public let isProbing: Bool

        public init(isProbing: Bool) {
            self.isProbing = isProbing
        }

        public init(json: JSONValue) throws(ControlFormatError) { isProbing = try ControlMembers(json).bool("probing") }

        public var json: JSONValue { .object(of: ["probing": .bool(isProbing)]) }
    }
}
