/// How much the admin server's clients may take of it.
public struct AdminLimits: Sendable {
    /// From the connection's beginning to its end, whatever happens on it. Prometheus gives a scrape ten seconds.
    public var wholeConnection = Duration.seconds(10)
    /// An endpoint answers from memory; what takes longer has met something that hangs.
    public var answer = Duration.seconds(5)
    /// Open at once; beyond this the oldest goes, so that the newest is always heard. A scraper and some browsers need
    /// ten.
    public var connections = 64
    /// For the head of a request and that of its answer, each connection's own. Browsers send all cookies of
    /// `localhost`, which can be several KiB.
    public var memory = 16 << 10

    public init() {}
}
