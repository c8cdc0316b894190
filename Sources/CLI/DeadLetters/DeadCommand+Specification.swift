import Terminal

extension Commands {
    private static let filter: [OptionSpecification] = [
        .value("--reason", "REASON", isRepeatable: true, help: "letters with this reason"),
        .account("letters of this account"),
        .value("--job", "ID", isRepeatable: true, help: "letters of this job"),
        .value("--older", "DURATION", help: "dead for longer than this: 2h, 7d"),
        .value("--limit", "N", help: "so many at most"),
    ]
    private static let all = OptionSpecification.flag("--all", help: "without a filter: all of them")

    static let dead = Command(
        "dead", summary: "The dead letters: jobs that failed, and what never became one",
        discussion: """
            Looking takes nothing away, on any version of the broker. An interruption loses nothing: at worst a letter \
            is there twice, and its job runs once.
            """,
        commands: [
            Command(
                "list", summary: "One line for each letter", options: [.config, .json] + filter,
                action: .withSettings { try await DeadCommand(context: $0).list() }),
            Command(
                "show", summary: "One job's letter, and what a redrive would do", options: [.config, .json],
                positionals: [PositionalSpecification("ID", help: "the job's id")],
                action: .withSettings { try await DeadCommand(context: $0).show() }),
            Command(
                "stats", summary: "How many of each reason", options: [.config, .json],
                action: .withSettings { try await DeadCommand(context: $0).stats() }),
            Command(
                "redrive", summary: "Gives the jobs out again, as their next generation",
                discussion: """
                    A job whose deadline has passed stays, because it would end at once: --deadline gives it another \
                    one, or none. The message itself stays as it was published, and what was given lasts: through \
                    retries, and for later redrives too.
                    """,
                options: [.config, .json] + filter + [
                    .value(
                        "--deadline", "TIME",
                        help: "no call starts after it, in place of the job's own: 2026-11-23T19:50:00Z, or none"),
                    .value("--rate", "N", help: "so many a second at most"),
                    .flag("--dry-run", help: "say what would happen to each, and do nothing"), all,
                ], action: .withSettings { try await DeadCommand(context: $0).redrive() }),
            Command(
                "discard", summary: "Throws letters away",
                options: [.config, .json] + filter + [
                    .flag("--dry-run", help: "say which, and do nothing"), all,
                ], action: .withSettings { try await DeadCommand(context: $0).discard() }),
        ])
}
