import AMQP
import Pipeline

/// What a scrape asks: each answers from memory, at once.
struct MetricsSources: Sendable {
    var pipeline: @Sendable () -> Pipeline.Snapshot
    var consuming: @Sendable () -> LinkReading
    var publishing: @Sendable () -> LinkReading
}
