/// A request as it came over HTTP/1.1.
public struct HTTPPeerRequest: Sendable {
    /// Without line ends; the request line is the first.
    public var lines: [String]
    public var body: [UInt8]

    public var requestLine: String { lines.first ?? "" }

    /// The values of all fields of that name, whatever its case.
    public func values(of name: String) -> [String] {
        lines.dropFirst().compactMap { line in
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name.lowercased()
            else {
                return nil
            }
            return String(line[line.index(after: colon)...].drop { $0 == " " })
        }
    }
}
