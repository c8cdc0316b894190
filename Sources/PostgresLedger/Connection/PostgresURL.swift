import CPostgres

/// A URL of PostgreSQL as libpq reads it, with one or several hosts, and without a password: that is in a file.
/// https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING
package struct PostgresURL: Hashable, Sendable {
    let hosts: [PostgresHost]
    /// libpq's other keywords, of which these alone may stand in the URL.
    let options: [Option: String]

    enum Option: String, CaseIterable, Sendable {
        case user
        case database = "dbname"
        case tlsMode = "sslmode"
        case caFile = "sslrootcert"
        case certificateFile = "sslcert"
        case keyFile = "sslkey"
        case channelBinding = "channel_binding"
        case sessionAttributes = "target_session_attrs"
        /// For a server's `-c name=value`; a pooler refuses them.
        case serverOptions = "options"
    }

    /// The text is shown to nobody, for it may have a password in it.
    package init(_ text: String) throws(PostgresURLError) {
        guard text.hasPrefix("postgresql://") || text.hasPrefix("postgres://") else {
            throw PostgresURLError("it begins with postgresql://")
        }
        var values = try Self.parse(text)
        guard values["password"] == nil else {
            throw PostgresURLError("it has a password, which belongs in a file: `ledger.password_file`")
        }
        hosts = try Self.hosts(
            names: values.removeValue(forKey: "host"), addresses: values.removeValue(forKey: "hostaddr"),
            ports: values.removeValue(forKey: "port"))
        var options: [Option: String] = [:]
        for (keyword, value) in values.sorted(by: { $0.key < $1.key }) {
            guard let option = Option(rawValue: keyword) else {
                let known = Option.allCases.map(\.rawValue).joined(separator: ", ")
                throw PostgresURLError("\(keyword) is not for it to say; beside hosts it may have \(known)")
            }
            options[option] = value
        }
        self.options = options
        if let wanted = options[.sessionAttributes], !["read-write", "primary"].contains(wanted) {
            throw PostgresURLError("target_session_attrs=\(wanted) would find a server that takes no writes")
        }
    }

    package var database: String? { options[.database] }

    private static func parse(_ text: String) throws(PostgresURLError) -> [String: String] {
        var message: UnsafeMutablePointer<CChar>?
        guard let parsed = PQconninfoParse(text, &message) else {
            defer { PQfreemem(message) }
            throw PostgresURLError(withoutQuotation(message.map { String(cString: $0) } ?? "out of memory"))
        }
        defer { PQconninfoFree(parsed) }
        var values: [String: String] = [:]
        var option = parsed
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        return values
    }

    /// libpq quotes the URL, or the part that it does not understand.
    private static func withoutQuotation(_ message: String) -> String {
        let text = message.split(separator: "\n").first.map(String.init) ?? message
        return text.firstRange(of: ": \"").map { String(text[..<$0.lowerBound]) } ?? text
    }

    private static func hosts(
        names: String?, addresses: String?, ports: String?
    ) throws(PostgresURLError) -> [PostgresHost] {
        func list(_ text: String?) -> [String] {
            guard let text, !text.isEmpty else { return [] }
            return text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        let (names, addresses, ports) = (list(names), list(addresses), list(ports))
        let count = max(names.count, addresses.count, 1)
        guard names.isEmpty || names.count == count, addresses.isEmpty || addresses.count == count,
            ports.count <= 1 || ports.count == count
        else { throw PostgresURLError("there are \(count) hosts and another number of addresses or ports") }
        return try (0..<count).map { (index) throws(PostgresURLError) in
            let port = ports.isEmpty ? "" : ports[ports.count == 1 ? 0 : index]
            guard let number = port.isEmpty ? PostgresHost.usualPort : Int(port), 1...65_535 ~= number else {
                throw PostgresURLError("a port is a number from 1 to 65535")
            }
            let name = names.isEmpty ? "" : names[index]
            let address = addresses.isEmpty || addresses[index].isEmpty ? nil : addresses[index]
            return PostgresHost(
                name: name.isEmpty ? address ?? PostgresHost.usualDirectory : name, address: address, port: number)
        }
    }
}

/// Why a URL, or what goes with it, is not to be used; for an operator, and without the URL.
package struct PostgresURLError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
