import CRabbitMQ

@testable import AMQP

/// A header table as librabbitmq writes it, and reads it again.
enum WireTable {
    /// More than any table that is tried: copies keep 4 KiB, and a letter adds a few hundred bytes.
    private static let largest = 1 << 14

    /// Nil if the library cannot write it.
    static func size(_ table: FieldTable) -> Int? { bytes(of: table)?.count }

    /// Nil if the library cannot write or read it.
    static func roundTrip(_ table: FieldTable) -> FieldTable? {
        guard var bytes = bytes(of: table) else { return nil }
        var pool = amqp_pool_t()
        init_amqp_pool(&pool, 4096)
        defer { empty_amqp_pool(&pool) }
        return bytes.withUnsafeMutableBytes { buffer in
            var read = amqp_table_t()
            var offset = 0
            let encoded = amqp_bytes_t(len: buffer.count, bytes: buffer.baseAddress)
            guard amqp_decode_table(encoded, &pool, &read, &offset) == 0, offset == buffer.count else { return nil }
            return CBytes.table(read)
        }
    }

    private static func bytes(of table: FieldTable) -> [UInt8]? {
        let arena = CArena()
        var written = arena.table(table)
        var offset = 0
        var bytes = [UInt8](repeating: 0, count: largest)
        let status = bytes.withUnsafeMutableBytes { buffer in
            amqp_encode_table(amqp_bytes_t(len: buffer.count, bytes: buffer.baseAddress), &written, &offset)
        }
        guard status == 0 else { return nil }
        return withExtendedLifetime(arena) { Array(bytes.prefix(offset)) }
    }
}
