/// Bytes as people read them.
enum ByteCount {
    private static let units = ["B", "KiB", "MiB", "GiB", "TiB"]

    static func text(_ bytes: Int64) -> String {
        var value = Double(bytes)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return unit == 0 ? "\(bytes) B" : "\((value * 10).rounded() / 10) \(units[unit])"
    }
}
