import CPostgres
import Clocks
import Concurrency
import Glibc
import Secrets

/// One attempt at one host: from its name to a login, within one deadline.
struct PostgresLogin {
    let host: PostgresHost
    let configuration: PostgresConfiguration
    let clock: any TimeSource
    let notices: NoticeLog
    let deadline: MonotonicTime
    let endpoint: String

    init(host: PostgresHost, configuration: PostgresConfiguration, clock: any TimeSource, notices: NoticeLog) {
        self.host = host
        self.configuration = configuration
        self.clock = clock
        self.notices = notices
        deadline = clock.now() + configuration.connectTimeout
        endpoint = "\(host), " + (configuration.url.database.map { "database \($0)" } ?? "its usual database")
    }

    /// The handle is the caller's.
    func connect() throws(PostgresError) -> OpaquePointer {
        let security: PostgresConfiguration.Security
        let password: Secret?
        do {
            security = try configuration.security(for: host)
            password = try configuration.password?()
            // libpq would take what stands before it.
            if password?.withUnsafeBytes({ $0.contains(0) }) == true {
                throw PostgresURLError("the password is no text")
            }
        } catch {
            throw refused("\(error)", "correct that, and it goes on by itself")
        }
        let addresses = try addresses(security)
        // Each address has its share of the time: one that swallows what is sent to it must not have all.
        for (index, address) in addresses.enumerated() {
            let now = clock.now()
            let share = (deadline - now) / (addresses.count - index)
            do throws(PostgresError) {
                return try logIn(at: address, security, password, until: now + share)
            } catch {
                guard error.kind == .unavailable, index + 1 < addresses.count else { throw error }
            }
        }
        throw failure(.unavailable, "its name has no address")
    }

    /// Nil stands for a socket.
    private func addresses(_ security: PostgresConfiguration.Security) throws(PostgresError) -> [String?] {
        if host.reach == .socket { return [nil] }
        if let address = host.address { return [address] }
        let outcome: NameLookup.Outcome
        do throws(SystemCallError) {
            outcome = try NameLookup.system.resolve(host.name, within: deadline - clock.now())
        } catch {
            throw failure(.unavailable, "\(error)").explained(.now())
        }
        switch outcome {
        case .found(let addresses):
            // Of localhost, which an odd /etc/hosts may send elsewhere.
            guard security == .verified || addresses.allSatisfy(PostgresHost.isLoopback) else {
                throw refused(
                    "\(host.name) is another machine here, and without TLS everybody between reads the jobs",
                    "correct /etc/hosts, or ask for TLS by sslmode=verify-full")
            }
            return addresses
        case .failed(let why): throw failure(.unavailable, "hostname lookup failed: \(why)").explained(.now())
        case .late: throw late("its name is not found")
        }
    }

    private func logIn(
        at address: String?, _ security: PostgresConfiguration.Security, _ password: Secret?, until end: MonotonicTime
    ) throws(PostgresError) -> OpaquePointer {
        let parameters = configuration.parameters(for: host, at: address, security: security)
        guard let handle = start(parameters, password) else { throw failure(.unavailable, "out of memory") }
        do throws(PostgresError) {
            notices.attach(to: handle)
            // Only so does the message of a refusal have its SQLSTATE.
            PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
            guard PQstatus(handle) != CONNECTION_BAD else { throw failure(of: handle) }
            // PGHOSTADDR of the environment would send what is for a socket elsewhere.
            guard host.reach != .socket || PQhostaddr(handle).map({ $0.pointee == 0 }) ?? true else {
                throw refused("PGHOSTADDR in the environment names another server", "take it out")
            }
            try poll(handle, until: end)
            try check(handle)
            PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
            guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else {
                throw failure(.unavailable, "pipeline mode cannot be entered")
            }
        } catch {
            PQfinish(handle)
            throw error
        }
        return handle
    }

    private func start(_ parameters: [(String, String)], _ password: Secret?) -> OpaquePointer? {
        var keywords = parameters.map { strdup($0.0) }
        let values = parameters.map { strdup($0.1) }
        defer { for text in keywords + values { free(text) } }
        guard let password else { return CPostgres_start(keywords + [nil], values + [nil]) }
        let text = UnsafeMutableRawBufferPointer.allocate(byteCount: password.count + 1, alignment: 1)
        defer {
            if let start = text.baseAddress { explicit_bzero(start, text.count) }
            text.deallocate()
        }
        password.withUnsafeBytes { text.copyMemory(from: $0) }
        text[password.count] = 0
        keywords.append(strdup("password"))
        return CPostgres_start(
            keywords + [nil], values + [text.baseAddress?.assumingMemoryBound(to: CChar.self), nil])
    }

    /// https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-PQCONNECTSTARTPARAMS
    private func poll(_ handle: OpaquePointer, until end: MonotonicTime) throws(PostgresError) {
        var wanted = POLLOUT
        while true {
            guard Readiness.wait(for: PQsocket(handle), wanted, until: end, clock) else {
                throw late("no answer while \(Self.stage(PQstatus(handle)))")
            }
            switch PQconnectPoll(handle) {
            case PGRES_POLLING_OK: return
            case PGRES_POLLING_READING: wanted = POLLIN
            case PGRES_POLLING_WRITING: wanted = POLLOUT
            default: throw failure(of: handle)
            }
        }
    }

    private static func stage(_ status: ConnStatusType) -> String {
        switch status {
        case CONNECTION_STARTED: "connecting to its port"
        case CONNECTION_SSL_STARTUP: "agreeing on TLS"
        default: "logging in"
        }
    }

    /// What binary values and texts rest on, where the server says it; a pooler may not.
    private func check(_ handle: OpaquePointer) throws(PostgresError) {
        for (name, wanted) in [("integer_datetimes", "on"), ("client_encoding", "UTF8")] {
            guard let value = PQparameterStatus(handle, name).map({ String(cString: $0) }), value != wanted else {
                continue
            }
            throw refused(
                "its \(name) is \(value)", "make it \(wanted) for this role, or take out the pooler that sets it")
        }
    }

    // MARK: Errors

    private func failure(_ kind: PostgresError.Kind, _ message: String) -> PostgresError {
        PostgresError(kind: kind, endpoint: endpoint, attempted: "connecting", message: message)
    }

    private func refused(_ message: String, _ remedy: String? = nil) -> PostgresError {
        var error = failure(.refusedConfiguration, message)
        error.remedy = remedy
        return error
    }

    private func late(_ what: String) -> PostgresError {
        failure(.unavailable, "\(what) within \(configuration.connectTimeout.inSeconds) s")
    }

    private func failure(of handle: OpaquePointer) -> PostgresError {
        let text = String(cString: PQerrorMessage(handle))
        if let report = PostgresReport(ofConnecting: text) {
            return PostgresError(report, endpoint: endpoint, attempted: "connecting")
        }
        let message = LibpqMessage.text(text)
        if LibpqMessage.refusesConfiguration(message) { return refused(message) }
        return failure(.unavailable, message).explained(.now())
    }
}
