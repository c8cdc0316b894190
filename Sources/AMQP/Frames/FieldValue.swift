/// A value of an AMQP 0-9-1 field table (RabbitMQ's dialect).
package indirect enum FieldValue: Hashable, Sendable {
    case boolean(Bool)
    /// Every signed and unsigned width up to 63 bits.
    case integer(Int64)
    case double(Double)
    case decimal(scale: UInt8, value: UInt32)
    /// A long string. Usually UTF-8, but the broker does not check.
    case string([UInt8])
    case bytes([UInt8])
    /// Seconds since 1970.
    case timestamp(UInt64)
    case array([FieldValue])
    case table(FieldTable)
    case void

    package static func text(_ string: String) -> FieldValue { .string(Array(string.utf8)) }
}

/// Headers or arguments: ordered, names compared as bytes, as they came.
package struct FieldTable: Hashable, Sendable {
    package struct Field: Hashable, Sendable {
        package let name: [UInt8]
        package let value: FieldValue

        package init(name: [UInt8], value: FieldValue) {
            self.name = name
            self.value = value
        }
    }

    package var fields: [Field]

    package init(_ fields: [Field] = []) {
        self.fields = fields
    }

    /// The first field of that name.
    package subscript(name: String) -> FieldValue? {
        fields.first { $0.name.elementsEqual(name.utf8) }?.value
    }

    package mutating func append(_ name: String, _ value: FieldValue) {
        fields.append(Field(name: Array(name.utf8), value: value))
    }
}
