package import JSON
package import Jobs
package import Ledger

/// `pause`: lets no call begin, or none of one account.
package struct PauseRequest: OperatorRequest {
    package static let name = RequestName.pause

    /// Nil: the worker, or all that share its ledger.
    package let account: AccountID?
    /// One worker of those that share the ledger, as `ledger.instance` names it; not together with an account.
    package let instance: String?

    package init(account: AccountID? = nil, instance: String? = nil) {
        self.account = account
        self.instance = instance
    }

    package init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        account = try members.optional("account", members.account)
        instance = try members.optional("instance", members.text)
    }

    package var json: JSONValue {
        .object(of: ["account": account.map(JSONValue.id), "instance": instance.map(JSONValue.text)])
    }

    package struct Answer: ControlValue {
        /// The account, the one worker, or the cause of the hold of all.
        package let paused: String
        /// Nil: the daemon shares its ledger with nobody.
        package let cluster: Acknowledgement?

        package init(paused: String, cluster: Acknowledgement? = nil) {
            self.paused = paused
            self.cluster = cluster
        }

        package init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            paused = try members.text("paused")
            cluster = try members.optional("cluster", members.part)
        }

        package var json: JSONValue { .object(of: ["paused": .text(paused), "cluster": cluster?.json]) }
    }
}

/// `resume`: ends a pause, or lets jobs test whether a hold is over.
package struct ResumeRequest: OperatorRequest {
    package static let name = RequestName.resume

    package let account: AccountID?
    /// The hold of the worker, as `holds` names it; not looked at with an account. Nil: the pause, else whatever holds.
    package let cause: String?
    /// As of a pause; alone.
    package let instance: String?

    package init(account: AccountID? = nil, cause: String? = nil, instance: String? = nil) {
        self.account = account
        self.cause = cause
        self.instance = instance
    }

    package init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        account = try members.optional("account", members.account)
        cause = try members.optional("cause", members.text)
        instance = try members.optional("instance", members.text)
    }

    package var json: JSONValue {
        .object(of: [
            "account": account.map(JSONValue.id), "cause": cause.map(JSONValue.text),
            "instance": instance.map(JSONValue.text),
        ])
    }

    package struct Answer: ControlValue {
        /// Causes of holds that have ended.
        package let lifted: [String]
        /// Jobs test the holds now.
        package let isProbing: Bool
        /// As of a pause.
        package let cluster: Acknowledgement?

        package init(lifted: [String] = [], isProbing: Bool, cluster: Acknowledgement? = nil) {
            self.lifted = lifted
            self.isProbing = isProbing
            self.cluster = cluster
        }

        package init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            lifted = try members.texts("lifted")
            isProbing = try members.bool("probing")
            cluster = try members.optional("cluster", members.part)
        }

        package var json: JSONValue {
            .object(of: [
                "lifted": .array(lifted.map(JSONValue.text)), "probing": .bool(isProbing), "cluster": cluster?.json,
            ])
        }
    }
}

/// `probe`: lets jobs test the holds before their time.
package struct ProbeRequest: ArgumentlessRequest {
    package static let name = RequestName.probe

    package init() {}

    package struct Answer: ControlValue {
        /// False: no hold is tested by jobs.
        package let isProbing: Bool
        /// As of a pause.
        package let cluster: Acknowledgement?

        package init(isProbing: Bool, cluster: Acknowledgement? = nil) {
            self.isProbing = isProbing
            self.cluster = cluster
        }

        package init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            isProbing = try members.bool("probing")
            cluster = try members.optional("cluster", members.part)
        }

        package var json: JSONValue { .object(of: ["probing": .bool(isProbing), "cluster": cluster?.json]) }
    }
}
