import Glibc

/// Lends the parts as one terminated C string, which is overwritten afterwards.
func withWipedCString<Result>(
    _ parts: [UnsafeRawBufferPointer], _ use: (UnsafePointer<CChar>) -> Result
) -> Result {
    let size = parts.reduce(1) { $0 + $1.count }
    let text = UnsafeMutablePointer<CChar>.allocate(capacity: size)
    defer {
        explicit_bzero(text, size)
        text.deallocate()
    }
    var end = 0
    for part in parts where !part.isEmpty {
        UnsafeMutableRawBufferPointer(start: text + end, count: part.count).copyMemory(from: part)
        end += part.count
    }
    text[end] = 0
    return use(text)
}
