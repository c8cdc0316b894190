import Concurrency

/// The metrics of a process, and their text for whoever scrapes it. From any thread.
///
/// Shaped as Prometheus' clients are: a metric is declared once, with its name, what it means and its labels, and its
/// series are used where things happen.
package final class MetricRegistry: Sendable {
    private enum Kind: Sendable {
        case counter(MetricFamily<MetricCounter>)
        case gauge(MetricFamily<MetricGauge>)
        case histogram(MetricFamily<MetricHistogram>)

        var word: String {
            switch self {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        }
    }

    private struct Entry: Sendable {
        var name: String
        var help: String
        var kind: Kind
    }

    private let prefix: String
    // Written while the metrics are declared, read by scrapes; under the lock.
    private let entries = Lock<[Entry]>([])

    /// More than any label of a closed set has values, and few enough to store for years.
    package static let mostSeries = 256

    /// `prefix`: of all names, with its underscore.
    package init(prefix: String) {
        self.prefix = prefix
    }

    // MARK: Declaring

    package func counter(_ name: String, _ help: String, labels: String...) -> MetricFamily<MetricCounter> {
        let family = MetricFamily(labels: labels, most: Self.mostSeries) { MetricCounter() }
        declare(name, help, labels, .counter(family))
        return family
    }

    package func gauge(_ name: String, _ help: String, labels: String...) -> MetricFamily<MetricGauge> {
        let family = MetricFamily(labels: labels, most: Self.mostSeries) { MetricGauge() }
        declare(name, help, labels, .gauge(family))
        return family
    }

    package func histogram(
        _ name: String, _ help: String, bounds: [Double], labels: String...
    ) -> MetricFamily<MetricHistogram> {
        let family = MetricFamily(labels: labels, most: Self.mostSeries) { MetricHistogram(bounds: bounds) }
        declare(name, help, labels, .histogram(family))
        return family
    }

    private func declare(_ name: String, _ help: String, _ labels: [String], _ kind: Kind) {
        let full = prefix + name
        precondition(MetricText.isName(full), "\(full) is no name for a metric")
        precondition(labels.allSatisfy { MetricText.isLabel($0) && $0 != "le" }, "\(full): not names for labels")
        entries.withLock { entries in
            precondition(!entries.contains { $0.name == full }, "\(full) is declared once")
            entries.append(Entry(name: full, help: help, kind: kind))
        }
    }

    // MARK: Scraping

    package var names: [String] { entries.withLock { $0.map(\.name) } }

    /// Prometheus' text format 0.0.4: each metric with its help and type, in the order they were declared.
    package func text() -> [UInt8] {
        var text = MetricText()
        for entry in entries.withLock({ $0 }) {
            text.begin(entry.name, help: entry.help, type: entry.kind.word)
            switch entry.kind {
            case .counter(let family):
                for (values, counter) in family.all {
                    text.sample(entry.name, family.labels, values, Double(counter.value))
                }
            case .gauge(let family):
                for (values, gauge) in family.all {
                    if let value = gauge.value { text.sample(entry.name, family.labels, values, value) }
                }
            case .histogram(let family):
                for (values, histogram) in family.all {
                    text.histogram(entry.name, family.labels, values, histogram.bounds, histogram.reading)
                }
            }
        }
        return text.bytes
    }
}
