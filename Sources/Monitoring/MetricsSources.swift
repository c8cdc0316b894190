package import AMQP
package import Pipeline

/// What a scrape asks: each answers from memory, at once.
package struct MetricsSources: Sendable {
    /// Holds, what is in flight, and who waits.
    package var pipeline: @Sendable () -> JobPipeline.Snapshot
    /// The links' own counters.
    package var consuming: @Sendable () -> LinkReading
    package var publishing: @Sendable () -> LinkReading

    package init(
        pipeline: @escaping @Sendable () -> JobPipeline.Snapshot, consuming: @escaping @Sendable () -> LinkReading,
        publishing: @escaping @Sendable () -> LinkReading
    ) {
        self.pipeline = pipeline
        self.consuming = consuming
        self.publishing = publishing
    }
}
