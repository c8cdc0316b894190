import AMQP
import Clocks
import Concurrency
import Pipeline
import Telemetry

/// For a daemon whose ledger is a file: whether others, who share a ledger, have begun to consume while its connection
/// was away. With its exclusive queue nobody else who works on a file consumes.
///
/// What the broker counts are not only consumers that work: one of a node that is away stays counted until that node is
/// back, and so does this daemon's own of its last connection, if that went to such a node.
/// https://github.com/rabbitmq/rabbitmq-server/blob/v3.10.8/deps/rabbit/src/rabbit_fifo.erl (`query_stat`)
/// So it holds for as long as the others take to find its queue and to hold themselves, and works then whatever is
/// counted.
struct SharedLedgerWatch: Sendable {
    let session: BrokerAdmin
    let lanes: [String]
    let eventRouter: EventRouter
    let pipeline: JobPipeline
    let clock: any TimeSource
    let logger: Logger

    /// Until cancelled. The first connection is the start's to look at.
    func run() async {
        var seen = 1
        while await eventRouter.attachments.wait(for: seen + 1) {
            seen = eventRouter.attachments.count
            await look()
        }
    }

    private func look() async {
        var looks = ReconnectionLooks(at: clock.now())
        var wait = ReconnectionLooks.first
        while true {
            await clock.sleep(for: wait)
            guard !Task.isCancelled else { return }
            let found: String?
            do throws(LinkError) {
                found = try await session.firstConsumed(of: lanes, besides: eventRouter.consumed)
            } catch {
                // A broker that does not answer says nothing of it, and its links say that.
                wait = ReconnectionLooks.interval
                continue
            }
            switch looks.note(isSeen: found != nil, at: clock.now()) {
            case .again(let after, let holds):
                wait = after
                if holds, let found { pipeline.otherLedger(Self.description(found)) }
            case .over(let isSeen):
                pipeline.otherLedger(nil)
                if isSeen, let found {
                    logger.warning(
                        "others are still counted as consumers of a queue: if they are no consumers of a broker's node "
                            + "that is away, daemons that share a ledger work beside this one",
                        LogField("queue", found))
                }
                return
            }
        }
    }

    private static func description(_ queue: String) -> String {
        "others consume queue \(queue) since the connection was lost: if they are daemons that share a ledger, two "
            + "ledgers would each remember half of the jobs, and call for the same user twice; they find this one within "
            + "90 s and stand still, or are consumers of a broker's node that is away"
    }
}

/// The looks after one reconnection: when the next is due, and whether the worker holds until then.
struct ReconnectionLooks: Sendable {
    enum Step: Equatable, Sendable {
        case again(after: Duration, holds: Bool)
        /// `isSeen`: they are still counted.
        case over(isSeen: Bool)
    }

    /// So long the consumers of a connection that has ended may still count.
    static let first = Duration.seconds(3)
    /// Seen once is not enough: this daemon's own consumers were just cancelled, or begin.
    private static let second = Duration.seconds(2)
    static let interval = Duration.seconds(10)
    /// Whoever shares a ledger looks each minute, and twice; then it holds.
    static let longest = Duration.seconds(90)

    private let end: MonotonicTime
    private var seen = 0

    init(at now: MonotonicTime) {
        end = now + Self.longest
    }

    mutating func note(isSeen: Bool, at now: MonotonicTime) -> Step {
        guard isSeen else { return .over(isSeen: false) }
        seen += 1
        guard now < end else { return .over(isSeen: true) }
        return seen == 1 ? .again(after: Self.second, holds: false) : .again(after: Self.interval, holds: true)
    }
}
