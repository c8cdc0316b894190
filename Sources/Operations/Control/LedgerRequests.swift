import Clocks
import Files
package import JSON
package import Jobs
package import Ledger

/// `ledger.stats`: how much the ledger holds and owes.
package struct LedgerStatisticsRequest: LedgerRequest, ArgumentlessRequest {
    package static let name = RequestName.ledgerStatistics

    package init() {}

    package struct Answer: ControlValue {
        package let kind: LedgerKind
        /// A file's path, or a host and a database.
        package let place: String
        package let statistics: LedgerStatistics

        package init(kind: LedgerKind, place: String, statistics: LedgerStatistics) {
            self.kind = kind
            self.place = place
            self.statistics = statistics
        }

        package init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            kind = try members.word("kind")
            place = try members.text("path")
            statistics = LedgerStatistics(
                entries: try members.count("entries"), open: try members.count("open"),
                ambiguous: try members.count("ambiguous"),
                calling: try members.optional("calling", members.count),
                unpublished: try members.count("unpublishedResults"),
                overdue: try members.count("overdue"), bytes: try members.count("bytes"),
                diskFreeBytes: try members.optional("diskFreeBytes", members.count),
                unpublishedDeadLetters: try members.count("unpublishedLetters"),
                createdAt: try members.optional("createdAt", members.time),
                lastBackupAt: try members.optional("lastBackupAt", members.time),
                isEstimated: try members.optional("estimated", members.bool) ?? false)
        }

        package var json: JSONValue {
            .object(of: [
                "kind": .word(kind), "path": .text(place), "entries": .count(statistics.entries),
                "open": .count(statistics.open), "ambiguous": .count(statistics.ambiguous),
                "calling": statistics.calling.map(JSONValue.count),
                "unpublishedResults": .count(statistics.unpublished),
                "unpublishedLetters": .count(statistics.unpublishedDeadLetters), "overdue": .count(statistics.overdue),
                "bytes": .count(statistics.bytes), "diskFreeBytes": statistics.diskFreeBytes.map(JSONValue.count),
                "createdAt": statistics.createdAt.map(JSONValue.time),
                "lastBackupAt": statistics.lastBackupAt.map(JSONValue.time),
                "estimated": statistics.isEstimated ? .bool(true) : nil,
            ])
        }
    }

    package func answer(from handler: LedgerRequestHandler) async throws(ControlFault) -> Answer {
        try await handler.read { ledger throws(LedgerError) in
            Answer(kind: ledger.kind, place: ledger.place, statistics: try await ledger.approximateStatistics())
        }
    }
}

/// `ledger.prune`: removes jobs that ended long ago and owe nothing.
package struct LedgerPruneRequest: LedgerRequest {
    package static let name = RequestName.ledgerPrune

    /// In whole seconds.
    package let olderThan: Duration

    package init(olderThan: Duration) {
        self.olderThan = .seconds(olderThan.components.seconds)
    }

    package init(json: JSONValue) throws(ControlFormatError) {
        guard let seconds = json["olderThanSeconds"]?.integer, seconds >= 0 else {
            throw ControlFormatError("olderThanSeconds is missing")
        }
        olderThan = .seconds(seconds)
    }

    package var json: JSONValue { .object(of: ["olderThanSeconds": .integer(olderThan.components.seconds)]) }

    package struct Answer: ControlValue {
        package let pruned: Int

        package init(pruned: Int) {
            self.pruned = pruned
        }

        package init(json: JSONValue) throws(ControlFormatError) { pruned = try ControlMembers(json).count("pruned") }

        package var json: JSONValue { .object(of: ["pruned": .count(pruned)]) }
    }

    package func answer(from handler: LedgerRequestHandler) async throws(ControlFault) -> Answer {
        Answer(
            pruned: try await handler.write { ledger throws(LedgerError) in
                try await ledger.prune(before: ledger.clock.wall() - olderThan)
            })
    }
}

/// `ledger.verify`: checks the whole ledger.
package struct LedgerVerifyRequest: LedgerRequest, ArgumentlessRequest {
    package static let name = RequestName.ledgerVerify

    package init() {}

    package struct Answer: ControlValue {
        /// Sentences, none if all is well.
        package let faults: [String]

        package init(faults: [String]) {
            self.faults = faults
        }

        package init(json: JSONValue) throws(ControlFormatError) { faults = try ControlMembers(json).texts("faults") }

        package var json: JSONValue { .object(of: ["faults": .array(faults.map(JSONValue.text))]) }
    }

    package func answer(from handler: LedgerRequestHandler) async throws(ControlFault) -> Answer {
        Answer(
            faults: try await handler.read { ledger throws(LedgerError) in try await ledger.verify() })
    }
}

/// `ledger.forget`: removes everything about a job, or about the ended jobs of an account.
package enum LedgerForgetRequest: LedgerRequest {
    case job(JobID)
    case account(AccountID)

    package static let name = RequestName.ledgerForget

    package init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        if let account = try members.optional("account", members.account) {
            self = .account(account)
        } else {
            self = .job(try members.jobID())
        }
    }

    package var json: JSONValue {
        switch self {
        case .job(let id): .object(of: ["jobId": .id(id)])
        case .account(let account): .object(of: ["account": .id(account)])
        }
    }

    package struct Answer: ControlValue {
        package let forgotten: Int
        /// Jobs that stay, because they are open or owe a result.
        package let needed: Int

        package init(forgotten: Int, needed: Int) {
            self.forgotten = forgotten
            self.needed = needed
        }

        package init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            forgotten = try members.count("forgotten")
            needed = try members.count("needed")
        }

        package var json: JSONValue { .object(of: ["forgotten": .count(forgotten), "needed": .count(needed)]) }
    }

    package func answer(from handler: LedgerRequestHandler) async throws(ControlFault) -> Answer {
        switch self {
        case .account(let account):
            let (forgotten, needed) = try await handler.write { ledger throws(LedgerError) in
                try await ledger.forget(account: account)
            }
            return Answer(forgotten: forgotten, needed: needed)
        case .job(let id):
            let answer = try await handler.write { ledger throws(LedgerError) in try await ledger.forget(id) }
            switch answer {
            case .forgotten: return Answer(forgotten: 1, needed: 0)
            case .needed: return Answer(forgotten: 0, needed: 1)
            case .unknown: throw .unknown("the ledger has nothing of job \(id)")
            }
        }
    }
}

/// `ledger.backup`: copies the ledger while jobs go on, and checks the copy.
package struct LedgerBackupRequest: LedgerRequest {
    package static let name = RequestName.ledgerBackup

    /// An absolute path: the daemon has a working directory of its own.
    package let file: String

    package init(file: String) {
        self.file = file
    }

    package init(json: JSONValue) throws(ControlFormatError) {
        guard let file = json["file"]?.text, file.hasPrefix("/") else {
            throw ControlFormatError("the backup's file needs an absolute path")
        }
        self.file = file
    }

    package var json: JSONValue { .object(of: ["file": .text(file)]) }

    package struct Answer: ControlValue {
        /// The copy.
        package let file: String

        package init(file: String) {
            self.file = file
        }

        package init(json: JSONValue) throws(ControlFormatError) { file = try ControlMembers(json).text("file") }

        package var json: JSONValue { .object(of: ["file": .text(file)]) }
    }

    package func answer(from handler: LedgerRequestHandler) async throws(ControlFault) -> Answer {
        do throws(OutputFile.Failure) {
            _ = try OutputFile.holdsFile(file)
        } catch {
            throw .refusedFile(error.description)
        }
        let file = file
        try await handler.read { ledger throws(LedgerError) in try await ledger.backUp(to: file) }
        return Answer(file: file)
    }
}
