/// Bytes in, whole lines out; a line that grows too long is the end of it.
struct LineBuffer {
    private var pending: [UInt8] = []
    /// How much of `pending` was looked through.
    private var searched = 0
    private let longest: Int
    private(set) var isOverlong = false

    init(longest: Int) {
        self.longest = longest
    }

    mutating func append(_ bytes: some Sequence<UInt8>) {
        guard !isOverlong else { return }
        pending.append(contentsOf: bytes)
    }

    /// The next whole line, without its end.
    mutating func next() -> [UInt8]? {
        guard let end = pending[searched...].firstIndex(of: UInt8(ascii: "\n")) else {
            searched = pending.count
            if searched > longest {
                isOverlong = true
                pending = []
                searched = 0
            }
            return nil
        }
        let line = Array(pending[..<end])
        pending.removeSubrange(...end)
        searched = 0
        return line
    }
}
