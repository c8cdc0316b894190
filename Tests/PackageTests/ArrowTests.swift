import Foundation
import Testing

/// The floors of the house: a room imports rooms of lower floors only, and each door belongs to its rooms.
@Suite struct ArrowTests {
    static let floors: [String: Int] = [
        "leave-albumd": 5, "photos-simulator": 5,
        "Pipeline": 4, "Service": 4, "Operations": 4,
        "Messages": 3, "Ledger": 3, "Credentials": 3, "Settings": 3,
        "HTTP": 2, "AMQP": 2, "Photos": 2,
        "Jobs": 1, "Telemetry": 1, "Files": 1,
        "Threads": 0, "Secrets": 0, "Terminal": 0, "JSON": 0,
    ]

    /// CLinux is there for whoever needs a Linux call.
    static let doors: [String: Set<String>] = [
        "CCrypto": ["Secrets"], "CSodium": ["Secrets"], "CJansson": ["JSON"], "CCurl": ["HTTP"], "CZlib": ["HTTP"],
        "CRabbitMQ": ["AMQP"], "CSQLite": ["Ledger"], "CSystemd": ["Telemetry", "Service"], "CMicroHTTPD": ["Service"],
        "CTOML": ["Settings"],
    ]

    static func fault(room: String, importing module: String) -> String? {
        if module == "Foundation" { return "\(room) imports Foundation: the static binary would grow by 44 MB" }
        if let rooms = doors[module] {
            return rooms.contains(room) ? nil : "\(room) imports the door \(module), which is not its own"
        }
        guard let target = floors[module] else { return nil }
        guard let own = floors[room] else { return "\(room) is on no floor" }
        return target < own ? nil : "\(room) (floor \(own)) imports \(module) (floor \(target))"
    }

    @Test func everyArrowGoesDown() throws {
        var faults: [String] = []
        for file in try Tree.swiftFiles("Sources") {
            for module in Tree.imports(of: file.text) {
                if let fault = Self.fault(room: file.room, importing: module) {
                    faults.append("\(file.path): \(fault)")
                }
            }
        }
        #expect(faults == [])
    }

    @Test func theGuardSeesWhatIsWrong() {
        #expect(Self.fault(room: "Jobs", importing: "AMQP") != nil)
        #expect(Self.fault(room: "AMQP", importing: "Ledger") != nil)
        #expect(Self.fault(room: "Pipeline", importing: "CSQLite") != nil)
        #expect(Self.fault(room: "HTTP", importing: "Foundation") != nil)
        #expect(Self.fault(room: "Attic", importing: "Jobs") != nil)
        #expect(Self.fault(room: "Pipeline", importing: "AMQP") == nil)
        #expect(
            Tree.imports(of: "public import Jobs\nimport struct AMQP.Delivery\n// import Foundation\n") == [
                "Jobs", "AMQP",
            ])
    }

    @Test func everyRoomIsOnAFloor() throws {
        let rooms = Set(try Tree.swiftFiles("Sources").map(\.room))
        #expect(rooms == Set(Self.floors.keys))
    }
}
