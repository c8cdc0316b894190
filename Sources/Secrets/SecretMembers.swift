import CCrypto

/// Cuts members with secret strings out of a JSON object's bytes, so that no decoder makes copies of them.
public enum SecretMembers {
    public struct Cut: Sendable {
        /// The members that were there as strings without escapes, which is how tokens are written.
        public var secrets: [String: Secret]
        /// The same object with empty strings in their places.
        public var rest: [UInt8]
    }

    /// Overwrites the secrets in `json` itself. What is no JSON object comes back as it is, for a decoder to refuse.
    public static func cut(_ names: [String], from json: inout [UInt8]) -> Cut {
        var secrets: [String: Secret] = [:]
        var rest: [UInt8] = []
        var depth = 0
        var index = 0
        /// The last string at the top level: perhaps a member's name.
        var name: String?
        var isValue = false
        while index < json.count {
            let byte = json[index]
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: ":"): isValue = true
            case UInt8(ascii: ","):
                isValue = false
                name = nil
            case UInt8(ascii: "\""):
                let end = endOfString(json, from: index + 1)
                let isWhole = end < json.count
                if depth == 1, isValue, let known = name, names.contains(known), isWhole {
                    if !json[index + 1..<end].contains(UInt8(ascii: "\\")) {
                        secrets[known] = json[index + 1..<end].withUnsafeBytes { Secret(copying: $0) }
                    }
                    rest += [byte, byte]
                    json.withUnsafeMutableBytes {
                        OPENSSL_cleanse($0.baseAddress.map { $0 + index + 1 }, end - index - 1)
                    }
                } else {
                    if depth == 1, !isValue {
                        name = String(decoding: json[index + 1..<min(end, json.count)], as: UTF8.self)
                    }
                    rest += json[index..<min(end + 1, json.count)]
                }
                index = end + 1
                continue
            default: break
            }
            rest.append(byte)
            index += 1
        }
        return Cut(secrets: secrets, rest: rest)
    }

    private static func endOfString(_ json: [UInt8], from start: Int) -> Int {
        var index = start
        while index < json.count, json[index] != UInt8(ascii: "\"") {
            index += json[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(index, json.count)
    }
}
