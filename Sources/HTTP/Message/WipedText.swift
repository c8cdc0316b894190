import Glibc

/// Lends the parts as one terminated C string, which is overwritten afterwards.
func withWipedCString<Result>(
    _ parts: UnsafeRawBufferPointer..., use: (UnsafePointer<CChar>) -> Result
) -> Result {
    let size = parts.reduce(1) { $0 + $1.count }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { text in
        guard let start = text.baseAddress else { preconditionFailure("there is room for the end at least") }
        defer { explicit_bzero(start, size) }
        var end = 0
        for part in parts where !part.isEmpty {
            UnsafeMutableRawBufferPointer(start: start + end, count: part.count).copyMemory(from: part)
            end += part.count
        }
        start[end] = 0
        return use(start)
    }
}
