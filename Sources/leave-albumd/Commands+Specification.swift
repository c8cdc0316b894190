import Terminal

/// The command line as data: its help is made of it, and so is what it refuses.
extension Commands {
    static let specification = CommandSpecification(
        "leave-albumd", summary: "Lets users leave shared albums, one job of a RabbitMQ queue at a time",
        options: [],
        subcommands: [
            CommandSpecification(
                "run", summary: "The daemon, in the foreground",
                options: [
                    config,
                    .flag(
                        "--new-ledger", help: "permit starting with an empty ledger beside queues that are not empty"),
                ]),
            CommandSpecification(
                "check", summary: "Reads the settings and prints every fault with line and column",
                options: [
                    config, json,
                    .flag("--live", help: "also try broker, topology, API, credentials and ledger; calls no method"),
                    .flag("--show", help: "print every setting as it is in force, without secrets"),
                    management,
                ]),
            topology, submit,
            CommandSpecification(
                "cancel", summary: "Lets jobs end without a call, also those that have not come yet",
                discussion: """
                    A job that has called goes on, unless --force ends it: by the running daemon, whatever is on hold, \
                    else in the ledger's file. A call in flight is awaited, and if its answer ends the job, that \
                    stands; else the job fails as cancelled, its effect unknown if a call ever began, its result \
                    published at once and its dead letter when its message comes. A job that the ledger does not know \
                    ends when it comes. Exit 1 if a job had ended before.
                    """,
                options: [config, json, .flag("--force", help: "also after a call has begun")],
                positionals: [PositionalSpecification("ID", .several, help: "a job's id")]),
            results, dead,
            CommandSpecification(
                "reconcile", summary: "Says of each job of a list where it stands, and what settles it",
                discussion: """
                    Exit 0 if every user of the list is known to have left, 1 if not. The summary at the end is made to \
                    be filed.
                    """,
                options: [
                    config, json,
                    .value(
                        "--file", "FILE", isRequired: true, help: "JSON lines with a jobId each; - is standard input"),
                    .flag("--summary", help: "only the summary"),
                ]),
            CommandSpecification(
                "job", summary: "One job's story: what the ledger knows of it", options: [config, json],
                positionals: [PositionalSpecification("ID", help: "the job's id")]),
            ledger, credentials,
            CommandSpecification(
                "status", summary: "What the running daemon says of itself", options: [config, json]),
            CommandSpecification(
                "pause", summary: "Lets no call begin until `resume`; the jobs stay in the broker",
                options: [config, json, account("only the jobs of this account")]),
            CommandSpecification(
                "resume", summary: "Ends a pause, or lets jobs test whether a hold is over",
                discussion: """
                    Nobody but the API can say that a hold of its own is over: jobs that have not failed in it try one \
                    after another, at once, and the first success lifts it. What only people know ends by the word: a \
                    pause, a queue that is there again.
                    """,
                options: [config, json, account("the jobs of this account")],
                positionals: [
                    PositionalSpecification("CAUSE", .optional, help: "as `holds` names it (default: the pause)")
                ]),
            CommandSpecification(
                "probe", summary: "Lets jobs test the holds now, before their time",
                discussion: """
                    A round: jobs that have not failed in the hold, one after another, each of another account where \
                    there is one, until one lifts it; at least eight, for 30 s at most. One that fails stands aside at \
                    no cost. Exit 1 if no hold is tested by jobs.
                    """,
                options: [config, json]),
            CommandSpecification(
                "holds", summary: "Why the worker or an account stands still, since when, and what comes next",
                discussion: """
                    TRIED is how many jobs have tested it in vain. Where jobs had ended before the refusal was known to \
                    be everybody's, the command that gives them out again stands below.
                    """,
                options: [config, json]),
            CommandSpecification(
                "quota", summary: "The day's calls, and when the backlog will be done", options: [config, json]),
            CommandSpecification("queues", summary: "How much waits in each queue", options: [config, json]),
            CommandSpecification(
                "bundle", summary: "Collects a support archive without secrets, whatever is down",
                discussion: """
                    A gzipped tar, readable for its owner alone, with a MANIFEST that says what is in it and what could \
                    not be had. No tokens, keys, passwords, jobs, results or messages; accounts are hashed. Prints the \
                    archive's name. Run it as root, or as a user who may read the settings and the journal.
                    """,
                options: [
                    config,
                    .value("--lines", "N", help: "of the journal (default 2000)"),
                    .value("--unit", "UNIT", help: "whose journal and state (default leave-albumd.service)"),
                ],
                positionals: [
                    PositionalSpecification(
                        "FILE", .optional,
                        help: "the archive; - is standard output (default: a name with the time, in this directory)")
                ]),
            CommandSpecification("version", summary: "Prints the version", options: [json]),
            CommandSpecification(
                "help", summary: "Prints the help of a command",
                positionals: [PositionalSpecification("COMMAND", .any, help: "the command")]),
        ], hasVersion: true)

    static let config = OptionSpecification.value(
        "--config", "FILE", help: "settings (default \(defaultConfig))")
    static let defaultConfig = "/etc/leave-albumd/leave-albumd.toml"
    private static let json = OptionSpecification.flag("--json", help: "print JSON")
    private static let management = OptionSpecification.value(
        "--management", "URL",
        help: "RabbitMQ's management interface, for arguments, bindings and effective policies: http://broker:15672")

    private static func account(_ help: String) -> OptionSpecification {
        .value("--account", "ACCOUNT", help: help)
    }

    private static let topology = CommandSpecification(
        "topology", summary: "The exchanges and queues on the broker",
        subcommands: [
            CommandSpecification("declare", summary: "Creates what is missing", options: [config, json]),
            CommandSpecification(
                "verify", summary: "Names each difference, and changes nothing", options: [config, json, management]),
            CommandSpecification(
                "delete", summary: "Removes all of it from the broker: the end of a trial",
                options: [
                    config,
                    .value("--confirm", "PREFIX", isRequired: true, help: "broker.prefix once more, as your word"),
                    .flag("--with-messages", help: "also if queues are not empty: what is in them is lost"),
                ]),
            CommandSpecification(
                "export", summary: "Prints RabbitMQ definitions with users of least permission",
                options: [
                    config,
                    .value(
                        "--rabbitmq", "3|4",
                        help: "the broker's major version (default 3): 4 adds an unlimited delivery limit of the "
                            + "dead letters, which 3 has by itself and refuses as a policy"),
                ]),
        ])

    private static let submit = CommandSpecification(
        "submit", summary: "Publishes jobs, and returns when the broker has them",
        discussion: """
            One job from --account and --share-token-file, or many as JSON lines from --file or standard input. A list \
            with a faulty line is refused as a whole, and so is one that gives an id to two different jobs; the same \
            job twice is submitted once. A job without a jobId gets a new one. Prints the id of each job that the \
            broker has.
            """,
        options: [
            config, json,
            .value("--account", "ACCOUNT", help: "whose album membership ends"),
            .value("--share-token-file", "FILE", help: "the album's share token; - is standard input"),
            .value("--id", "ID", help: "the job's id (default: a new one)"),
            .value("--deadline", "TIME", help: "no call starts after it: 2026-11-23T19:50:00Z"),
            .value("--metadata", "NAME=VALUE", isRepeatable: true, help: "echoed in the result"),
            .value("--file", "FILE", help: "jobs as JSON lines; - is standard input"),
            .flag("--bulk", help: "to the lane of mass jobs, which waits for interactive ones"),
            .flag("--unchecked", help: "publish lines as they are, to see what the worker says of bad input"),
            .flag("--wait", help: "wait for the results; exit 1 if one is not a success"),
            .value("--timeout", "DURATION", help: "how long to wait: 30s, 10m (default: for ever)"),
        ])

    private static let results = CommandSpecification(
        "results", summary: "Follows results live, or publishes stored ones again",
        discussion: """
            Following uses a queue of its own and takes nothing from anybody. --replay and --since publish what the \
            ledger has under the same message-ids, marked as replays.
            """,
        options: [
            config, json,
            .value("--job", "ID", help: "follow this job only"),
            .value("--limit", "N", help: "end after so many results"),
            .value("--replay", "ID", help: "publish the results of this job again"),
            .value("--since", "TIME", help: "publish all results from this time on again: 2026-11-23T19:50:00Z"),
        ])

    private static let letterFilter: [OptionSpecification] = [
        .value("--reason", "REASON", isRepeatable: true, help: "letters with this reason"),
        .value("--account", "ACCOUNT", help: "letters of this account"),
        .value("--job", "ID", isRepeatable: true, help: "letters of this job"),
        .value("--older", "DURATION", help: "dead for longer than this: 2h, 7d"),
        .value("--limit", "N", help: "so many at most"),
    ]

    private static let dead = CommandSpecification(
        "dead", summary: "The dead letters: jobs that failed, and what never became one",
        discussion: """
            Looking takes nothing away, on any version of the broker. An interruption loses nothing: at worst a letter \
            is there twice, and its job runs once.
            """,
        subcommands: [
            CommandSpecification("list", summary: "One line for each letter", options: [config, json] + letterFilter),
            CommandSpecification(
                "show", summary: "One job's letter, and what a redrive would do", options: [config, json],
                positionals: [PositionalSpecification("ID", help: "the job's id")]),
            CommandSpecification("stats", summary: "How many of each reason", options: [config, json]),
            CommandSpecification(
                "redrive", summary: "Gives the jobs out again, as their next generation",
                options: [config, json] + letterFilter + [
                    .value("--rate", "N", help: "so many a second at most"),
                    .flag("--dry-run", help: "say what would happen to each, and do nothing"),
                    .flag("--all", help: "without a filter: all of them"),
                ]),
            CommandSpecification(
                "discard", summary: "Throws letters away",
                options: [config, json] + letterFilter + [
                    .flag("--dry-run", help: "say which, and do nothing"),
                    .flag("--all", help: "without a filter: all of them"),
                ]),
        ])

    private static let credentials = CommandSpecification(
        "credentials", summary: "The users' grants in the store of [credentials.store]",
        subcommands: [
            CommandSpecification(
                "import", summary: "Seals refresh tokens into the store",
                discussion: """
                    JSON lines {"account","refreshToken","clientId"?,"scopes"?}, or with --account one object, which may \
                    be Google's authorized_user JSON. A list with a faulty line, or with two grants of one account, \
                    changes nothing.
                    """,
                options: [
                    config, .value("--account", "ACCOUNT", help: "whose grant the one object is"),
                    .value("--file", "FILE", help: "where they are; - is standard input, the default"),
                ]),
            CommandSpecification(
                "authorize", summary: "Asks one user for a grant, in a browser on this machine",
                discussion: "Prints the address to open, and waits. The client is of the kind for installed apps.",
                options: [
                    config, .value("--auth-url", "URL", help: "the authorization endpoint (default: Google's)"),
                ], positionals: [PositionalSpecification("ACCOUNT", help: "the key of the grant")]),
            CommandSpecification("list", summary: "Whose grants there are; no secrets", options: [config, json]),
            CommandSpecification(
                "check", summary: "Refreshes an access token for each account, or for those named",
                options: [config, json],
                positionals: [PositionalSpecification("ACCOUNT", .any, help: "an account")]),
            CommandSpecification(
                "remove", summary: "Removes grants", options: [config],
                positionals: [PositionalSpecification("ACCOUNT", .several, help: "an account")]),
            CommandSpecification(
                "rekey", summary: "Seals all grants with a new key; may be interrupted and run again",
                options: [
                    config, .value("--new-key-file", "FILE", isRequired: true, help: "32 bytes or 64 hex digits"),
                ]),
        ])

    private static let ledger = CommandSpecification(
        "ledger", summary: "The memory of every job. Goes through a running daemon, else opens the file",
        subcommands: [
            CommandSpecification("stats", summary: "How much it holds and owes", options: [config, json]),
            CommandSpecification(
                "prune", summary: "Removes jobs that ended long ago and owe nothing",
                options: [
                    config, json,
                    .value("--older", "DURATION", help: "30d; default: ledger.retention. A jobId is free again then"),
                ]),
            CommandSpecification(
                "verify", summary: "Checks the whole file. Seconds for millions of jobs", options: [config, json]),
            CommandSpecification(
                "forget", summary: "Removes everything about a job or an account",
                options: [config, json, .value("--account", "ACCOUNT", help: "all ended jobs of this account")],
                positionals: [PositionalSpecification("ID", .optional, help: "the job's id")]),
            CommandSpecification(
                "backup", summary: "Copies the ledger while jobs go on, and checks the copy",
                options: [config, json],
                positionals: [
                    PositionalSpecification("FILE", help: "the copy, replaced when it is whole; - is standard output")
                ]),
            CommandSpecification(
                "restore", summary: "Puts a backup in the ledger's place. The daemon must be stopped",
                options: [config, json],
                positionals: [PositionalSpecification("FILE", help: "the backup")]),
        ])
}
