import PrivateDatabase
import Testing

@testable import PostgresLedger

extension ServerTests {
    /// What goes to a real server comes back as it was, and means there what it means here.
    @Suite struct RoundTripTests {
        private static let scalars = PostgresStatement(
            "scalars",
            "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14",
            [.bool, .int2, .int4, .int8, .text, .bytea, .timestamptz].flatMap { [$0, $0.array] })

        @Test func everyTypeComesBackAsItWas() async throws {
            try await connected(configuration(OnAServer.server.url())) { connection in
                for seed in UInt64(0)..<200 {
                    var random = ValueGenerator(seed: seed)
                    let bool = random.bool()
                    let int2 = random.int2()
                    let int4 = random.int4()
                    let int8 = random.int8()
                    let text = random.text()
                    let bytes = random.bytes()
                    let time = random.time()
                    let bools = random.array { $0.bool() }
                    let int2s = random.array { $0.int2() }
                    let int4s = random.array { $0.int4() }
                    let int8s = random.array { $0.int8() }
                    let texts = random.array { $0.text() }
                    let bytesList = random.array { $0.bytes() }
                    let times = random.array { $0.time() }
                    var batch = PostgresBatch()
                    batch.add(
                        Self.scalars,
                        [
                            .value(bool), .array(bools), .value(int2), .array(int2s), .value(int4), .array(int4s),
                            .value(int8), .array(int8s), .value(text), .array(texts), .value(bytes), .array(bytesList),
                            .value(time), .array(times),
                        ])
                    let rows = try connection.run(batch, within: answerTime).rows()[0]
                    #expect(try rows.count == 1 && rows.value(0, 0) == bool && rows.array(0, 1) == bools)
                    #expect(try rows.value(0, 2) == int2 && rows.array(0, 3) == int2s)
                    #expect(try rows.value(0, 4) == int4 && rows.array(0, 5) == int4s)
                    #expect(try rows.value(0, 6) == int8 && rows.array(0, 7) == int8s)
                    #expect(try rows.value(0, 8) == text && rows.array(0, 9) == texts)
                    #expect(try rows.value(0, 10) == bytes && rows.array(0, 11) == bytesList)
                    #expect(try rows.value(0, 12) == time && rows.array(0, 13) == times)
                }
            }
        }

        @Test func nothingIsNotEmpty() async throws {
            try await connected(configuration(OnAServer.server.url())) { connection in
                let nothing: [PostgresParameter] = [
                    .value(Bool?.none), .value(Int16?.none), .value(Int32?.none), .value(Int64?.none),
                    .value(String?.none), .value([UInt8]?.none), .value(PostgresTime?.none),
                ]
                let rows = try connection.run("nulls", "SELECT $1, $2, $3, $4, $5, $6, $7", nothing)
                #expect((0..<7).allSatisfy { rows.isNull(0, $0) })
                #expect(try rows.valueIfAny(0, 4, as: String.self) == nil)
                #expect(throws: PostgresDecodingError.self) { try rows.value(0, 4, as: String.self) }
                #expect(throws: PostgresDecodingError.self) { try rows.valueIfAny(0, 3, as: Int32.self) }
                let empty = try connection.run(
                    "empty", "SELECT $1, $2, $3", [.value(""), .value([UInt8]()), .array([Int64?]())])
                #expect(try empty.value(0, 0) == "" && empty.value(0, 1) == [UInt8]())
                #expect(try empty.array(0, 2) == [Int64?]())
            }
        }

        @Test func aTimeMeansTheSameInEveryZone() async throws {
            let rows = try await connected(
                configuration(OnAServer.server.url("worker", "?options=-c%20TimeZone%3DAsia%2FTokyo"))
            ) { connection in
                try connection.run(
                    "zone",
                    "SELECT current_setting('TimeZone'), $1 = '2001-02-03T04:05:06.000007Z'::timestamptz, "
                        + "'2001-02-03T04:05:06.000007Z'::timestamptz, $2 = 'infinity', '-infinity'::timestamptz",
                    [.value(PostgresTime(microseconds: 981_173_106_000_007)), .value(PostgresTime.distantFuture)])
            }
            #expect(try rows.value(0, 0) == "Asia/Tokyo" && rows.value(0, 1) == true && rows.value(0, 3) == true)
            #expect(try rows.value(0, 2) == PostgresTime(microseconds: 981_173_106_000_007))
            #expect(try rows.value(0, 4) == PostgresTime.distantPast)
        }

        @Test func arraysAreWhatSQLTakesThemFor() async throws {
            let rows = try await connected(configuration(OnAServer.server.url())) { connection in
                try connection.run(
                    "unnest", "SELECT a, b FROM unnest($1, $2) WITH ORDINALITY AS t (a, b, n) ORDER BY n",
                    [.array(["one", nil, "three"]), .array([Int64(1), 2, nil])])
            }
            #expect(rows.count == 3 && rows.affected == 3)
            #expect(try (0..<3).map { try rows.valueIfAny($0, 0, as: String.self) } == ["one", nil, "three"])
            #expect(try (0..<3).map { try rows.valueIfAny($0, 1, as: Int64.self) } == [1, 2, nil])
        }

        @Test func aTextWithAZeroByteIsAFaultOfOurs() async throws {
            try await connected(configuration(OnAServer.server.url())) { connection in
                let error = try thrown { () throws(PostgresError) in
                    try connection.run("zero", "SELECT $1", [.value("a\0b")])
                }
                let isUsable = connection.isUsable
                #expect(error.kind == .fault && error.state == "22021" && isUsable)
            }
        }

        @Test func aSocketIsAsGoodAsAPort() async throws {
            let server = try OnAServer.server
            let directory = server.socketDirectory.replacing("/", with: "%2F")
            let url = "postgresql://worker@\(directory):\(server.port)/ledger"
            let size = 200_000
            let rows = try await connected(configuration(url)) { connection in
                try connection.run("big", "SELECT $1", [.value([UInt8](repeating: 7, count: size))])
            }
            #expect(try rows.value(0, 0, as: [UInt8].self).count == size, "and a large batch goes at once")
        }
    }
}
