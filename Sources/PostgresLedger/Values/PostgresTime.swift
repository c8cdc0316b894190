import Clocks

/// A point in time as the database has it: microseconds since 1970-01-01T00:00:00Z.
///
/// In binary a `timestamptz` is a number of microseconds, so it means the same whatever `TimeZone` a session has.
struct PostgresTime: Hashable, Comparable, Sendable {
    let microseconds: Int64

    init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    init(_ time: Timestamp) {
        microseconds = Self.saturating(time.milliseconds.multipliedReportingOverflow(by: 1_000), time.milliseconds)
    }

    /// PostgreSQL's `infinity` and `-infinity`.
    static let distantFuture = Self(microseconds: .max)
    static let distantPast = Self(microseconds: .min)

    /// Rounded down, as the milliseconds of a clock are.
    var timestamp: Timestamp {
        let (milliseconds, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000)
        return Timestamp(milliseconds: rest < 0 ? milliseconds - 1 : milliseconds)
    }

    static func < (left: Self, right: Self) -> Bool { left.microseconds < right.microseconds }

    fileprivate static func saturating(_ sum: (partialValue: Int64, overflow: Bool), _ number: Int64) -> Int64 {
        guard sum.overflow else { return sum.partialValue }
        return number < 0 ? .min : .max
    }
}

extension PostgresTime: PostgresScalar {
    static var postgresType: PostgresType { .timestamptz }

    /// PostgreSQL counts from 2000-01-01T00:00:00Z.
    private static let epoch: Int64 = 946_684_800_000_000

    /// The least and the greatest number are the infinities, on both sides.
    func append(to bytes: inout [UInt8]) {
        guard self != .distantFuture else { return bytes.append(bigEndian: Int64.max) }
        bytes.append(bigEndian: Self.saturating(microseconds.subtractingReportingOverflow(Self.epoch), microseconds))
    }

    init?(postgresBytes bytes: ArraySlice<UInt8>) {
        guard let number = Int64(bigEndianBytes: bytes) else { return nil }
        guard number != .min else {
            self = .distantPast
            return
        }
        self.init(microseconds: Self.saturating(number.addingReportingOverflow(Self.epoch), number))
    }
}
