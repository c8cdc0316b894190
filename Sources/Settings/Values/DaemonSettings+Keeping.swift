extension DaemonSettings {
    /// `[ledger]`
    package struct Ledger: Equatable, Sendable {
        package var path = "/var/lib/leave-albumd/ledger.sqlite3"
        /// A database that several daemons share, instead of the file at `path`. It holds no password.
        package var url: String?
        /// Read at each connect. Nil: the database asks for none.
        package var passwordFile: SecretFile?
        /// What this daemon is called among those that share the database. Nil: the host's name.
        package var instance: String?
        /// From the asking for a claim until the call's first byte has left, or never does. Five seconds: a commit and a
        /// new connection to the API fit in, and a worker that was paused for longer does not send.
        package var sendWindow: Duration = .seconds(5)
        /// What the network may still deliver after a call's own time limit: no other worker takes its job over before.
        package var grace: Duration = .seconds(5)
        /// Where what the database could not take is kept over the end of the process. Nil: `spool` in the service's state
        /// directory.
        package var spool: String?
        /// To the database, for jobs: so many batches are on their way at once.
        package var connections = 2
        /// Of the database: who else has to have a commit before a call rests on it.
        package var replication = Replication.auto
        /// Of the connection to the database.
        package var tls = TLS()
        package var durability = Durability.full
        /// How long a finished job is remembered, so that its id is known again.
        package var retention: Duration = .seconds(30 * 86_400)
    }

    package enum Durability: String, CaseIterable, Sendable {
        /// Safe against power loss.
        case full
        /// Safe against kill -9, not against power loss.
        case normal
    }

    package enum Replication: String, CaseIterable, Sendable {
        /// Whatever the database does; a standby that may lack commits is warned of.
        case auto
        /// Without a standby for which each commit waits no job is claimed.
        case required
        /// Whatever it does, without a warning.
        case none
    }

    /// `[admin]`
    package struct Admin: Equatable, Sendable {
        package var listen = ListenAddress.defaultAddress
        /// Nil: where `listen` is a loopback address. See `showsPage`.
        package var page: Bool?
        package var controlSocket = "/run/leave-albumd/control.sock"

        /// Whether `/` shows a page for people.
        package var showsPage: Bool { page ?? listen.isLoopback }
    }

    /// `[log]`
    package struct Log: Equatable, Sendable {
        package var level = Level.info
        package var format = Format.auto
        /// Accounts appear as the beginning of their SHA-256.
        package var hashAccounts = false
    }

    /// swift-log's names.
    package enum Level: String, CaseIterable, Sendable {
        case trace, debug, info, notice, warning, error, critical
    }

    package enum Format: String, CaseIterable, Sendable {
        /// The journal's where standard error is connected to it, else text on a terminal, else JSON.
        case auto
        case journal, json, text
    }
}

extension SettingRange {
    /// A claim that takes the commit alone needs some of it; the longer it is, the longer a dead worker's jobs wait.
    static let sendWindow: ClosedRange<Duration> = .milliseconds(100) ... .seconds(30)
    /// Packets that the network held back arrive within seconds.
    static let grace: ClosedRange<Duration> = .milliseconds(100) ... .seconds(30)
    static let connections = 1...4
    /// A delivery must be settled within two minutes, and one that another worker may be calling waits for the end of
    /// that lease first.
    static let longestLease = Duration.seconds(60)
    /// A name in tables and in the labels of metrics.
    static let instanceBytes = 64
    /// Below an hour a duplicate of an ordinary job could find its row gone.
    static let retention: ClosedRange<Duration> = .seconds(3_600) ... .seconds(3_650 * 86_400)
}
