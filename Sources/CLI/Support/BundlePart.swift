import Concurrency
import Operations

/// One thing that a support bundle asks, of a program or of this one, and how long it may take.
struct BundlePart: Sendable {
    enum Form: Sendable {
        case text
        /// One JSON value.
        case json
        /// `journalctl --output=json`.
        case journal
    }

    let name: String
    /// The program's absolute path and its arguments.
    let command: [String]
    /// How a person would type it.
    let source: String
    var form = Form.text
    var timeout = Duration.seconds(10)
    /// Statuses that are an answer too, and no trouble: a check that finds faults has done its work.
    var answers: Set<Int32> = [0]

    /// Enough for every answer of this program; the journal's lines are the longest.
    private static let longest = 16 << 20

    /// Asks, and takes out what must not be told. Whatever goes wrong is a note, and no reason to stop.
    func collect(_ scrubber: Scrubber) async -> SupportArchive.Item {
        let (command, timeout) = (command, timeout)
        let outcome = await NativeThread.offload("bundle") {
            ChildProgram(command, timeout: timeout, longestOutput: Self.longest, inheritsEnvironment: true).run()
        }
        var notes: [String] = []
        switch outcome.termination {
        case .exited(let status) where answers.contains(status): break
        case .exited(let status): notes.append("exited with \(status)")
        case .signalled(let signal): notes.append("ended by signal \(signal)")
        case .timedOut: notes.append("no answer in \(timeout.components.seconds) s")
        case .tooLong: notes.append("cut after \(Self.longest >> 20) MiB")
        case .failed(let error): notes.append("\(error)")
        }
        let standardError = String(decoding: outcome.standardError, as: UTF8.self).split(separator: "\n").joined(
            separator: " | ")
        if !standardError.isEmpty { notes.append(standardError) }
        var contents = outcome.output
        switch form {
        case .text: contents = scrubber.scrubbed(contents)
        case .json: contents = Self.json(contents, scrubber)
        case .journal:
            let (text, leftOut) = JournalExcerpt.scrubbed(contents, with: scrubber)
            contents = text
            if leftOut > 0 { notes.append("\(leftOut) lines were no entries") }
        }
        if contents.isEmpty, notes.isEmpty { notes.append("it wrote nothing") }
        return SupportArchive.Item(
            name: name, source: source, contents: contents, note: scrubber.scrubbed(notes.joined(separator: ": ")))
    }
}
