/// A request as it came over HTTP/1.1.
package struct HTTPPeerRequest: Sendable {
    /// Without line ends; the request line is the first.
    package var lines: [String]
    package var body: [UInt8]

    package var requestLine: String { lines.first ?? "" }

    /// The values of all fields of that name, whatever its case.
    package func values(of name: String) -> [String] {
        lines.dropFirst().compactMap { line in
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name.lowercased()
            else {
                return nil
            }
            return String(line[line.index(after: colon)...].drop { $0 == " " })
        }
    }
}
