package import Jobs

/// Some of the jobs of a ledger that is moved. Behind the last one there are none.
package struct MovePage: Sendable {
    package var jobs: [MovedJob]
    /// The place of the last of them, without a space: the next page begins behind it.
    package var cursor: String

    package init(jobs: [MovedJob], cursor: String) {
        self.jobs = jobs
        self.cursor = cursor
    }

    /// The place of a job's id, where pages are in their order: hexadecimal digits behind an `i`, so that none is a
    /// number.
    package static func cursor(_ id: [UInt8]) -> String {
        "i" + id.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    package static func bytes(ofCursor text: String) -> [UInt8] {
        let digits = Array(text.utf8.dropFirst())
        return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
        }
    }
}

/// How much a ledger has.
package struct MoveCounts: Equatable, Sendable {
    /// With those that the ledger knows by a cancel alone.
    package var jobs = 0
    package var results = 0
    package var lines = 0

    package init(jobs: Int = 0, results: Int = 0, lines: Int = 0) {
        self.jobs = jobs
        self.results = results
        self.lines = lines
    }

    package mutating func add(_ job: MovedJob) {
        jobs += 1
        results += job.results.count
        lines += job.lines.count
    }
}

/// The ledger that is moved, while nobody else writes it. One thread uses it, and it blocks.
package protocol MoveSource: AnyObject {
    /// For people, without secrets.
    var place: String { get }
    var mark: MoveMark? { get }
    /// Another one once somebody has worked on the ledger.
    var moveID: String { get }
    /// About how many jobs there are, for whoever waits.
    var size: Int { get }

    /// Notes that it is being moved, if it is to be told whether somebody works on it meanwhile.
    func begin(to place: String) throws(LedgerError)
    /// The jobs after `cursor`, at most `limit`, always in the same order.
    func page(after cursor: String?, limit: Int) throws(LedgerError) -> MovePage
    func beside() throws(LedgerError) -> MovedBeside
    /// From here on nobody may use it.
    func leave(to place: String) throws(LedgerError)
}

/// The ledger that is made. One thread uses it, and it blocks.
package protocol MoveTarget: AnyObject {
    var place: String { get }
    var mark: MoveMark? { get }

    /// Makes it ready to take what comes. Throws if it is in use, or has something of its own.
    ///
    /// - Parameter beginsAnew: what has come by an earlier move is thrown away.
    func begin(_ moveID: String, from place: String, beginsAnew: Bool) throws(LedgerError)
    /// Adds a page, and notes in the same commit that all up to its end has come.
    func add(_ page: MovePage) throws(LedgerError)
    func add(_ beside: MovedBeside) throws(LedgerError)
    /// What it has of these jobs.
    func load(_ ids: [JobID]) throws(LedgerError) -> [JobID: MovedJob]
    func beside() throws(LedgerError) -> MovedBeside
    func counts() throws(LedgerError) -> MoveCounts
    /// What has come outlasts a power cut from here on.
    func makeDurable() throws(LedgerError)
    /// From here on it may be used. Once more does nothing.
    func arrive() throws(LedgerError)
}
