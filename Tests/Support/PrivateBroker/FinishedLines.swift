package import Foundation

/// The lines that another process has finished writing to a file. A reader can see a line half written, however
/// whole it is appended: the file grows page by page, and what has no newline yet is left for the next look.
package func finishedLines(of file: URL) throws -> [String] {
    finishedLines(in: try Data(contentsOf: file))
}

package func finishedLines(in bytes: Data) -> [String] {
    bytes[..<finishedEnd(of: bytes)].split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
}

/// Behind the newline of the last line that is finished.
func finishedEnd(of bytes: Data) -> Data.Index {
    bytes.lastIndex(of: UInt8(ascii: "\n")).map { bytes.index(after: $0) } ?? bytes.startIndex
}
