import CRabbitMQ

/// The library's bytes and tables in and out. No C type leaves this folder's connection files.
enum CBytes {
    static func array(_ bytes: amqp_bytes_t) -> [UInt8] {
        guard bytes.len > 0, let start = bytes.bytes else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: bytes.len))
    }

    /// A short string; the broker does not check that it is UTF-8, so it is repaired.
    static func string(_ bytes: amqp_bytes_t) -> String {
        guard let start = bytes.bytes else { return "" }
        return ShortString.cut(String(decoding: UnsafeRawBufferPointer(start: start, count: bytes.len), as: UTF8.self))
    }

    /// Deeper tables than anyone writes are cut off here: the depth is the sender's choice, the stack is ours.
    private static let deepest = 16

    static func table(_ table: amqp_table_t, depth: Int = 0) -> FieldTable {
        guard depth < deepest else { return FieldTable() }
        let fields = UnsafeBufferPointer(start: table.entries, count: Int(table.num_entries))
        return FieldTable(
            fields.map { FieldTable.Field(name: array($0.key), value: value($0.value, depth: depth)) })
    }

    private static func value(_ field: amqp_field_value_t, depth: Int) -> FieldValue {
        switch UInt32(field.kind) {
        case AMQP_FIELD_KIND_BOOLEAN.rawValue: .boolean(field.value.boolean != 0)
        case AMQP_FIELD_KIND_I8.rawValue: .integer(Int64(field.value.i8))
        case AMQP_FIELD_KIND_U8.rawValue: .integer(Int64(field.value.u8))
        case AMQP_FIELD_KIND_I16.rawValue: .integer(Int64(field.value.i16))
        case AMQP_FIELD_KIND_U16.rawValue: .integer(Int64(field.value.u16))
        case AMQP_FIELD_KIND_I32.rawValue: .integer(Int64(field.value.i32))
        case AMQP_FIELD_KIND_U32.rawValue: .integer(Int64(field.value.u32))
        case AMQP_FIELD_KIND_I64.rawValue: .integer(field.value.i64)
        case AMQP_FIELD_KIND_U64.rawValue: .integer(Int64(clamping: field.value.u64))
        case AMQP_FIELD_KIND_F32.rawValue: .double(Double(field.value.f32))
        case AMQP_FIELD_KIND_F64.rawValue: .double(field.value.f64)
        case AMQP_FIELD_KIND_DECIMAL.rawValue:
            .decimal(scale: field.value.decimal.decimals, value: field.value.decimal.value)
        case AMQP_FIELD_KIND_UTF8.rawValue: .string(array(field.value.bytes))
        case AMQP_FIELD_KIND_BYTES.rawValue: .bytes(array(field.value.bytes))
        case AMQP_FIELD_KIND_TIMESTAMP.rawValue: .timestamp(field.value.u64)
        case AMQP_FIELD_KIND_ARRAY.rawValue:
            depth < deepest
                ? .array(
                    UnsafeBufferPointer(start: field.value.array.entries, count: Int(field.value.array.num_entries))
                        .map { value($0, depth: depth + 1) })
                : .void
        case AMQP_FIELD_KIND_TABLE.rawValue: .table(table(field.value.table, depth: depth + 1))
        default: .void
        }
    }

    static func properties(_ source: amqp_basic_properties_t) -> Properties {
        let flags = Int32(bitPattern: source._flags)
        func has(_ flag: Int32) -> Bool { flags & flag != 0 }
        var properties = Properties()
        if has(AMQP_BASIC_CONTENT_TYPE_FLAG) { properties.contentType = string(source.content_type) }
        if has(AMQP_BASIC_CONTENT_ENCODING_FLAG) { properties.contentEncoding = string(source.content_encoding) }
        if has(AMQP_BASIC_HEADERS_FLAG) { properties.headers = table(source.headers) }
        if has(AMQP_BASIC_DELIVERY_MODE_FLAG) { properties.deliveryMode = source.delivery_mode }
        if has(AMQP_BASIC_PRIORITY_FLAG) { properties.priority = source.priority }
        if has(AMQP_BASIC_CORRELATION_ID_FLAG) { properties.correlationID = string(source.correlation_id) }
        if has(AMQP_BASIC_REPLY_TO_FLAG) { properties.replyTo = string(source.reply_to) }
        if has(AMQP_BASIC_EXPIRATION_FLAG) { properties.expiration = string(source.expiration) }
        if has(AMQP_BASIC_MESSAGE_ID_FLAG) { properties.messageID = string(source.message_id) }
        if has(AMQP_BASIC_TIMESTAMP_FLAG) { properties.timestamp = source.timestamp }
        if has(AMQP_BASIC_TYPE_FLAG) { properties.type = string(source.type) }
        if has(AMQP_BASIC_USER_ID_FLAG) { properties.userID = string(source.user_id) }
        if has(AMQP_BASIC_APP_ID_FLAG) { properties.appID = string(source.app_id) }
        if has(AMQP_BASIC_CLUSTER_ID_FLAG) { properties.clusterID = string(source.cluster_id) }
        return properties
    }
}
