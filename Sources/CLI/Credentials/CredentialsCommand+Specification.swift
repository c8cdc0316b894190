import Terminal

extension Commands {
    static let credentials = Command(
        "credentials", summary: "The users' grants in the store of [credentials.store]",
        commands: [
            Command(
                "import", summary: "Seals refresh tokens into the store",
                discussion: """
                    JSON lines {"account","refreshToken","clientId"?,"scopes"?}, or with --account one object, which may \
                    be Google's authorized_user JSON. A list with a faulty line, or with two grants of one account, \
                    changes nothing.
                    """,
                options: [
                    .config, .account("whose grant the one object is"),
                    .value("--file", "FILE", help: "where they are; - is standard input, the default"),
                ], action: .withSettings { try await CredentialsCommand(context: $0).importGrants() }),
            Command(
                "authorize", summary: "Asks one user for a grant, in a browser on this machine",
                discussion: "Prints the address to open, and waits. The client is of the kind for installed apps.",
                options: [
                    .config, .value("--auth-url", "URL", help: "the authorization endpoint (default: Google's)"),
                ], positionals: [PositionalSpecification("ACCOUNT", help: "the key of the grant")],
                action: .withSettings { try await AuthorizeCommand(context: $0).run() }),
            Command(
                "list", summary: "Whose grants there are; no secrets", options: [.config, .json],
                action: .withSettings { try await CredentialsCommand(context: $0).list() }),
            Command(
                "check", summary: "Refreshes an access token for each account, or for those named",
                options: [.config, .json],
                positionals: [PositionalSpecification("ACCOUNT", .any, help: "an account")],
                action: .withSettings { try await CredentialsCommand(context: $0).check() }),
            Command(
                "remove", summary: "Removes grants", options: [.config],
                positionals: [PositionalSpecification("ACCOUNT", .several, help: "an account")],
                action: .withSettings { try await CredentialsCommand(context: $0).remove() }),
            Command(
                "rekey", summary: "Seals all grants with a new key; may be interrupted and run again",
                options: [
                    .config, .value("--new-key-file", "FILE", isRequired: true, help: "32 bytes or 64 hex digits"),
                ], action: .withSettings { try await CredentialsCommand(context: $0).rekey() }),
            Command(
                "move", summary: "Moves the grants of a directory into the ledger; may be interrupted and run again",
                discussion: """
                    For credentials.store.backend = "ledger", with the daemons that used the directory stopped. A grant's \
                    file goes when the grant is durable in the ledger; it stays where the ledger has another grant of the \
                    account already.
                    """,
                options: [.config],
                positionals: [
                    PositionalSpecification(
                        "DIRECTORY", .optional, help: "where they are (default: credentials.store.directory)")
                ],
                action: .withSettings { try await CredentialsCommand(context: $0).move() }),
        ])
}
