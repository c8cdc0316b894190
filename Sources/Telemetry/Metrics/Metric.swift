/// A metric, declared where its property stands, which is what counts it:
/// `@Metric("replays_total", "Results published again.") var replays: MetricCounter`.
///
/// With labels the property is the family of its series; without, its only series.
@propertyWrapper
package struct Metric<Value: Sendable>: DeclaredMetric {
    package let wrappedValue: Value
    let declaration: MetricDeclaration

    private init(
        _ value: Value, _ name: String, _ help: String, _ labels: [String], _ series: MetricDeclaration.Series
    ) {
        wrappedValue = value
        declaration = MetricDeclaration(name: name, help: help, labels: labels, series: series)
    }
}

/// How whoever collects the metrics of a type finds them among its members.
protocol DeclaredMetric: Sendable {
    var declaration: MetricDeclaration { get }
}

/// What scrapes are told of a metric.
struct MetricDeclaration: Sendable {
    enum Series: Sendable {
        case counters(MetricFamily<MetricCounter>)
        case gauges(MetricFamily<MetricGauge>)
        case histograms(MetricFamily<MetricHistogram>)
    }

    /// Without the prefix of all metrics.
    var name: String
    var help: String
    var labels: [String]
    var series: Series
}

extension Metric<MetricCounter> {
    package init(_ name: String, _ help: String) {
        let family = MetricFamily(labels: [], most: 1) { MetricCounter() }
        self.init(family.with(), name, help, [], .counters(family))
    }
}

extension Metric<MetricFamily<MetricCounter>> {
    package init(_ name: String, _ help: String, labels: String...) {
        let family = MetricFamily(labels: labels, most: MetricRegistry.mostSeries) { MetricCounter() }
        self.init(family, name, help, labels, .counters(family))
    }
}

extension Metric<MetricGauge> {
    package init(_ name: String, _ help: String) {
        let family = MetricFamily(labels: [], most: 1) { MetricGauge() }
        self.init(family.with(), name, help, [], .gauges(family))
    }
}

extension Metric<MetricFamily<MetricGauge>> {
    package init(_ name: String, _ help: String, labels: String...) {
        let family = MetricFamily(labels: labels, most: MetricRegistry.mostSeries) { MetricGauge() }
        self.init(family, name, help, labels, .gauges(family))
    }
}

extension Metric<MetricHistogram> {
    package init(_ name: String, _ help: String, bounds: [Double]) {
        let family = MetricFamily(labels: [], most: 1) { MetricHistogram(bounds: bounds) }
        self.init(family.with(), name, help, [], .histograms(family))
    }
}

extension Metric<MetricFamily<MetricHistogram>> {
    package init(_ name: String, _ help: String, bounds: [Double], labels: String...) {
        let family = MetricFamily(labels: labels, most: MetricRegistry.mostSeries) { MetricHistogram(bounds: bounds) }
        self.init(family, name, help, labels, .histograms(family))
    }
}
