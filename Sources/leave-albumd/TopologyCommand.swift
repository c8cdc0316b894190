import AMQP
import Operations
import Settings
import Terminal
import Threads

struct TopologyCommand: Sendable {
    private let settings: Settings

    init(_ settings: Settings) {
        self.settings = settings
    }

    func declare() async -> ExitStatus {
        await withSession { session throws(LinkError) in
            let topology = settings.topology
            try await topology.declare(on: session)
            StandardStream.output.write(
                "declared \(topology.exchanges.count) exchanges, \(topology.queues.count) queues and "
                    + "\(topology.bindings.count) bindings\n")
            return .done
        }
    }

    func verify() async -> ExitStatus {
        await withSession { session throws(LinkError) in
            let differences = try await settings.topology.missing(on: session)
            for difference in differences { StandardStream.output.write("\(difference)\n") }
            if differences.isEmpty { StandardStream.output.write("every exchange and queue is there\n") }
            return differences.isEmpty ? .done : .answeredNo
        }
    }

    private func withSession(
        _ body: (BrokerSession) async throws(LinkError) -> ExitStatus
    ) async -> ExitStatus {
        do {
            let session = try BrokerSession(try settings.link("topology", asOperator: true))
            return try await body(session)
        } catch let error as LinkError {
            StandardStream.error.write("\(error)\n")
            switch error.kind {
            case .channelClosed(403), .loginRefused: return .noPermission
            case .channelClosed: return .answeredNo
            default: return .serviceUnavailable
            }
        } catch let fault as SettingsFault {
            StandardStream.error.write("\(fault)\n")
            return .settingsWrong
        } catch {
            StandardStream.error.write("\(error)\n")
            return .internalFault
        }
    }
}
