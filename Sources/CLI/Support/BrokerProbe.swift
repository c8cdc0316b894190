import AMQP
import Daemon
import Settings

/// One try to reach the broker, so that a command says what is wrong instead of trying for ever.
enum BrokerProbe {
    static func connect(_ settings: DaemonSettings) async throws {
        let session = try BrokerAdmin(try settings.link("probe", asOperator: true))
        // The process ends soon; the session's thread with it.
        try await session.connect()
    }
}
