import Concurrency
import Files

/// The files of a support archive and the manifest that describes them.
package struct SupportArchive: Sendable {
    /// One file of it, or the reason why there is none.
    package struct Item: Sendable {
        /// `status.json`
        package var name: String
        /// Where it is from, as a person would ask for it: `leave-albumd status --json`.
        package var source: String
        /// Scrubbed. Empty: the file is left out.
        package var contents: [UInt8]
        /// What went wrong, scrubbed. Empty: nothing.
        package var note: String

        package init(name: String, source: String, contents: [UInt8], note: String = "") {
            self.name = name
            self.source = source
            self.contents = contents
            self.note = note
        }
    }

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    package var items: [Item]
    /// The program that made it and when, for the manifest's first line.
    package var origin: String

    package init(origin: String, items: [Item]) {
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

    package var manifest: String {
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
    package func packed(in scratch: String) throws(Failure) -> [UInt8] {
        let packed: Result<[UInt8], Failure>
        do throws(SystemCallError) {
            var scratchFolder = try ScratchFolder(in: scratch)
            try scratchFolder.addFolder(Self.folder)
            let manifest = Item(name: Self.manifestName, source: "", contents: Array(self.manifest.utf8))
            for item in [manifest] + items where !item.contents.isEmpty {
                try scratchFolder.addFile("\(Self.folder)/\(item.name)", item.contents)
            }
            packed = Self.pack(scratchFolder.path)
        } catch {
            throw Failure(description: error.description)
        }
        return try packed.get()
    }

    private static func pack(_ scratchFolder: String) -> Result<[UInt8], Failure> {
        let outcome = ChildProgram(
            [
                Self.tar, "--create", "--gzip", "--file", "-", "--directory", scratchFolder, "--owner=0", "--group=0",
                "--numeric-owner", "--sort=name", Self.folder,
            ], timeout: Self.tarTime, longestOutput: Self.longest
        ).run()
        guard outcome.termination == .exited(0) else {
            let message = String(decoding: outcome.standardError, as: UTF8.self)
            return .failure(
                Failure(description: "\(Self.tar) could not pack the archive: \(outcome.termination) \(message)"))
        }
        return .success(outcome.output)
    }
}
