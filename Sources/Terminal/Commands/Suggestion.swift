/// "Did you mean": the known name that a mistyped one is nearest to.
package enum Suggestion {
    /// One slip for every three letters: two different words of that length rarely are that near.
    private static let charactersPerSlip = 3

    /// Nil if none is near enough. Of equally near ones the first.
    package static func closest(to name: String, among known: some Sequence<String>) -> String? {
        let written = Array(name.utf8)
        let reach = max(1, written.count / charactersPerSlip)
        var best: (name: String, distance: Int)?
        for candidate in known {
            let distance = editDistance(written, Array(candidate.utf8))
            if distance <= reach, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.name
    }

    /// How many bytes must be inserted, left out, replaced, or swapped with the next to turn one into the other.
    static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
        var before = [Int](repeating: 0, count: right.count + 1)
        var previous = Array(0...right.count)
        for i in 1...left.count {
            var current = [i]
            for j in 1...right.count {
                let replaced = previous[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1)
                var least = min(previous[j] + 1, current[j - 1] + 1, replaced)
                if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
                    least = min(least, before[j - 2] + 1)
                }
                current.append(least)
            }
            (before, previous) = (previous, current)
        }
        return previous[right.count]
    }
}
