import CZlib

/// A body with its content codings taken off, https://www.rfc-editor.org/rfc/rfc9110#section-8.4. Not by libcurl: to
/// that a compressed body which was cut anywhere is a success, and what came out of it until there, perhaps nothing,
/// the whole.
enum ContentDecoding: Equatable {
    /// To its end, which the compressed form marks.
    case whole([UInt8])
    /// Longer than the limit: its beginning.
    case tooLong([UInt8])
    /// Cut, damaged, followed by something else, or in a coding that was not asked for.
    case undecodable

    /// Also the one that HTTP allows for the same.
    private static let gzip: Set<String> = ["gzip", "x-gzip"]

    /// - Parameter isCut: there was more of the body than is here.
    init(_ body: [UInt8], status: Int, fields: [HTTPField], isCut: Bool, limit: Int) {
        let codings = Self.codings(fields, "content-encoding")
        if !Self.codings(fields, "transfer-encoding").allSatisfy({ $0 == "chunked" }) {
            // Libcurl takes such a coding off though nobody asked for it, and does not mind that it was cut either.
            self = .undecodable
        } else if codings.isEmpty {
            self = isCut ? .tooLong(body) : .whole(body)
        } else if body.isEmpty {
            // Of nothing no decoder can tell whether it is all. The answer itself can.
            self = Self.saysThatItIsEmpty(status, fields) ? .whole([]) : .undecodable
        } else {
            self = Self.decoded(body, codings, isCut: isCut, limit: limit)
        }
    }

    /// In the order in which they were applied.
    private static func codings(_ fields: [HTTPField], _ name: String) -> [String] {
        fields.filter { $0.isNamed(name) }
            .flatMap { $0.value.split { $0 == "," || $0 == " " || $0 == "\t" } }
            .map { $0.lowercased() }.filter { $0 != "identity" }
    }

    private static func saysThatItIsEmpty(_ status: Int, _ fields: [HTTPField]) -> Bool {
        [204, 205, 304].contains(status)
            || fields.contains { $0.isNamed("content-length") && Int($0.value) == 0 }
    }

    private static func decoded(_ body: [UInt8], _ codings: [String], isCut: Bool, limit: Int) -> ContentDecoding {
        var (rest, isCut) = (body, isCut)
        for coding in codings.reversed() {
            let step: ContentDecoding =
                if gzip.contains(coding) {
                    inflated(rest, Format.gzip, isCut: isCut, limit: limit)
                } else if coding == "deflate" {
                    deflateDecoded(rest, isCut: isCut, limit: limit)
                } else {
                    .undecodable
                }
            switch step {
            case .whole(let bytes): rest = bytes
            case .tooLong(let bytes): (rest, isCut) = (bytes, true)
            case .undecodable: return .undecodable
            }
        }
        return isCut ? .tooLong(rest) : .whole(rest)
    }

    /// The name means zlib's form, and some servers leave that form's frame out.
    private static func deflateDecoded(_ bytes: [UInt8], isCut: Bool, limit: Int) -> ContentDecoding {
        let framed = inflated(bytes, Format.zlib, isCut: isCut, limit: limit)
        return framed == .undecodable ? inflated(bytes, Format.raw, isCut: isCut, limit: limit) : framed
    }

    // MARK: zlib

    /// What zlib takes as windowBits, https://www.zlib.net/manual.html#Advanced.
    private enum Format {
        static let zlib: Int32 = 15
        static let raw: Int32 = -15
        static let gzip: Int32 = 15 + 16
    }

    private static func inflated(_ bytes: [UInt8], _ format: Int32, isCut: Bool, limit: Int) -> ContentDecoding {
        var stream = z_stream()
        // zlib knows its stream by its address.
        return withUnsafeMutablePointer(to: &stream) { stream in
            let size = Int32(MemoryLayout<z_stream>.size)
            guard inflateInit2_(stream, format, ZLIB_VERSION, size) == Z_OK else { return .undecodable }
            defer { inflateEnd(stream) }
            var end = End.damaged
            // One more than the limit, to see that there is more.
            var body = [UInt8](unsafeUninitializedCapacity: limit + 1) { output, count in
                end = inflateAll(stream, bytes, into: output, &count)
            }
            if body.count > limit {
                body.removeLast()
                return .tooLong(body)
            }
            switch end {
            case .reached: return isCut ? .tooLong(body) : .whole(body)
            case .missing: return isCut ? .tooLong(body) : .undecodable
            case .damaged: return .undecodable
            }
        }
    }

    private enum End {
        case reached
        /// There is nothing left to read, and the end has not come.
        case missing
        case damaged
    }

    private static func inflateAll(
        _ stream: UnsafeMutablePointer<z_stream>, _ bytes: [UInt8], into output: UnsafeMutableBufferPointer<UInt8>,
        _ count: inout Int
    ) -> End {
        var bytes = bytes
        return bytes.withUnsafeMutableBufferPointer { input in
            stream.pointee.next_in = input.baseAddress
            stream.pointee.avail_in = UInt32(clamping: input.count)
            while true {
                stream.pointee.next_out = output.baseAddress.map { $0 + count }
                stream.pointee.avail_out = UInt32(clamping: output.count - count)
                let code = inflate(stream, Z_NO_FLUSH)
                count = output.count - Int(stream.pointee.avail_out)
                switch code {
                case Z_STREAM_END where stream.pointee.avail_in == 0: return .reached
                // Compressed in several pieces, https://www.rfc-editor.org/rfc/rfc1952#section-2.2.
                case Z_STREAM_END: if inflateReset(stream) != Z_OK { return .damaged }
                case Z_OK, Z_BUF_ERROR:
                    if stream.pointee.avail_in == 0 || stream.pointee.avail_out == 0 { return .missing }
                default: return .damaged
                }
                if stream.pointee.avail_out == 0 { return .missing }
            }
        }
    }
}
