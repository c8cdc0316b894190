import Files
package import Jobs
package import Ledger

/// A copy of a ledger in a file, for `ledger restore`: by its name only once it is whole and on the disk. A file of that
/// name is replaced.
package final class FileCopyTarget: MoveTarget {
    package let place: String
    private let program: String
    private let output: Output
    // Nil before the beginning and after the end.
    private var file: MovedFile?

    /// What cannot be copied, in a class's keeping.
    private final class Output {
        var file: OutputFile?
        init(_ file: consuming OutputFile) { self.file = consume file }
    }

    package init(path: String, program: String) throws(LedgerError) {
        place = path
        self.program = program
        do throws(OutputFile.Failure) {
            output = Output(try OutputFile(path))
        } catch {
            throw .unavailable(error)
        }
    }

    package var mark: MoveMark? { nil }

    package func begin(_ moveID: String, from place: String, beginsAnew: Bool) throws(LedgerError) {
        guard let unfinished = output.file?.unfinished else { preconditionFailure("a copy is made once") }
        file = try MovedFile.make(
            unfinished, for: nil, mark: MoveMark(.arriving, moveID: moveID, place: place), program: program)
    }

    package func add(_ page: MovePage) throws(LedgerError) { try open.add(page) }

    package func add(_ beside: MovedBeside) throws(LedgerError) { try open.add(beside) }

    package func load(_ ids: [JobID]) throws(LedgerError) -> [JobID: MovedJob] { try open.load(ids) }

    package func beside() throws(LedgerError) -> MovedBeside { try open.beside() }

    package func counts() throws(LedgerError) -> MoveCounts { try open.counts() }

    package func makeDurable() throws(LedgerError) { try open.takeLogIn() }

    package func arrive() throws(LedgerError) {
        try close()
        guard let whole = output.file.take() else { preconditionFailure("a copy is made once") }
        do throws(OutputFile.Failure) {
            try whole.publish()
        } catch {
            throw .unavailable(error)
        }
    }

    private func close() throws(LedgerError) {
        let made = open
        try made.set(nil)
        try made.takeLogIn()
        try made.useNoLog()
        file = nil
    }

    private var open: MovedFile {
        guard let file else { preconditionFailure("a copy is open between its beginning and its end") }
        return file
    }
}
