/// Bytes become HTTP/1.1 requests: bodies by Content-Length only, everything bounded.
struct RequestParser {
    struct Request: Equatable {
        var method: String
        /// As it came, with the query.
        var target: String
        var fields: [Field]
        var body: [UInt8]
        var keepAlive: Bool

        func field(_ name: String) -> String? {
            fields.first { $0.name == name }?.value
        }
    }

    struct Field: Equatable {
        /// Lower case.
        var name: String
        var value: String
    }

    enum Output: Equatable {
        case request(Request)
        case needMore
        /// Answer with this status and close.
        case refuse(Int)
    }

    static let largestHeader = 65_536
    static let largestBody = 1 << 20

    private var buffer: [UInt8] = []

    mutating func feed(_ bytes: some Sequence<UInt8>) {
        buffer.append(contentsOf: bytes)
    }

    /// The next request. Call again after each, for those that came together.
    mutating func next() -> Output {
        guard let end = headerEnd() else {
            return buffer.count > Self.largestHeader ? .refuse(431) : .needMore
        }
        let lines = String(decoding: buffer[..<end], as: UTF8.self).split(
            separator: "\r\n", omittingEmptySubsequences: false)
        let start = lines.first?.split(separator: " ") ?? []
        guard start.count == 3, start[2].hasPrefix("HTTP/1.") else { return .refuse(400) }
        var fields: [Field] = []
        for line in lines.dropFirst() where !line.isEmpty {
            guard let colon = line.firstIndex(of: ":") else { return .refuse(400) }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            fields.append(Field(name: line[..<colon].lowercased(), value: String(value)))
        }
        if fields.contains(where: { $0.name == "transfer-encoding" }) { return .refuse(501) }
        let announced = fields.first { $0.name == "content-length" }?.value ?? "0"
        guard let length = Int(announced), length >= 0 else { return .refuse(400) }
        guard length <= Self.largestBody else { return .refuse(413) }
        let bodyStart = end + 4
        guard buffer.count >= bodyStart + length else { return .needMore }
        let body = Array(buffer[bodyStart..<bodyStart + length])
        buffer.removeFirst(bodyStart + length)
        let close = fields.contains { $0.name == "connection" && $0.value.lowercased() == "close" }
        return .request(
            Request(
                method: String(start[0]), target: String(start[1]), fields: fields, body: body,
                keepAlive: !close && start[2] == "HTTP/1.1"))
    }

    private func headerEnd() -> Int? {
        guard buffer.count >= 4 else { return nil }
        let limit = min(buffer.count, Self.largestHeader + 4) - 3
        var index = 0
        while index < limit {
            if buffer[index + 3] == 0x0a, buffer[index] == 0x0d, buffer[index + 1] == 0x0a, buffer[index + 2] == 0x0d {
                return index
            }
            index += 1
        }
        return nil
    }
}
