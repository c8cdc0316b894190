import Clocks
import Concurrency
import Testing

@testable import PostgresLedger

/// What is remembered, and what goes first.
@Suite struct RecentTableTests {
    /// Beside a list that has the keys in the order of their newest noting.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func whatWasNotedFirstGoesFirstWhateverTheOrder(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var table = RecentTable<Int, [Int]>(most: 5, mostBytes: 12)
        var plain: [(key: Int, value: [Int], at: MonotonicTime)] = []
        var now = MonotonicTime(nanoseconds: 0)
        for step in 0..<2_000 {
            now = now + .seconds(Int.random(in: 0...15, using: &random))
            let key = Int.random(in: 0..<9, using: &random)
            let known = plain.firstIndex { $0.key == key }.map { plain.remove(at: $0).value } ?? []
            plain.append((key, Array((known + [step]).suffix(4)), now))
            table.note(key, from: [], at: now, size: \.count) { $0 = Array(($0 + [step]).suffix(4)) }
            while let first = plain.first,
                first.at + RecentTable<Int, [Int]>.age < now || plain.count > 5
                    || plain.reduce(0, { $0 + $1.value.count }) > 12
            {
                plain.removeFirst()
            }
            #expect(table.keys.sorted() == plain.map(\.key).sorted())
            for entry in plain { #expect(table[entry.key] == entry.value) }
        }
    }
}
