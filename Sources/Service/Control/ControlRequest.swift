package import JSON

/// One question to the daemon over its control socket: one line of JSON, `{"request": "ledger.stats", "arguments":
/// {}}`.
package struct ControlRequest: Equatable, Sendable {
    package var name: String
    /// An object.
    package var arguments: JSONValue

    package init(name: String, arguments: JSONValue = .object([])) {
        self.name = name
        self.arguments = arguments
    }

    /// Without the line's end.
    var line: [UInt8] {
        JSONValue.object([.init("arguments", arguments), .init("request", .text(name))]).encoded()
    }

    /// Nil if the line is no request.
    init?(line: [UInt8]) {
        guard let value = try? JSONValue.parse(line), let name = value["request"]?.text else { return nil }
        let arguments = value["arguments"] ?? .object([])
        guard arguments.members != nil else { return nil }
        self.init(name: name, arguments: arguments)
    }
}

/// Credentials of the peer of a control connection, as the kernel gives them.
package struct ControlPeer: Equatable, Sendable {
    package var pid: Int32
    package var uid: UInt32
    package var gid: UInt32
}
