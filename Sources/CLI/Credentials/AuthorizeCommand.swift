import CLinux
import Clocks
import Concurrency
import Credentials
import Daemon
import Glibc
import HTTP
import Jobs
import Secrets
import Settings
import Terminal

/// `credentials authorize`: one user agrees in a browser, and the grant goes into the store.
struct AuthorizeCommand: ConfiguredCommand {
    let context: CommandContext

    private static let authorizationEndpoint = "https://accounts.google.com/o/oauth2/v2/auth"

    func run() async throws -> ExitStatus {
        let account = AccountID(arguments.positionals[0])
        if let fault = AccountID.fault(in: account.utf8) {
            throw CommandFailure(.badInput, "the account is none: \(fault)")
        }
        guard let client = settings.credentials.store.clientID else {
            throw CommandFailure(.settingsWrong, "credentials.store.client_id is missing")
        }
        let store = try settings.grants()
        do throws(GrantStoreError) { try store.prepare() } catch { throw CommandFailure(error) }
        let listener = try LoopbackListener()
        let question = Authorization(clientID: client, redirectURI: "http://127.0.0.1:\(listener.port)/")
        let url = question.url(authorizationEndpoint: arguments.value("--auth-url") ?? Self.authorizationEndpoint)
        // An address that nobody reads is opened by nobody.
        guard StandardStream.output.write("\(url)\n") else { return .answeredNo }
        StandardStream.error.write("open that address in the user's browser, on this machine; waiting\n")
        let code = try await answer(to: question, listener)
        let engine = try HTTPEngine(settings.tokenHTTP)
        let now = SystemTimeSource().wall()
        let secret = try settings.credentials.store.clientSecretFile?.read()
        let answer = await question.exchange(
            code, engine: engine, tokenURL: settings.credentials.store.tokenURL, clientSecret: secret, now: now)
        guard case .token(let token, let refresh) = answer else {
            throw CommandFailure(.answeredNo, "the code was not taken: \(answer)")
        }
        guard !token.lacksSharingScope else {
            throw CommandFailure(.answeredNo, "the user did not grant the scope \(AccessToken.sharingScope)")
        }
        guard let refresh else {
            throw CommandFailure(
                .answeredNo, "the service gave no refresh token; take the grant back in the account, and try again")
        }
        do throws(GrantStoreError) {
            try await store.put(
                Grant(
                    account: account, clientID: client, refreshToken: refresh, scopes: token.scopes, updatedAt: now))
            try await store.sync()
        } catch {
            throw CommandFailure(error)
        }
        StandardStream.error.write("the grant of \(DisplayText.printable(account.string)) is in \(store.place)\n")
        return .done
    }

    /// Browsers ask for more than they are sent to, an icon for one: what does not belong here is told so.
    private func answer(to question: Authorization, _ listener: LoopbackListener) async throws -> Secret {
        while true {
            let visit = await NativeThread.offload("authorize") { listener.accept() }
            guard let visit else { continue }
            switch question.code(in: visit.target) {
            case .success(let code):
                visit.answer("200 OK", "The grant was received. You may close this page.")
                return code
            case .failure(let error):
                visit.answer("400 Bad Request", error.description)
                if visit.target.contains("error=") { throw CommandFailure(.answeredNo, error.description) }
            }
        }
    }
}

/// A port of 127.0.0.1 that one browser comes back to.
struct LoopbackListener: Sendable {
    let port: Int
    private let descriptor: Int32

    /// A request line is all that matters.
    private static let longestRequest = 16 << 10

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.descriptor
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, size) == 0 && listen(descriptor, 4) == 0
                    && getsockname(descriptor, generic, &size) == 0
            }
        }
        guard isListening else {
            throw CommandFailure(.internalFault, SystemCallError("listening on 127.0.0.1").description)
        }
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    struct Visit: Sendable {
        let target: String
        fileprivate let descriptor: Int32

        func answer(_ status: String, _ text: String) {
            let body = text + "\n"
            let answer =
                Array(
                    "HTTP/1.1 \(status)\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: \(body.utf8.count)\r\n"
                        .utf8) + Array("Connection: close\r\n\r\n\(body)".utf8)
            _ = send(descriptor, answer, answer.count, Int32(MSG_NOSIGNAL))
            close(descriptor)
        }
    }

    /// Blocks. Nil for what was no request.
    func accept() -> Visit? {
        let connection: Int32
        switch Acceptance(from: descriptor) {
        case .connection(let accepted): connection = accepted
        case .nobody: return nil
        case .exhausted:
            // The browser waits on.
            poll(nil, 0, Int32(AcceptPause.longest.milliseconds))
            return nil
        }
        var timeout = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 2048)
        while bytes.count < Self.longestRequest, !bytes.contains(UInt8(ascii: "\n")) {
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        let requestLine = bytes.prefix { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }.split(
            separator: UInt8(ascii: " "))
        guard requestLine.count == 3, requestLine[0].elementsEqual("GET".utf8) else {
            close(connection)
            return nil
        }
        return Visit(target: String(decoding: requestLine[1], as: UTF8.self), descriptor: connection)
    }
}
