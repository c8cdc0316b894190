/// A value that one column or one element of an array holds, in PostgreSQL's binary form: numbers have their most
/// significant byte first. The forms are those of the server's `…send` and `…recv` functions.
protocol PostgresScalar: Hashable, Sendable {
    static var postgresType: PostgresType { get }
    func append(to bytes: inout [UInt8])
    /// Nil if the bytes are no value of the type.
    init?(postgresBytes bytes: ArraySlice<UInt8>)
}

extension Bool: PostgresScalar {
    static var postgresType: PostgresType { .bool }

    func append(to bytes: inout [UInt8]) { bytes.append(self ? 1 : 0) }

    init?(postgresBytes bytes: ArraySlice<UInt8>) {
        guard bytes.count == 1, let byte = bytes.first, byte <= 1 else { return nil }
        self = byte == 1
    }
}

extension Int16: PostgresScalar {
    static var postgresType: PostgresType { .int2 }
    func append(to bytes: inout [UInt8]) { bytes.append(bigEndian: self) }
    init?(postgresBytes bytes: ArraySlice<UInt8>) { self.init(bigEndianBytes: bytes) }
}

extension Int32: PostgresScalar {
    static var postgresType: PostgresType { .int4 }
    func append(to bytes: inout [UInt8]) { bytes.append(bigEndian: self) }
    init?(postgresBytes bytes: ArraySlice<UInt8>) { self.init(bigEndianBytes: bytes) }
}

extension Int64: PostgresScalar {
    static var postgresType: PostgresType { .int8 }
    func append(to bytes: inout [UInt8]) { bytes.append(bigEndian: self) }
    init?(postgresBytes bytes: ArraySlice<UInt8>) { self.init(bigEndianBytes: bytes) }
}

/// Text without a zero byte, which PostgreSQL refuses (22021): what others chose has to be looked at before.
extension String: PostgresScalar {
    static var postgresType: PostgresType { .text }

    func append(to bytes: inout [UInt8]) { bytes.append(contentsOf: utf8) }

    init?(postgresBytes bytes: ArraySlice<UInt8>) {
        self.init(validating: bytes, as: UTF8.self)
    }
}

/// Bytes as they are.
extension [UInt8]: PostgresScalar {
    static var postgresType: PostgresType { .bytea }
    func append(to bytes: inout [UInt8]) { bytes.append(contentsOf: self) }
    init?(postgresBytes bytes: ArraySlice<UInt8>) { self.init(bytes) }
}

extension [UInt8] {
    mutating func append<Number: FixedWidthInteger>(bigEndian number: Number) {
        Swift.withUnsafeBytes(of: number.bigEndian) { append(contentsOf: $0) }
    }
}

extension FixedWidthInteger {
    /// Nil unless there are exactly as many bytes as the number has.
    init?(bigEndianBytes bytes: ArraySlice<UInt8>) {
        guard bytes.count == Self.bitWidth / 8 else { return nil }
        self = bytes.reduce(0) { $0 << 8 | Self(truncatingIfNeeded: $1) }
    }
}
