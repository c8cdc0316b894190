import Clocks

/// How long the calls of one step took, in buckets that are an eighth of their octave wide: a percentile is true to
/// 7 %, whatever the number of calls, and a step has 272 bytes.
struct RecentLatency: Sendable {
    /// Octaves are counted from here; below it buckets are even.
    static let unit = Duration.microseconds(250)
    private static let unitNanoseconds = unit.nanoseconds
    private static let perOctave = 8
    /// Up to 131 s, past every timeout of a call; what is longer counts in the last bucket.
    private static let buckets = 8 + 16 * perOctave

    // Empty until the first call: most steps of a quiet day have none.
    private var counts: [UInt16] = []
    private var total = 0

    mutating func count(_ duration: Duration) {
        if counts.isEmpty { counts = [UInt16](repeating: 0, count: Self.buckets) }
        let bucket = Self.bucket(of: duration)
        // 65,535 calls of one length in ten seconds are more than a daemon makes; what is above is left out.
        guard counts[bucket] < .max else { return }
        counts[bucket] += 1
        total += 1
    }

    /// - Parameter share: 0.5 for the median.
    /// - Returns: the middle of the bucket in which that share of the calls ends; nil without calls.
    func percentile(_ share: Double) -> Duration? {
        guard total > 0 else { return nil }
        let rank = max(1, Int((Double(total) * share).rounded(.up)))
        var seen = 0
        for (bucket, count) in counts.enumerated() {
            seen += Int(count)
            if seen >= rank { return Self.middle(of: bucket) }
        }
        return Self.middle(of: Self.buckets - 1)
    }

    static func bucket(of duration: Duration) -> Int {
        let units = max(0, duration.nanoseconds) / unitNanoseconds
        guard units >= perOctave else { return Int(units) }
        let octave = 63 - units.leadingZeroBitCount
        let eighth = Int(units >> Int64(octave - 3)) - perOctave
        return min((octave - 2) * perOctave + eighth, buckets - 1)
    }

    private static func middle(of bucket: Int) -> Duration {
        guard bucket >= perOctave else { return unit * (2 * bucket + 1) / 2 }
        let width = 1 << (bucket / perOctave - 1)
        let start = (perOctave + bucket % perOctave) * width
        return unit * (2 * start + width) / 2
    }
}
