/// The metrics of a process, and their text for whoever scrapes it. From any thread.
///
/// Shaped as Prometheus' clients are: a metric is declared once, with its name, what it means and its labels, and its
/// series are used where things happen.
package final class MetricRegistry: Sendable {
    private let prefix: String
    private let metrics: [MetricDeclaration]

    /// More than any label of a closed set has values, and few enough to store for years.
    package static let mostSeries = 256

    /// The metrics that are members of `catalogue`, in their order.
    /// - Parameter prefix: of all names, with its underscore.
    package init(prefix: String, catalogue: some Sendable) {
        self.prefix = prefix
        metrics = Mirror(reflecting: catalogue).children.compactMap { ($0.value as? any DeclaredMetric)?.declaration }
        precondition(!metrics.isEmpty, "a catalogue has metrics")
        for metric in metrics {
            let name = prefix + metric.name
            precondition(MetricText.isName(name), "\(name) is no name for a metric")
            precondition(
                metric.labels.allSatisfy { MetricText.isLabel($0) && $0 != "le" }, "\(name): not names for labels")
        }
        precondition(Set(metrics.map(\.name)).count == metrics.count, "each metric is declared once")
    }

    package var names: [String] { metrics.map { prefix + $0.name } }

    /// Prometheus' text format 0.0.4: each metric with its help and type, in the order they were declared.
    package func text() -> [UInt8] {
        var text = MetricText()
        for metric in metrics {
            let name = prefix + metric.name
            switch metric.series {
            case .counters(let family):
                text.begin(name, help: metric.help, type: "counter")
                for (values, counter) in family.all {
                    text.sample(name, family.labels, values, Double(counter.value))
                }
            case .gauges(let family):
                text.begin(name, help: metric.help, type: "gauge")
                for (values, gauge) in family.all {
                    if let value = gauge.value { text.sample(name, family.labels, values, value) }
                }
            case .histograms(let family):
                text.begin(name, help: metric.help, type: "histogram")
                for (values, histogram) in family.all {
                    text.histogram(name, family.labels, values, histogram.bounds, histogram.reading)
                }
            }
        }
        return text.bytes
    }
}
