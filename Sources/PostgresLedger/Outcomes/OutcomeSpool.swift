package import Files
import Secrets

/// The folder in which daemons leave what they could not write, and find it at the next start.
///
/// A file is written whole before it has its name, and goes when all of it is in the ledger: a kill in between leaves it,
/// and to write it again changes nothing. Each process has a name of its own for its file, so that none replaces another's.
package struct OutcomeSpool: Sendable {
    package typealias Failure = PrivateFolder.Failure

    /// A file that was left there.
    package struct Found: Sendable {
        package let name: String
        package let content: Content
    }

    package enum Content: Sendable {
        case journal(OutcomeJournal)
        /// It stays as it is.
        case refused(String)
    }

    private let folder: PrivateFolder
    private let ownName: String

    private static let beginning = "outcomes-"
    private static let end = ".jsonl"
    /// As many calls as a daemon has under way, each with a result of a few kilobytes; what is more is none of its files.
    private static let mostBytes = 64 << 20

    package var path: String { folder.path }

    /// Makes the folder where there is none.
    package init(_ path: String) throws(Failure) {
        folder = try PrivateFolder(path)
        ownName = "\(Self.beginning)\(String(UInt64.random(in: .min ... .max), radix: 16))\(Self.end)"
    }

    /// In the order of the names, which says nothing: what two files say of one job belongs to different claims.
    package func found() throws(Failure) -> [Found] {
        try folder.names().filter { $0.hasPrefix(Self.beginning) && $0.hasSuffix(Self.end) }.compactMap { name in
            content(of: name).map { Found(name: name, content: $0) }
        }
    }

    /// Nil: another daemon has written it into the ledger meanwhile.
    private func content(of name: String) -> Content? {
        do {
            guard let bytes = try folder.read(name, atMost: Self.mostBytes) else { return nil }
            return .journal(try OutcomeJournal(bytes))
        } catch let failure as Failure {
            return .refused(failure.description)
        } catch OutcomeJournal.Fault.ofANewerProgram {
            return .refused("\(path)/\(name) is of a newer leave-albumd")
        } catch {
            return .refused("\(path)/\(name) is no journal of outcomes")
        }
    }

    /// Durable when it returns. It replaces what this process has saved before. Returns the file's path.
    package func save(_ journal: OutcomeJournal) throws(Failure) -> String {
        try folder.write(ownName, journal.bytes)
        return "\(path)/\(ownName)"
    }

    package func remove(_ found: Found) throws(Failure) { try folder.remove(found.name) }

    /// Keeps what could not be understood of it, under a name that nobody looks for. Returns the path.
    package func setAside(_ found: Found) throws(Failure) -> String {
        try folder.rename(found.name, to: "\(found.name).unread")
        return "\(path)/\(found.name).unread"
    }
}
