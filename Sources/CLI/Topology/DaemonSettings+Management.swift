import AMQP
import Daemon
import HTTP
import Secrets
import Settings
import Terminal

extension DaemonSettings {
    /// The user for the management interface: the operator's, where one is set.
    func managementUser() throws -> (name: String, password: Secret) {
        switch try authentication(asOperator: true) {
        case .plain(let username, let password): return (username, password)
        case .external:
            throw CommandFailure(
                .settingsWrong, "the management interface needs a user and a password: set [broker.operator]")
        }
    }

    /// A list of a thousand queues has a megabyte.
    var managementHTTP: HTTPConfiguration {
        HTTPConfiguration(caFile: broker.tls.caFile?.path, maxResponse: 16 << 20, userAgent: http.userAgent)
    }
}
