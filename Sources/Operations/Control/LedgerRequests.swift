import Files
public import JSON
public import Jobs
public import Ledger
import Threads

/// `ledger.stats`: how much the ledger holds and owes.
public struct LedgerStatisticsRequest: LedgerRequest, ArgumentlessRequest {
    public static let name = RequestName.ledgerStatistics

    public init() {}

    public struct Answer: ControlValue {
        public let path: String
        public let statistics: LedgerStatistics

        public init(path: String, statistics: LedgerStatistics) {
            self.path = path
            self.statistics = statistics
        }

        public init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            path = try members.text("path")
            statistics = LedgerStatistics(
                entries: try members.count("entries"), open: try members.count("open"),
                ambiguous: try members.count("ambiguous"), unpublished: try members.count("unpublishedResults"),
                overdue: try members.count("overdue"), bytes: try members.count("bytes"),
                diskFreeBytes: try members.count("diskFreeBytes"),
                unpublishedLetters: try members.count("unpublishedLetters"),
                createdAt: try members.optional("createdAt", members.time),
                lastBackupAt: try members.optional("lastBackupAt", members.time))
        }

        public var json: JSONValue {
            .object(of: [
                "path": .text(path), "entries": .count(statistics.entries), "open": .count(statistics.open),
                "ambiguous": .count(statistics.ambiguous), "unpublishedResults": .count(statistics.unpublished),
                "unpublishedLetters": .count(statistics.unpublishedLetters), "overdue": .count(statistics.overdue),
                "bytes": .count(statistics.bytes), "diskFreeBytes": .count(statistics.diskFreeBytes),
                "createdAt": statistics.createdAt.map(JSONValue.time),
                "lastBackupAt": statistics.lastBackupAt.map(JSONValue.time),
            ])
        }
    }

    public func answer(from desk: LedgerDesk) async throws(DeskFault) -> Answer {
        let now = desk.clock.wall()
        let statistics = try await desk.source.read(
            live: { ledger throws(LedgerError) in try await ledger.statistics() },
            file: { reader throws(LedgerError) in try reader.statistics(at: now) })
        return Answer(path: desk.source.path, statistics: statistics)
    }
}

/// `ledger.prune`: removes jobs that ended long ago and owe nothing.
public struct LedgerPruneRequest: LedgerRequest {
    public static let name = RequestName.ledgerPrune

    /// In whole seconds.
    public let olderThan: Duration

    public init(olderThan: Duration) {
        self.olderThan = .seconds(olderThan.components.seconds)
    }

    public init(json: JSONValue) throws(ControlFormatError) {
        guard let seconds = json["olderThanSeconds"]?.integer, seconds >= 0 else {
            throw ControlFormatError("olderThanSeconds is missing")
        }
        olderThan = .seconds(seconds)
    }

    public var json: JSONValue { .object(of: ["olderThanSeconds": .integer(olderThan.components.seconds)]) }

    public struct Answer: ControlValue {
        public let pruned: Int

        public init(pruned: Int) {
            self.pruned = pruned
        }

        public init(json: JSONValue) throws(ControlFormatError) { pruned = try ControlMembers(json).count("pruned") }

        public var json: JSONValue { .object(of: ["pruned": .count(pruned)]) }
    }

    public func answer(from desk: LedgerDesk) async throws(DeskFault) -> Answer {
        let time = desk.clock.wall() - olderThan
        return Answer(
            pruned: try await desk.source.write(clock: desk.clock) { ledger throws(LedgerError) in
                try await ledger.prune(before: time)
            })
    }
}

/// `ledger.verify`: checks the whole ledger.
public struct LedgerVerifyRequest: LedgerRequest, ArgumentlessRequest {
    public static let name = RequestName.ledgerVerify

    public init() {}

    public struct Answer: ControlValue {
        /// Sentences, none if all is well.
        public let faults: [String]

        public init(faults: [String]) {
            self.faults = faults
        }

        public init(json: JSONValue) throws(ControlFormatError) { faults = try ControlMembers(json).texts("faults") }

        public var json: JSONValue { .object(of: ["faults": .array(faults.map(JSONValue.text))]) }
    }

    public func answer(from desk: LedgerDesk) async throws(DeskFault) -> Answer {
        Answer(
            faults: try await desk.source.read(
                live: { ledger throws(LedgerError) in try await ledger.verify() },
                file: { reader throws(LedgerError) in try reader.faults() }))
    }
}

/// `ledger.forget`: removes everything about a job, or about the ended jobs of an account.
public enum LedgerForgetRequest: LedgerRequest {
    case job(JobID)
    case account(AccountID)

    public static let name = RequestName.ledgerForget

    public init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        if let account = try members.optional("account", members.account) {
            self = .account(account)
        } else {
            self = .job(try members.jobID())
        }
    }

    public var json: JSONValue {
        switch self {
        case .job(let id): .object(of: ["jobId": .id(id)])
        case .account(let account): .object(of: ["account": .id(account)])
        }
    }

    public struct Answer: ControlValue {
        public let forgotten: Int
        /// Jobs that stay, because they are open or owe a result.
        public let needed: Int

        public init(forgotten: Int, needed: Int) {
            self.forgotten = forgotten
            self.needed = needed
        }

        public init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            forgotten = try members.count("forgotten")
            needed = try members.count("needed")
        }

        public var json: JSONValue { .object(of: ["forgotten": .count(forgotten), "needed": .count(needed)]) }
    }

    public func answer(from desk: LedgerDesk) async throws(DeskFault) -> Answer {
        switch self {
        case .account(let account):
            let (forgotten, needed) = try await desk.source.write(clock: desk.clock) { ledger throws(LedgerError) in
                try await ledger.forget(account: account)
            }
            return Answer(forgotten: forgotten, needed: needed)
        case .job(let id):
            let answer = try await desk.source.write(clock: desk.clock) { ledger throws(LedgerError) in
                try await ledger.forget(id)
            }
            switch answer {
            case .forgotten: return Answer(forgotten: 1, needed: 0)
            case .needed: return Answer(forgotten: 0, needed: 1)
            case .unknown: throw .unknown("the ledger has nothing of job \(id)")
            }
        }
    }
}

/// `ledger.backup`: copies the ledger while jobs go on, and checks the copy.
public struct LedgerBackupRequest: LedgerRequest {
    public static let name = RequestName.ledgerBackup

    /// An absolute path: the daemon has a working directory of its own.
    public let file: String

    public init(file: String) {
        self.file = file
    }

    public init(json: JSONValue) throws(ControlFormatError) {
        guard let file = json["file"]?.text, file.hasPrefix("/") else {
            throw ControlFormatError("the backup's file needs an absolute path")
        }
        self.file = file
    }

    public var json: JSONValue { .object(of: ["file": .text(file)]) }

    public struct Answer: ControlValue {
        /// The copy.
        public let file: String

        public init(file: String) {
            self.file = file
        }

        public init(json: JSONValue) throws(ControlFormatError) { file = try ControlMembers(json).text("file") }

        public var json: JSONValue { .object(of: ["file": .text(file)]) }
    }

    public func answer(from desk: LedgerDesk) async throws(DeskFault) -> Answer {
        do throws(OutputFile.Failure) {
            _ = try OutputFile.holdsFile(file)
        } catch {
            throw .refusedFile(error.description)
        }
        let file = file
        try await desk.source.read(
            live: { ledger throws(LedgerError) in try await ledger.backUp(to: file) },
            file: { reader throws(LedgerError) in try reader.backUp(to: file) })
        return Answer(file: file)
    }
}
