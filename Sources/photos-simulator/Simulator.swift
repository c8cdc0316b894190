import CLinux
import Clocks
import Concurrency
import Files
import Glibc
import Jobs
import Terminal

@main
struct Simulator {
    static func main() {
        do throws(SystemCallError) {
            try StandardDescriptors.openClosed()
            // Each client has one.
            try DescriptorLimit.raise()
        } catch {
            fail(error.description, status: 71)
        }
        let options: SimulatorOptions
        switch SimulatorOptions.parse(Array(CommandLine.arguments.dropFirst())) {
        case .run(let parsed): options = parsed
        case .help:
            StandardStream.output.write(SimulatorOptions.help + "\n")
            end()
        case .version:
            StandardStream.output.write("photos-simulator \(ProgramVersion.text)\n")
            end()
        case .wrong(let problem): fail("\(problem); see --help", status: 64)
        }
        // Before the first thread, so that every thread has it.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGTERM) { _ in _exit(0) }
        signal(SIGINT) { _ in _exit(0) }

        let service = SimulatedService(
            options, journalFile: openJournal(options.journalFile), endsFile: openJournal(options.endsFile))
        if let path = options.albumsFile { seed(service, from: path) }
        do throws(SystemCallError) {
            try serve(service, options)
        } catch {
            fail(error.description, status: 69)
        }
    }

    /// -1 where none is wanted.
    private static func openJournal(_ path: String?) -> Int32 {
        guard let path else { return -1 }
        let journal = CLinux_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        if journal < 0 { fail(SystemCallError("opening journal \(path)").description, status: 73) }
        return journal
    }

    private static func serve(_ service: SimulatedService, _ options: SimulatorOptions) throws(SystemCallError) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard listener >= 0 else { throw SystemCallError("socket") }
        var on: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, 4)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = options.port.bigEndian
        guard inet_pton(AF_INET, options.host, &address.sin_addr) == 1 else {
            throw SystemCallError("\(options.host) as an IPv4 address", code: EINVAL)
        }
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(listener, generic, size) == 0 && listen(listener, 1024) == 0
                    && getsockname(listener, generic, &size) == 0
            }
        }
        guard bound else { throw SystemCallError("listening on \(options.host):\(options.port)") }
        let port = UInt16(bigEndian: address.sin_port)
        if let file = options.portFile { write("\(port)\n", to: file) }
        StandardStream.output.write("listening on http://\(options.host):\(port)\n")
        // Whoever waits for the line would wait for ever.
        if options.portFile == nil, StandardStream.hasLostOutput { end() }
        let closed = try Wake()
        while true {
            switch Acceptance(from: listener) {
            case .connection(let client): dispatch(client, to: service, closed)
            case .nobody: continue
            case .exhausted:
                // Until one of ours has gone, or a while later.
                var descriptor = pollfd(fd: closed.descriptor, events: Int16(POLLIN), revents: 0)
                poll(&descriptor, 1, Int32(AcceptPause.longest.milliseconds))
                closed.clear()
            }
        }
    }

    private static func dispatch(_ client: Int32, to service: SimulatedService, _ closed: Wake) {
        do throws(SystemCallError) {
            _ = try NativeThread(name: "client", detached: true) {
                Connection(socket: client, service: service).serve()
                closed.signal()
            }
        } catch {
            close(client)
        }
    }

    /// What was printed has arrived, or the status says that it has not.
    private static func end() -> Never {
        guard let failure = StandardStream.outputFailure() else { exit(ExitStatus.done.rawValue) }
        fail(failure, status: ExitStatus.outputLost.rawValue)
    }

    /// Whole under its name, so that who waits for the file finds the port in it.
    private static func write(_ text: String, to path: String) {
        do throws(OutputFile.Failure) {
            let file = try OutputFile(path)
            try file.write(Array(text.utf8))
            try file.permit(0o644)
            try file.publish()
        } catch {
            fail(error.description, status: ExitStatus.cannotCreateFile.rawValue)
        }
    }

    private static func seed(_ service: SimulatedService, from path: String) {
        let descriptor = CLinux_open(path, O_RDONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { fail(SystemCallError("opening \(path)").description, status: 66) }
        defer { close(descriptor) }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = read(descriptor, &buffer, buffer.count), count > 0 { text += buffer[..<count] }
        let request = RequestParser.Request(
            method: "POST", target: "/_simulator/albums", fields: [], body: text, keepAlive: false)
        let answer = Control(service: service).handle(request)
        if answer.status != 200 { fail("\(path): \(String(decoding: answer.body, as: UTF8.self))", status: 65) }
    }

    private static func fail(_ text: String, status: Int32) -> Never {
        let bytes = Array("photos-simulator: \(text)\n".utf8)
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
        exit(status)
    }
}
