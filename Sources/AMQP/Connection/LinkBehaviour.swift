/// What one kind of link does with its connections: consume, publish or ask. `LinkLoop` makes them, and makes them
/// anew.
///
/// All of it is called on the link's thread.
protocol LinkBehaviour: ~Copyable, SendableMetatype {
    associatedtype Command: Sendable

    /// Whether a connection is to be made, or made anew. While none is, the loop waits for commands.
    var wantsConnection: Bool { get }

    /// Takes a command that came while there is no connection.
    mutating func take(_ command: Command)

    /// Prepares a new connection. When it returns, the endpoint has proved itself.
    mutating func begin(_ connection: inout BrokerConnection) throws(LinkError)

    /// Works on the connection, takes commands and waits for them. Returns when the link is to stop; the connection is
    /// closed then.
    mutating func serve(_ connection: inout BrokerConnection) throws(LinkError)

    /// The connection is lost, or could not be made. Returns how long to wait before the next, of which `rotation` is
    /// the endpoints' own answer; nil ends the link.
    mutating func lose(_ error: LinkError, rotation wait: Duration) -> Duration?

    /// The link has ended. Answers who still waits, those of the `untaken` commands included.
    mutating func end(untaken: [Command])
}
