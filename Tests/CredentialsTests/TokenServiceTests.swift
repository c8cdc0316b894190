import Clocks
import Concurrency
import Credentials
import Foundation
import HTTP
import JSON
import Jobs
import PrivateBroker
import Secrets
import Testing

/// Token services of the operator's own: a program, and a server on a Unix socket.
@Suite(.timeLimit(.minutes(30))) struct TokenServiceTests {
    private let account = AccountID("anna")
    private static let good =
        #"{"version":1,"account":"anna","access_token":"tok","token_type":"Bearer","expires_at":"2999-01-01T00:00:00Z"}"#

    private func word(_ answer: TokenAnswer) -> String {
        guard case .token(let token) = answer else { return "\(answer)" }
        return token.secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    // MARK: exec

    private func exec(_ script: String, timeout: Duration = .seconds(10)) -> ExecCredentials {
        ExecCredentials(command: ["/bin/sh", "-c", script], timeout: timeout)
    }

    @Test(arguments: [
        ("cat >/dev/null; echo '\(good)'", "tok"), ("exit 2", "notFound"), ("echo gone >&2; exit 3", "grantRevoked"),
        ("exit 4", "scopeMissing"), ("exit 5", "accountBlocked"), ("exit 75", "unavailable"),
        ("exit 78", "misconfigured"), ("exit 1", "misconfigured"), ("echo '{}'", "misconfigured"),
        ("echo nonsense", "misconfigured"), ("kill -9 $$", "unavailable"),
        ("echo '\(good)' | sed s/anna/bert/", "misconfigured"),
        ("echo '\(good)' | sed s/Bearer/MAC/", "misconfigured"),
        ("head -c 100000 /dev/zero", "misconfigured"),
    ])
    func aProgramsWord(script: String, expected: String) async {
        let reported = word(await exec(script).token(for: account, rejecting: nil))
        #expect(reported.hasPrefix(expected), "\(reported)")
    }

    /// A program that is just being replaced, as one without a descriptor or a process to be had, says nothing of the
    /// settings; one that is not there does.
    @Test func whyAProgramDoesNotStartIsTheHoursOrTheSettings() async {
        let program = "/tmp/written-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        defer { unlink(program) }
        let writing = open(program, O_CREAT | O_WRONLY | O_CLOEXEC, 0o700)
        let busy = word(await ExecCredentials(command: [program]).token(for: account, rejecting: nil))
        #expect(busy.hasPrefix("unavailable"), "\(busy)")
        close(writing)
        unlink(program)
        let gone = word(await ExecCredentials(command: [program]).token(for: account, rejecting: nil))
        #expect(gone.hasPrefix("misconfigured"), "\(gone)")
    }

    @Test func whatIsMendedIsTriedAtOnce() async {
        let mended = "/tmp/mended-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        defer { unlink(mended) }
        let provider = exec("test -e \(mended) && echo '\(Self.good)' || exit 78")
        #expect(word(await provider.token(for: account, rejecting: nil)).hasPrefix("misconfigured"))
        close(open(mended, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600))
        #expect(word(await provider.token(for: account, rejecting: nil)) == "tok")
    }

    /// Four run at a time; when the first has ended, four more have had their turn at most.
    @Test func programsThatHadNoTurnWhenItStopsAreNotRun() async {
        let provider = exec("sleep 1; exit 2")
        let message = await withTaskGroup(of: String.self) { group in
            for number in 0..<16 {
                group.addTask { word(await provider.token(for: AccountID("a\(number)"), rejecting: nil)) }
            }
            let first = await group.next() ?? ""
            await provider.stop()
            return await group.reduce(into: [first]) { $0.append($1) }
        }
        #expect(message.count == 16 && message.first == "notFound")
        #expect(message.filter { $0.hasPrefix("unavailable") }.count >= 8)
    }

    @Test func whatItFindsWrongIsReportedWithoutTokens() async {
        let reported = word(
            await exec("echo 'cannot refresh 1//0abcdefghijklmnopqrstuvwxyz' >&2; exit 75").token(
                for: account, rejecting: nil))
        #expect(
            reported.contains("cannot refresh") && reported.contains("<redacted>") && !reported.contains("klmnop"),
            "\(reported)")
    }

    @Test func itIsAskedWithTheWholeQuestionAndNothingElse() async throws {
        let folder = GrantFolder()
        let digest = SHA256Digest(of: Array("old".utf8))
        let script =
            "cat >\(folder.path)/in; env >\(folder.path)/env; ls /proc/self/fd >\(folder.path)/fds; echo '\(Self.good)'"
        #expect(word(await exec(script).token(for: account, rejecting: digest)) == "tok")
        let question = try JSONValue.parse(Array(Data(contentsOf: URL(fileURLWithPath: folder.path + "/in"))))
        #expect(question["version"]?.integer == 1)
        #expect(question["account"]?.text == "anna")
        #expect(question["rejected_token_sha256"]?.text == digest.hexadecimal)
        #expect(question["min_validity_seconds"]?.integer == 60)
        let environment = try String(contentsOfFile: folder.path + "/env", encoding: .utf8)
        #expect(!environment.contains("HOME="), "a clean environment")
        // Its three streams, and the one that ls opens.
        let descriptors = try String(contentsOfFile: folder.path + "/fds", encoding: .utf8).split(separator: "\n")
        #expect(descriptors.count <= 4, "\(descriptors)")
    }

    @Test func aProgramThatHangsIsEndedWithItsChildren() async throws {
        let folder = GrantFolder()
        let script = "trap '' TERM; sleep 300 & echo $! >\(folder.path)/pid; wait; sleep 300"
        let reported = word(await exec(script, timeout: .seconds(2)).token(for: account, rejecting: nil))
        #expect(reported.hasPrefix("unavailable"), "\(reported)")
        let text = try String(contentsOfFile: folder.path + "/pid", encoding: .utf8)
        let pid = try #require(Int32(text.split(separator: "\n").first ?? ""))
        // Gone, or a zombie that whoever inherits it has yet to reap: the kill of the group does not wait for each.
        let deadline = SystemTimeSource().now() + .seconds(240)
        var stat: String?
        repeat {
            stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
            guard let stat, !stat.contains(") Z ") else { return }
            try await Task.sleep(for: .milliseconds(5))
        } while SystemTimeSource().now() < deadline
        Issue.record("its child is left: \(stat ?? "")")
    }

    @Test func fourRunAtOnceAndTheSameAccountIsAskedForOnce() async throws {
        let folder = GrantFolder()
        let script = """
            n=$(ls \(folder.path) | grep -c run); [ $n -lt 4 ] || exit 1; touch \(folder.path)/run.$$; sleep 0.1; \
            rm \(folder.path)/run.$$; sed 's/.*"account":"\\([a-z0-9]*\\)".*/\\1/' | { read a; echo '\(Self.good)' | sed s/anna/$a/; }
            """
        let credentials = exec(script)
        let answers = await withTaskGroup(of: String.self) { group in
            for number in 0..<60 {
                group.addTask { word(await credentials.token(for: AccountID("a\(number % 12)"), rejecting: nil)) }
            }
            return await group.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
        }
        #expect(answers == ["tok": 60])
    }

    // MARK: broker

    /// A server of a few lines, on a Unix socket: it answers with the status and body that the account's name says.
    private static let server = """
        import json, os, socketserver, sys
        from http.server import BaseHTTPRequestHandler
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def address_string(self): return "local"
            def log_message(self, *a): pass
            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                account = asked["account"]
                status, body = 200, {"version": 1, "account": account, "access_token": "tok-" + account,
                    "token_type": "bearer", "expires_at": "2999-01-01T00:00:00Z"}
                errors = {"none": (404, "not_found"), "gone": (409, "grant_revoked"), "small": (403, "scope_missing"),
                    "blocked": (403, "account_blocked"), "busy": (429, "busy"), "down": (503, "down"), "odd": (418, "tea"),
                    "path": (404, "no_route")}
                if self.path != "/v1/token": status, body = 404, {}
                elif account in errors:
                    status, code = errors[account]
                    body = {"version": 1, "error": {"code": code, "message": "because", "retry_after_seconds": 7}}
                elif account == "other": body["account"] = "somebody"
                elif account == "huge": body["x"] = "x" * 100000
                if asked.get("rejected_token_sha256"): body["access_token"] = "tok-fresh"
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer): daemon_threads = True
        Server(sys.argv[1], Handler).serve_forever()
        """

    @Test func aServiceOnAUnixSocket() async throws {
        let directory = try TemporaryDirectory("tokens")
        try directory.write("server.py", Self.server)
        let socket = directory.file("s").path
        let server = try ChildProcess(
            ["/usr/bin/python3", directory.file("server.py").path, socket], output: directory.file("out"))
        for _ in 0..<10_000 where !FileManager.default.fileExists(atPath: socket) {
            try await Task.sleep(for: .milliseconds(20))
        }
        let engine = try HTTPEngine(HTTPConfiguration(timeout: .seconds(120), unixSocket: socket, http2: false))
        let credentials = BrokerCredentials(engine: engine, url: "http://localhost")
        func perform(_ name: String, rejecting: SHA256Digest? = nil) async -> String {
            word(await credentials.token(for: AccountID(name), rejecting: rejecting))
        }
        #expect(await perform("anna") == "tok-anna", "\(server.text)")
        #expect(await perform("anna", rejecting: SHA256Digest(of: Array("tok-anna".utf8))) == "tok-fresh")
        for (name, expected) in [
            ("none", "notFound"), ("gone", "grantRevoked"), ("small", "scopeMissing"), ("blocked", "accountBlocked"),
            ("busy", "unavailable"), ("down", "unavailable"), ("odd", "misconfigured"), ("path", "misconfigured"),
            ("other", "misconfigured"), ("huge", "misconfigured"),
        ] {
            let reported = await perform(name)
            #expect(reported.hasPrefix(expected), "\(name): \(reported)")
        }
        server.signal(SIGTERM)
        _ = await server.wait()
        #expect(await perform("late").hasPrefix("unavailable"))
        await NativeThread.offload("end") { engine.stop() }
    }
}
