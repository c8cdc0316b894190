import Terminal
import Testing

@Suite struct CommandSpecificationTests {
    private let program = CommandSpecification(
        "leave-albumd", summary: "Leaves shared albums",
        options: [.value("--config", "FILE", help: "the settings file")],
        subcommands: [
            CommandSpecification(
                "submit", summary: "Publish jobs",
                discussion: "Reads JSON lines from standard input where no account is given.",
                options: [
                    .value("--account", "A", help: "whose album"), .flag("--bulk", help: "low priority"),
                    .value("--limit", "N", help: "at most so many"),
                    .value(
                        "--reason", "WORD", isRepeatable: true,
                        help: "only jobs with this reason, which may be given several times to have any of them"),
                ]),
            CommandSpecification("job", summary: "One job's story", positionals: [.init("ID", help: "the job's id")]),
            CommandSpecification(
                "topology", summary: "Exchanges and queues",
                subcommands: [
                    CommandSpecification("declare", summary: "Create them"),
                    CommandSpecification("verify", summary: "Compare them"),
                ]),
            CommandSpecification(
                "resume", summary: "Go on", positionals: [.init("CAUSE", .optional, help: "which hold")]),
            CommandSpecification(
                "forget", summary: "Forget jobs", options: [.value("--by", "NAME", isRequired: true, help: "who")],
                positionals: [.init("ID", .several, help: "the jobs")]),
        ], hasVersion: true)

    private func parsed(_ line: String) throws -> ParsedArguments {
        switch try program.parse(line.split(separator: " ").map(String.init)) {
        case .run(let arguments): return arguments
        case .help, .version:
            Issue.record("no command is run")
            throw CancellationError()
        }
    }

    private func problem(_ line: String) -> String? {
        do throws(UsageError) {
            _ = try program.parse(line.split(separator: " ").map(String.init))
            return nil
        } catch {
            return error.problem
        }
    }

    @Test func theVersionIsTheProgramsAndNoCommandsOption() throws {
        #expect(try program.parse(["--version"]) == .version)
        #expect(try program.parse(["--config", "a.toml", "--version"]) == .version)
        #expect(problem("job --version x")?.contains("unknown option --version") == true)
        #expect(problem("--versoin")?.contains("did you mean --version") == true)
        #expect(program.help()?.contains("--version") == true)
        #expect(program.help(for: ["job"])?.contains("--version") == false)
        let other = CommandSpecification("other", summary: "Has none", subcommands: [])
        #expect(throws: UsageError.self) { _ = try other.parse(["--version"]) }
    }

    @Test func readsOptionsFlagsAndCommandsInAnyOrder() throws {
        let arguments = try parsed("--config a.toml submit --bulk --account=x=y --reason a --reason=b")
        #expect(arguments.command == ["submit"])
        #expect(arguments.value("--config") == "a.toml")
        #expect(arguments.value("--account") == "x=y")
        #expect(arguments.isSet("--bulk"))
        #expect(arguments.values("--reason") == ["a", "b"])
        #expect(arguments.value("--limit") == nil)

        let nested = try parsed("topology declare --config b.toml")
        #expect(nested.command == ["topology", "declare"])
        #expect(nested.value("--config") == "b.toml")
        #expect(try !parsed("submit").isSet("--bulk"))
    }

    @Test func readsPositionals() throws {
        #expect(try parsed("job a").positionals == ["a"])
        #expect(try parsed("resume").positionals == [])
        #expect(try parsed("resume quota_day").positionals == ["quota_day"])
        #expect(try parsed("forget --by me a b c").positionals == ["a", "b", "c"])
        #expect(try parsed("job -- --odd").positionals == ["--odd"])
        #expect(try parsed("job -").positionals == ["-"])
    }

    @Test(arguments: [
        ("", "a command is missing: submit, job, topology, resume, forget"),
        ("sumbit", "unknown command sumbit; did you mean submit?"), ("launch", "unknown command launch"),
        ("topology", "a command is missing: declare, verify"),
        ("submit --acount x", "unknown option --acount; did you mean --account?"),
        ("submit --confg x", "unknown option --confg; did you mean --config?"),
        ("submit -b", "unknown option -b"), ("submit --account", "--account needs a value: --account A"),
        ("submit --account --bulk", "--account needs a value: --account A"),
        ("submit --bulk=yes", "--bulk takes no value"), ("submit --bulk --bulk", "--bulk is given twice"),
        ("submit --account a --account b", "--account is given twice"), ("submit x", "unexpected argument x"),
        ("job", "ID is missing"), ("job a b", "unexpected argument b"), ("forget --by me", "ID is missing"),
        ("forget a", "--by NAME is missing"), ("job --account x", "unknown option --account"),
    ])
    func saysWhatIsWrong(line: String, problem: String) {
        #expect(self.problem(line) == problem)
    }

    @Test func aValueThatLooksLikeAnOptionIsAttached() throws {
        #expect(try parsed("submit --account=--bulk").value("--account") == "--bulk")
        #expect(try parsed("submit --account=").value("--account") == "")
    }

    @Test func usageErrorsShowHowTheCommandIsWritten() {
        let error = #expect(throws: UsageError.self) { try program.parse(["forget"]) }
        #expect(
            error?.description == """
                leave-albumd forget: ID is missing
                usage: leave-albumd forget --by NAME [options] ID...
                leave-albumd forget --help says more
                """)
    }

    @Test func wholeNumbersAreChecked() throws {
        #expect(try parsed("submit --limit 5").integer("--limit", in: 1...5) == 5)
        #expect(try parsed("submit").integer("--limit", in: 1...5) == nil)
        for text in ["6", "0", "x", "", "1.0"] {
            let arguments = try parsed("submit --limit=\(text)")
            let error = #expect(throws: UsageError.self) { try arguments.integer("--limit", in: 1...5) }
            #expect(error?.problem == "--limit takes a whole number from 1 to 5, not \(text)")
            #expect(error?.command == ["leave-albumd", "submit"])
        }
    }

    @Test func helpIsMadeFromTheSpecification() throws {
        let expected = """
            Publish jobs.

            usage: leave-albumd submit [options]

            Reads JSON lines from standard input where no account is given.

            options:
              --account A    whose album
              --bulk         low priority
              --limit N      at most so many
              --reason WORD  only jobs with this reason, which may be given several times to
                             have any of them
              --config FILE  the settings file
              --help         print this help

            """
        // Help goes before what is missing, so that a half-known command can be asked about.
        for line in [["submit", "--help"], ["--help", "submit"], ["submit", "--bulk", "-h"]] {
            #expect(try program.parse(line) == .help(expected))
        }
        #expect(program.help(for: ["submit"]) == expected)
        #expect(program.help(for: ["nothing"]) == nil)
    }

    @Test func helpOfTheProgramListsItsCommands() {
        #expect(
            program.help() == """
                Leaves shared albums.

                usage: leave-albumd [options] COMMAND

                commands:
                  submit    Publish jobs
                  job       One job's story
                  topology  Exchanges and queues
                  resume    Go on
                  forget    Forget jobs

                options:
                  --config FILE  the settings file
                  --version      print the version
                  --help         print this help

                """)
    }
}
