import Foundation
import Testing

/// The manuals and the completions that `scripts/package` makes: of the binary's help and the settings file, whole.
@Suite struct ManualTests {
    private static let packaging = Tree.root.appendingPathComponent("scripts/package_parts")

    private func binary(_ name: String) -> String {
        URL(fileURLWithPath: ProcessInfo.processInfo.arguments[0]).deletingLastPathComponent()
            .appendingPathComponent(name).path
    }

    private func made(_ script: String, _ words: String...) throws -> String {
        let program = try Program.run(
            [Self.packaging.appendingPathComponent(script).path] + words,
            environment: ["PYTHONDONTWRITEBYTECODE": "1", "SOURCE_DATE_EPOCH": "0"])
        #expect(program.status == 0, "\(program.text)")
        return program.text
    }

    /// As it stands in a page.
    private func roff(_ text: some StringProtocol) -> String { text.replacingOccurrences(of: "-", with: "\\-") }

    private func commands() throws -> [Substring] {
        let help = try Program.daemon("help").text
        return help.matches(of: #/(?m)^  ([a-z]+)  /#).map(\.output.1)
    }

    @Test func everyCommandAndItsOptionsAreInTheManual() throws {
        let page = try made("manual-of-commands", binary("leave-albumd"), "1.2.3")
        #expect(try commands().count > 15)
        for command in try commands() {
            let help = try Program.daemon("help", String(command)).text
            if help.contains("\ncommands:\n") {
                for child in help.matches(of: #/(?m)^  ([a-z]+)  /#).map(\.output.1) {
                    #expect(page.contains("\n.SS \"\(command) \(child)\"\n"), "\(command) \(child)")
                }
            } else {
                #expect(page.contains("\n.SS \"\(command)\"\n"), "\(command)")
            }
            for option in help.matches(of: #/(?m)^  (--[a-z-]+)/#).map(\.output.1) {
                #expect(page.contains("\n\\fB\(roff(option))"), "\(option)")
            }
        }
        #expect(page.contains("leave\\-albumd 1.2.3"))
    }

    @Test func everySettingIsInItsManual() throws {
        let path = Tree.root.appendingPathComponent("config/leave-albumd.toml")
        let page = try made("manual-of-settings", path.path, "1.2.3")
        let settings = try String(contentsOf: path, encoding: .utf8)
        let keys = settings.matches(of: #/(?m)^#?>? ?([a-z_0-9]+) = /#).map(\.output.1)
        #expect(keys.count > 40)
        for key in keys { #expect(page.contains("\n.TP\n\\fB\(key)\\fR\n"), "\(key)") }
        for table in settings.matches(of: #/(?m)^\[([a-z.]+)\]/#).map(\.output.1) {
            #expect(page.contains("\n.SS \"[\(table)]\"\n"), "\(table)")
        }
    }

    /// groff warns of a word that it cannot break, and `scripts/package` takes a warning for an error.
    @Test func everyWordFitsALine() throws {
        let settings = Tree.root.appendingPathComponent("config/leave-albumd.toml").path
        for page in [
            try made("manual-of-commands", binary("leave-albumd"), "1.2.3"),
            try made("manual-of-settings", settings, "1.2.3"),
            try made("manual-of-simulator", binary("photos-simulator"), "1.2.3"),
        ] {
            let shown = page.replacing(#/\\f[BIR]|\\&/#, with: "").replacing(#/\\\([a-z]{2}|\\[-e]/#, with: "x")
            let words = shown.replacing("\\:", with: " ").split(whereSeparator: \.isWhitespace)
            for word in words where word.count > 60 { Issue.record("\(word)") }
        }
    }

    @Test func theSimulatorHasItsPage() throws {
        let page = try made("manual-of-simulator", binary("photos-simulator"), "1.2.3")
        let help = try Program.run([binary("photos-simulator"), "--help"]).text
        for option in help.matches(of: #/(?m)^  (--[a-z-]+)/#).map(\.output.1) {
            #expect(page.contains("\n\\fB\(roff(option))"), "\(option)")
        }
    }

    /// A page with holes would be believed.
    @Test func whatCannotBeReadIsAnErrorAndNotAHole() throws {
        try withFolder { folder in
            let settings = folder.appendingPathComponent("odd.toml")
            for text in ["[broker]\nuris: amqp\n", "", "[broker]\n# of no key\n\nuris = []\n"] {
                try text.write(to: settings, atomically: true, encoding: .utf8)
                let program = try Program.run(
                    [Self.packaging.appendingPathComponent("manual-of-settings").path, settings.path, "1.2.3"],
                    environment: ["PYTHONDONTWRITEBYTECODE": "1"])
                #expect(program.status != 0, "\(text)")
            }
            let odd = folder.appendingPathComponent("odd")
            try "#!/bin/sh\necho 'no help of ours'\n".write(to: odd, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: odd.path)
            let lines = [["manual-of-commands", odd.path, "1.2.3"], ["manual-of-simulator", odd.path, "1.2.3"]]
            for line in lines + ["bash", "fish", "zsh"].map({ ["completion", $0, odd.path] }) {
                let program = try Program.run(
                    [Self.packaging.appendingPathComponent(line[0]).path] + line.dropFirst(),
                    environment: ["PYTHONDONTWRITEBYTECODE": "1"])
                #expect(program.status != 0, "\(line)")
            }
        }
    }

    // MARK: Completions

    /// A line, what each shell offers at its end, and what it does not. FILES are files.
    private static let cases: [(line: String, offers: [String], not: [String])] = [
        ("leave-albumd led", ["ledger"], ["job"]),
        ("leave-albumd ledger ", ["backup", "restore", "stats"], ["submit"]),
        ("leave-albumd submit --sh", ["--share-token-file"], ["--file"]),
        ("leave-albumd topology export --rabbitmq ", ["3", "4"], ["--config"]),
        ("leave-albumd check --config ", ["FILES"], ["--live"]),
        ("leave-albumd ledger backup ", ["FILES"], ["submit"]),
        ("leave-albumd help cred", ["credentials"], ["ledger"]),
        ("leave-albumd --config x dead redrive --dead", ["--deadline"], ["--rate"]),
        ("leave-albumd submit --account dead --", ["--share-token-file"], ["--reason"]),
    ]

    private func check(_ line: String, offered: [String], _ offers: [String], _ not: [String]) {
        #expect(Set(offers).isSubset(of: offered), "\(line): \(offered)")
        #expect(Set(not).isDisjoint(with: offered), "\(line): \(offered)")
    }

    /// Each shell has every word of the help: none is forgotten on the way.
    @Test(arguments: ["bash", "fish", "zsh"])
    func everyCommandAndOptionIsInTheCompletion(shell: String) throws {
        let script = try made("completion", shell, binary("leave-albumd"))
        for command in try commands() {
            #expect(script.contains(command), "\(command)")
            let help = try Program.daemon("help", String(command)).text
            for option in help.matches(of: #/(?m)^  --([a-z-]+)/#).map(\.output.1) {
                #expect(script.contains(shell == "fish" ? "-l \(option)" : "--\(option)"), "\(command) \(option)")
            }
        }
        try withFolder { folder in
            let file = folder.appendingPathComponent("completion")
            try script.write(to: file, atomically: true, encoding: .utf8)
            let program = try Program.run([shell, "-n", file.path])
            #expect(program.status == 0, "\(program.text)")
        }
    }

    /// The function with what compinit gives it, in short; of the words that it offers zsh itself takes those that fit.
    @Test func zshCompletesCommandsOptionsAndTheirValues() throws {
        let script = try made("completion", "zsh", binary("leave-albumd"))
        for (line, offers, not) in Self.cases {
            let zsh = """
                _files() { print FILES }
                fit() { print -l -- ${(M)@:#${words[CURRENT]}*} }
                _describe() { local -a offered; offered=("${(@P)argv[-1]}"); fit "${(@)offered%%:*}" }
                compadd() { shift; fit "$@" }
                typeset -a words
                words=("${(@s: :)LINE}") CURRENT=$#words
                \(script)
                """
            let program = try Program.run(["zsh", "-f", "-c", zsh], environment: ["LINE": line])
            #expect(program.status == 0, "\(program.text)")
            check(line, offered: program.text.split(whereSeparator: \.isWhitespace).map(String.init), offers, not)
        }
    }

    @Test func fishCompletesCommandsOptionsAndTheirValues() throws {
        let script = try made("completion", "fish", binary("leave-albumd"))
        try withFolder { folder in
            try script.write(to: folder.appendingPathComponent("c.fish"), atomically: true, encoding: .utf8)
            try FileManager.default.createDirectory(
                at: folder.appendingPathComponent("here"), withIntermediateDirectories: true)
            let here = folder.appendingPathComponent("here")
            try "".write(to: here.appendingPathComponent("FILES"), atomically: true, encoding: .utf8)
            for (line, offers, not) in Self.cases {
                let program = try Program.run(
                    [
                        "fish", "--no-config", "-c",
                        "cd \(here.path); source ../c.fish; complete -C $LINE | string split -f 1 \\t",
                    ], environment: ["LINE": line, "HOME": folder.path])
                check(line, offered: program.text.split(whereSeparator: \.isWhitespace).map(String.init), offers, not)
            }
        }
    }

    @Test func bashCompletesCommandsOptionsAndTheirValues() throws {
        let script = try made("completion", "bash", binary("leave-albumd"))
        for (line, offers, not) in Self.cases {
            // What bash-completion gives the function, in short.
            let bash = """
                _init_completion() {
                    words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
                    cur=${words[cword]} prev=${words[cword - 1]}
                }
                _filedir() { COMPREPLY=(FILES); }
                \(script)
                COMP_WORDS=(\(line)) COMP_CWORD=\(line.split(separator: " ", omittingEmptySubsequences: false).count - 1)
                COMP_WORDS[COMP_CWORD]=${COMP_WORDS[COMP_CWORD]-}
                _leave_albumd
                echo "${COMPREPLY[@]}"
                """
            let program = try Program.run(["bash", "-c", bash])
            check(line, offered: program.text.split(whereSeparator: \.isWhitespace).map(String.init), offers, not)
        }
    }
}
