import AMQP
import Clocks

/// The jobs that may have killed the worker, which run with nothing else in flight.
///
/// While it is on, the worker takes one message at a time from `due` alone, where the suspects are; so if it dies
/// again, only the guilty one has counted a delivery more.
struct SuspectWatch: Sendable {
    /// `due` has shown no more suspects for so long: back to work.
    static let quiet = Duration.seconds(1)

    private var waiting: [DeliveryTag] = []
    private var isRunning = false
    private(set) var isOn = false

    var isIdle: Bool { waiting.isEmpty && !isRunning }

    /// Also of one that comes back for another try: it is in the list still, and `ended` takes it out once.
    mutating func add(_ tag: DeliveryTag) {
        if !waiting.contains(tag) { waiting.append(tag) }
        isOn = true
    }

    mutating func started() { isRunning = true }

    func first(where isWaiting: (DeliveryTag) -> Bool) -> DeliveryTag? {
        waiting.first(where: isWaiting)
    }

    /// True if it was a suspect, and the quiet begins.
    mutating func ended(_ tag: DeliveryTag) -> Bool {
        guard let index = waiting.firstIndex(of: tag) else { return false }
        waiting.remove(at: index)
        isRunning = false
        return waiting.isEmpty
    }

    /// An ordinary message came: on `due`, the suspects were before it.
    mutating func sawOrdinary() {
        if isIdle { isOn = false }
    }

    mutating func quietPassed() {
        if isIdle { isOn = false }
    }
}
