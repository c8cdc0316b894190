import CRabbitMQ

/// Memory for the arguments of one library call: what it gave out lives until it is reset or goes.
final class CArena {
    /// The properties of an ordinary message several times over.
    private static let size = 4096
    /// Enough for every type of the library's.
    private static let alignment = 16

    private let block = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: alignment)
    private var used = 0
    /// One for each thing that the block has no space for.
    private var others: [UnsafeMutableRawPointer] = []

    deinit {
        reset()
        block.deallocate()
    }

    /// Takes back all that was given out.
    func reset() {
        used = 0
        guard !others.isEmpty else { return }
        others.forEach { $0.deallocate() }
        others = []
    }

    private func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
        let rounded = (byteCount + Self.alignment - 1) / Self.alignment * Self.alignment
        guard rounded <= Self.size - used else {
            let other = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: Self.alignment)
            others.append(other)
            return other
        }
        defer { used += rounded }
        return block + used
    }

    private func bytes(_ source: UnsafeRawBufferPointer) -> amqp_bytes_t {
        guard let start = source.baseAddress, !source.isEmpty else { return amqp_bytes_t(len: 0, bytes: nil) }
        let copy = allocate(byteCount: source.count)
        copy.copyMemory(from: start, byteCount: source.count)
        return amqp_bytes_t(len: source.count, bytes: copy)
    }

    func bytes(_ source: [UInt8]) -> amqp_bytes_t { source.withUnsafeBytes { bytes($0) } }

    func bytes(_ string: String) -> amqp_bytes_t {
        var string = string
        return string.withUTF8 { bytes(UnsafeRawBufferPointer($0)) }
    }

    func table(_ table: FieldTable) -> amqp_table_t {
        guard !table.fields.isEmpty else { return amqp_table_t(num_entries: 0, entries: nil) }
        let entries = allocate(amqp_table_entry_t.self, count: table.fields.count)
        for (index, field) in table.fields.enumerated() {
            entries[index] = amqp_table_entry_t(key: bytes(field.name), value: value(field.value))
        }
        return amqp_table_t(num_entries: Int32(table.fields.count), entries: entries)
    }

    private func value(_ value: FieldValue) -> amqp_field_value_t {
        var field = amqp_field_value_t()
        func kind(_ kind: amqp_field_value_kind_t) { field.kind = UInt8(kind.rawValue) }
        switch value {
        case .boolean(let flag):
            kind(AMQP_FIELD_KIND_BOOLEAN)
            field.value.boolean = flag ? 1 : 0
        case .integer(let number):
            kind(AMQP_FIELD_KIND_I64)
            field.value.i64 = number
        case .double(let number):
            kind(AMQP_FIELD_KIND_F64)
            field.value.f64 = number
        case .decimal(let scale, let number):
            kind(AMQP_FIELD_KIND_DECIMAL)
            field.value.decimal = amqp_decimal_t(decimals: scale, value: number)
        case .string(let text):
            kind(AMQP_FIELD_KIND_UTF8)
            field.value.bytes = bytes(text)
        case .bytes(let data):
            kind(AMQP_FIELD_KIND_BYTES)
            field.value.bytes = bytes(data)
        case .timestamp(let seconds):
            kind(AMQP_FIELD_KIND_TIMESTAMP)
            field.value.u64 = seconds
        case .array(let values):
            kind(AMQP_FIELD_KIND_ARRAY)
            let entries = allocate(amqp_field_value_t.self, count: values.count)
            for (index, element) in values.enumerated() { entries[index] = self.value(element) }
            field.value.array = amqp_array_t(num_entries: Int32(values.count), entries: entries)
        case .table(let inner):
            kind(AMQP_FIELD_KIND_TABLE)
            field.value.table = table(inner)
        case .void:
            kind(AMQP_FIELD_KIND_VOID)
        }
        return field
    }

    private func allocate<Element>(_ type: Element.Type, count: Int) -> UnsafeMutablePointer<Element> {
        allocate(byteCount: max(1, count) * MemoryLayout<Element>.stride).bindMemory(to: type, capacity: max(1, count))
    }

    func properties(of publication: Publication, isPersistent: Bool) -> amqp_basic_properties_t {
        let source = publication.properties
        var properties = amqp_basic_properties_t()
        var flags: Int32 = 0
        func text(_ value: String?, _ flag: Int32, _ field: inout amqp_bytes_t) {
            guard let value else { return }
            field = bytes(value)
            flags |= flag
        }
        text(source.contentType, AMQP_BASIC_CONTENT_TYPE_FLAG, &properties.content_type)
        text(source.contentEncoding, AMQP_BASIC_CONTENT_ENCODING_FLAG, &properties.content_encoding)
        text(source.correlationID, AMQP_BASIC_CORRELATION_ID_FLAG, &properties.correlation_id)
        text(source.replyTo, AMQP_BASIC_REPLY_TO_FLAG, &properties.reply_to)
        text(source.expiration, AMQP_BASIC_EXPIRATION_FLAG, &properties.expiration)
        text(source.messageID, AMQP_BASIC_MESSAGE_ID_FLAG, &properties.message_id)
        text(source.type, AMQP_BASIC_TYPE_FLAG, &properties.type)
        text(source.userID, AMQP_BASIC_USER_ID_FLAG, &properties.user_id)
        text(source.appID, AMQP_BASIC_APP_ID_FLAG, &properties.app_id)
        text(source.clusterID, AMQP_BASIC_CLUSTER_ID_FLAG, &properties.cluster_id)
        if let headers = source.headers {
            properties.headers = table(headers)
            flags |= AMQP_BASIC_HEADERS_FLAG
        }
        properties.delivery_mode = isPersistent ? 2 : 1
        flags |= AMQP_BASIC_DELIVERY_MODE_FLAG
        if let priority = source.priority {
            properties.priority = priority
            flags |= AMQP_BASIC_PRIORITY_FLAG
        }
        if let timestamp = source.timestamp {
            properties.timestamp = timestamp
            flags |= AMQP_BASIC_TIMESTAMP_FLAG
        }
        properties._flags = amqp_flags_t(bitPattern: flags)
        return properties
    }
}
