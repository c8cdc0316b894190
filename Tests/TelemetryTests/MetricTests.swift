import Clocks
import Testing

@testable import Telemetry

@Suite struct MetricTests {
    private func text(of catalogue: some Sendable) -> String {
        String(decoding: MetricRegistry(prefix: "t_", catalogue: catalogue).text(), as: UTF8.self)
    }

    // MARK: The text

    @Test func eachMetricHasItsHelpItsTypeAndItsSeries() {
        struct Catalogue {
            @Metric("jobs_total", "Jobs that ended.", labels: "outcome", "reason")
            var jobs: MetricFamily<MetricCounter>
            let isNoMetric = 1
            @Metric("in_flight", "Deliveries in flight.")
            var inFlight: MetricGauge
        }
        let metrics = Catalogue()
        metrics.jobs.with("left", "").add()
        metrics.jobs.with("failed", "poison").add(2)
        metrics.inFlight.set(7)
        #expect(MetricRegistry(prefix: "t_", catalogue: metrics).names == ["t_jobs_total", "t_in_flight"])
        #expect(
            text(of: metrics) == """
                # HELP t_jobs_total Jobs that ended.
                # TYPE t_jobs_total counter
                t_jobs_total{outcome="failed",reason="poison"} 2
                t_jobs_total{outcome="left",reason=""} 1
                # HELP t_in_flight Deliveries in flight.
                # TYPE t_in_flight gauge
                t_in_flight 7

                """)
    }

    @Test func aHistogramSumsItsBucketsUp() {
        struct Catalogue {
            @Metric("seconds", "Time.", bounds: [0.1, 1, 2.5], labels: "kind")
            var time: MetricFamily<MetricHistogram>
        }
        let metrics = Catalogue()
        for value in [0.05, 0.1, 0.5, 2, 99] { metrics.time.with("a").observe(value) }
        #expect(
            text(of: metrics) == """
                # HELP t_seconds Time.
                # TYPE t_seconds histogram
                t_seconds_bucket{kind="a",le="0.1"} 2
                t_seconds_bucket{kind="a",le="1"} 3
                t_seconds_bucket{kind="a",le="2.5"} 4
                t_seconds_bucket{kind="a",le="+Inf"} 5
                t_seconds_sum{kind="a"} 101.65
                t_seconds_count{kind="a"} 5

                """)
    }

    @Test func aMetricWithoutSeriesIsStillDeclared() {
        struct Catalogue {
            @Metric("hold", "Holds.", labels: "cause")
            var hold: MetricFamily<MetricGauge>
            @Metric("unknown", "Not known.")
            var unknown: MetricGauge
        }
        let metrics = Catalogue()
        metrics.unknown.set(Int?.none)
        #expect(
            text(of: metrics)
                == "# HELP t_hold Holds.\n# TYPE t_hold gauge\n# HELP t_unknown Not known.\n# TYPE t_unknown gauge\n")
    }

    /// Whatever a value holds, it ends where it ends: no line, no label, no series of its making.
    @Test func whatBreaksALineIsEscaped() {
        struct Catalogue {
            @Metric("g", "A \\ and\na \"line\".", labels: "name")
            var gauge: MetricFamily<MetricGauge>
        }
        let metrics = Catalogue()
        metrics.gauge.with("a\\b\"c\nd").set(1)
        metrics.gauge.with("crlf\r\nend").set(2)
        metrics.gauge.with("ünïcode ✓").set(3)
        #expect(
            text(of: metrics) == """
                # HELP t_g A \\\\ and\\na "line".
                # TYPE t_g gauge
                t_g{name="a\\\\b\\"c\\nd"} 1
                t_g{name="crlf\r\\nend"} 2
                t_g{name="ünïcode ✓"} 3

                """)
    }

    @Test(arguments: [
        (0.0, "0"), (-0.0, "0"), (17, "17"), (-3, "-3"), (0.25, "0.25"), (0.000_5, "0.0005"), (1e-7, "1e-07"),
        (1_795_521_600.123, "1795521600.123"), (9_007_199_254_740_991, "9007199254740991"), (1e21, "1e+21"),
        (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
    ])
    func aNumberIsOneOfGos(value: Double, written: String) {
        #expect(MetricText.number(value) == written)
        if value.isFinite { #expect(Double(written) == value) }
    }

    @Test func namesAreThoseOfPrometheus() {
        for name in ["a", "A_b:c9", "_x", ":a"] { #expect(MetricText.isName(name)) }
        for name in ["", "9a", "a-b", "a b", "ä", "a.b"] { #expect(!MetricText.isName(name)) }
        #expect(MetricText.isLabel("cause"))
        for name in ["a:b", "__name__", "", "le\n"] { #expect(!MetricText.isLabel(name)) }
    }

    // MARK: The numbers

    @Test func aBoundBelongsToItsBucket() {
        let histogram = MetricHistogram(bounds: [1, 2])
        for value in [-1, 0.999, 1, 1.000_1, 2, 2.1, .infinity] { histogram.observe(value) }
        histogram.observe(.nan)
        #expect(histogram.reading.counts == [3, 2, 2])
        #expect(histogram.reading.count == 7)
    }

    @Test func timesAreSeconds() {
        let histogram = MetricHistogram(bounds: [0.01, 1])
        histogram.observe(.milliseconds(5))
        histogram.observe(.milliseconds(250))
        histogram.observe(.milliseconds(-250))
        #expect(histogram.reading.counts == [2, 1, 0])
        #expect(abs(histogram.reading.sum - 0.255) < 1e-9)
    }

    @Test func aCountKeptElsewhereNeverGoesBack() {
        let counter = MetricCounter()
        counter.catchUp(with: 5)
        counter.catchUp(with: 3)
        #expect(counter.value == 5)
    }

    @Test func aGaugeIsATimeATruthOrANumber() {
        let gauge = MetricGauge()
        gauge.set(true)
        #expect(gauge.value == 1)
        gauge.set(Timestamp(milliseconds: 1_500))
        #expect(gauge.value == 1.5)
        gauge.set(Timestamp?.none)
        #expect(gauge.value == nil)
    }

    // MARK: Bounds and threads

    @Test func labelsFromOutsideFillNoMemory() {
        let family = MetricFamily(labels: ["code"], most: 3) { MetricCounter() }
        for code in 0..<1_000 { family.with("\(code)").add() }
        #expect(family.all.map(\.values) == [["0"], ["1"], ["2"], ["other"]])
        #expect(family.all.map(\.series.value) == [1, 1, 1, 997])
    }

    @Test func composedAndDecomposedNamesAreBothCounted() {
        let family = MetricFamily(labels: ["name"], most: 9) { MetricCounter() }
        family.with("\u{e9}").add()
        family.with("e\u{301}").add()
        #expect(family.all.map(\.series.value).reduce(0, +) == 2)
    }

    @Test func nothingIsLostWhenManyCountAtOnce() async {
        struct Catalogue {
            @Metric("n_total", "Counted.", labels: "thread")
            var counted: MetricFamily<MetricCounter>
            @Metric("h", "Observed.", bounds: [10, 100])
            var observed: MetricHistogram
        }
        let metrics = Catalogue()
        let (family, histogram) = (metrics.counted, metrics.observed)
        let registry = MetricRegistry(prefix: "t_", catalogue: metrics)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask { [registry] in
                    for number in 0..<2_000 {
                        family.with("\(task % 4)").add()
                        histogram.observe(Double(number % 200))
                        if number.isMultiple(of: 500) { _ = registry.text() }
                    }
                }
            }
        }
        #expect(family.all.map(\.series.value) == [4_000, 4_000, 4_000, 4_000])
        #expect(histogram.reading.count == 16_000)
        #expect(histogram.reading.counts == [880, 7_200, 7_920])
    }
}
