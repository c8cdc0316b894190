import Files
import Threads

/// Files that are sent to whoever helps, and the manifest that says what they are.
public struct SupportArchive: Sendable {
    /// One file of it, or the reason why there is none.
    public struct Item: Sendable {
        /// `status.json`
        public var name: String
        /// Where it is from, as a person would ask for it: `leave-albumd status --json`.
        public var source: String
        /// Scrubbed. Empty: the file is left out.
        public var contents: [UInt8]
        /// What went wrong, scrubbed. Empty: nothing.
        public var note: String

        public init(name: String, source: String, contents: [UInt8], note: String = "") {
            self.name = name
            self.source = source
            self.contents = contents
            self.note = note
        }
    }

    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    public var items: [Item]
    /// The program that made it and when, for the manifest's first line.
    public var origin: String

    public init(origin: String, items: [Item]) {
        self.origin = origin
        self.items = items
    }

    private static let folder = "leave-albumd-bundle"
    private static let manifestName = "MANIFEST"
    /// tar is part of every Debian system, so the daemon needs no library for it. A few megabytes take it no time.
    private static let tar = "/bin/tar"
    private static let tarTime = Duration.seconds(60)
    /// More than all parts of a bundle at their longest.
    private static let longest = 512 << 20

    public var manifest: String {
        var text = """
            Support bundle of \(origin).

            Safe to send: it has no token, password, key, client secret or grant, no share token, no row of the ledger and
            no message of any queue. What could be one is "<redacted>", passwords in addresses are "***", and accounts are
            the beginning of their SHA-256. Ids of jobs, names of hosts, queues and files are in it as they are.


            """
        for item in items {
            let size = item.contents.isEmpty ? "not there" : "\(item.contents.count) bytes"
            text += "\(item.name): \(size), from: \(item.source)\n"
            if !item.note.isEmpty { text += "    \(item.note)\n" }
        }
        text += """

            Left out on purpose: jobs, results and letters; whose grants there are; the settings file itself (settings.txt
            has what is in force); environment variables; other units' logs.

            """
        return text
    }

    /// As a gzipped tar. It is made of a folder in `scratch` that only this user can read, and that is gone when this
    /// returns. It blocks.
    public func packed(in scratch: String) throws(Failure) -> [UInt8] {
        let packed: Result<[UInt8], Failure>
        do throws(SystemCallError) {
            var stage = try ScratchFolder(in: scratch)
            try stage.addFolder(Self.folder)
            let manifest = Item(name: Self.manifestName, source: "", contents: Array(self.manifest.utf8))
            for item in [manifest] + items where !item.contents.isEmpty {
                try stage.addFile("\(Self.folder)/\(item.name)", item.contents)
            }
            packed = Self.pack(stage.path)
        } catch {
            throw Failure(description: error.description)
        }
        return try packed.get()
    }

    private static func pack(_ stage: String) -> Result<[UInt8], Failure> {
        let outcome = ChildProgram(
            [
                Self.tar, "--create", "--gzip", "--file", "-", "--directory", stage, "--owner=0", "--group=0",
                "--numeric-owner", "--sort=name", Self.folder,
            ], timeout: Self.tarTime, longestOutput: Self.longest
        ).run()
        guard outcome.ending == .exited(0) else {
            let words = String(decoding: outcome.complaint, as: UTF8.self)
            return .failure(Failure(description: "\(Self.tar) could not pack the archive: \(outcome.ending) \(words)"))
        }
        return .success(outcome.output)
    }
}
