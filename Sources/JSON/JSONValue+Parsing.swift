import CJansson

extension JSONValue {
    /// Deep enough for every message of ours and the API's, shallow enough for any thread's stack: Jansson recurses,
    /// and its own limit of 2,048 levels is made for a main thread.
    public static let deepestNesting = 32

    /// Reads exactly one value: UTF-8 without a byte-order mark, no name twice in an object, integers that fit 64 bits,
    /// finite reals, no NUL in names. Throws what is wrong, without quoting the input.
    public static func parse(_ bytes: [UInt8]) throws(JSONFault) -> JSONValue {
        try checkEncoding(bytes)
        if let offset = bytes.withUnsafeBufferPointer(tooDeep) {
            throw JSONFault(.tooDeep(limit: deepestNesting), at: offset)
        }
        var code: Int32 = 0
        var position: Int32 = 0
        let parsed = bytes.withUnsafeBytes { buffer in
            CJansson_parse(buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count, &code, &position)
        }
        guard let parsed else { throw JSONFault(kind(ofCode: code), at: Int(position)) }
        defer { json_decref(parsed) }
        return JSONValue(copying: parsed)
    }

    static func checkEncoding(_ bytes: [UInt8]) throws(JSONFault) {
        if bytes.isEmpty { throw JSONFault(.empty, at: 0) }
        // Every JSON text begins with two ASCII characters or is one long, so a NUL among the first two tells.
        switch (bytes[0], bytes.count > 1 ? bytes[1] : nil) {
        case (0xEF, 0xBB) where bytes.count > 2 && bytes[2] == 0xBF: throw JSONFault(.byteOrderMark, at: 0)
        case (0xFE, 0xFF), (0xFF, 0xFE), (0, _), (_, 0): throw JSONFault(.utf16, at: 0)
        default: break
        }
    }

    /// Where the first bracket too many stands. Brackets in strings are none.
    private static func tooDeep(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        var depth = 0
        var isInString = false
        var offset = 0
        while offset < bytes.count {
            switch bytes[offset] {
            case UInt8(ascii: "\""): isInString.toggle()
            case UInt8(ascii: "\\"):
                // Whatever is escaped, it ends no string.
                if isInString { offset += 1 }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                if isInString { break }
                depth += 1
                if depth > deepestNesting { return offset }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if !isInString { depth -= 1 }
            default: break
            }
            offset += 1
        }
        return nil
    }

    private static func kind(ofCode code: Int32) -> JSONFault.Kind {
        switch UInt32(bitPattern: code) {
        case json_error_out_of_memory.rawValue: .outOfMemory
        case json_error_stack_overflow.rawValue: .tooDeep(limit: deepestNesting)
        case json_error_invalid_utf8.rawValue: .invalidUTF8
        case json_error_premature_end_of_input.rawValue: .truncated
        case json_error_end_of_input_expected.rawValue: .somethingAfterTheValue
        case json_error_null_byte_in_key.rawValue: .nulInName
        case json_error_duplicate_key.rawValue: .duplicateMember
        case json_error_numeric_overflow.rawValue: .numberOutOfRange
        default: .syntax
        }
    }

    private init(copying value: UnsafeMutablePointer<json_t>) {
        switch value.pointee.type {
        case JSON_OBJECT:
            var members: [Member] = []
            members.reserveCapacity(json_object_size(value))
            // Jansson keeps the order in which members were read.
            var iterator = json_object_iter(value)
            while let current = iterator {
                let name = Self.bytes(json_object_iter_key(current), json_object_iter_key_len(current))
                guard let member = json_object_iter_value(current) else {
                    preconditionFailure("a member of a parsed object has a value")
                }
                members.append(Member(name, JSONValue(copying: member)))
                iterator = json_object_iter_next(value, current)
            }
            self = .object(members)
        case JSON_ARRAY:
            self = .array(
                (0..<json_array_size(value)).map { index in
                    guard let element = json_array_get(value, index) else {
                        preconditionFailure("an array has an element at each index below its size")
                    }
                    return JSONValue(copying: element)
                })
        case JSON_STRING: self = .string(Self.bytes(json_string_value(value), json_string_length(value)))
        case JSON_INTEGER: self = .integer(Int64(json_integer_value(value)))
        case JSON_REAL: self = .real(json_real_value(value))
        case JSON_TRUE: self = .bool(true)
        case JSON_FALSE: self = .bool(false)
        case JSON_NULL: self = .null
        default: preconditionFailure("jansson has eight types of values; it gave \(value.pointee.type)")
        }
    }

    private static func bytes(_ start: UnsafePointer<CChar>?, _ count: Int) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: start, count: count))
    }
}
