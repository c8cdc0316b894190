import AMQP
import Foundation
import PrivateBroker
import Secrets
import Testing

extension OnABroker {
    @Suite struct OverTLS {
        @Test func theBrokerIsVerifiedAndACertificateIsALogin() async throws {
            let directory = try TemporaryDirectory("tls")
            let authority = try await Authority(directory)
            let server = try await authority.issue("localhost")
            let client = try await authority.issue("worker-by-certificate")
            let port = freePort()
            let broker = try await PrivateBroker(
                plugins: ["rabbitmq_auth_mechanism_ssl"],
                configuration: """
                    listeners.ssl.default = 127.0.0.1:\(port)
                    ssl_options.cacertfile = \(authority.certificate)
                    ssl_options.certfile = \(server.certificate)
                    ssl_options.keyfile = \(server.key)
                    ssl_options.verify = verify_peer
                    ssl_options.fail_if_no_peer_cert = false
                    auth_mechanisms.1 = EXTERNAL
                    auth_mechanisms.2 = PLAIN
                    ssl_cert_login_from = common_name
                    """, beside: directory)
            try await broker.control("add_user", "worker-by-certificate", "no password is used")
            try await broker.control("set_permissions", "worker-by-certificate", ".*", ".*", ".*")

            let plain = LinkConfiguration.Authentication.plain(
                username: "guest", password: Secret(copying: Array("guest".utf8)))
            func connect(
                _ tls: TLSConfiguration, host: String = "localhost", _ authentication: LinkConfiguration.Authentication
            ) async -> LinkError? {
                let configuration = LinkConfiguration(
                    endpoints: [Endpoint(host: host, port: port, tls: tls)], authentication: authentication,
                    connectionName: "tls")
                do {
                    let session = try BrokerAdmin(configuration)
                    defer { session.stop() }
                    try await session.connect()
                    return nil
                } catch {
                    return error as? LinkError
                }
            }
            let trusted = TLSConfiguration(caFile: authority.certificate)
            #expect(await connect(trusted, plain) == nil)
            let withCertificate = TLSConfiguration(
                caFile: authority.certificate, certificateFile: client.certificate, keyFile: client.key)
            let refusal = await connect(withCertificate, .external)
            #expect(refusal == nil, "no password is involved: \(String(describing: refusal))")
            let nobody = await connect(trusted, .external)
            #expect(nobody?.kind == .loginRefused, "without a certificate it is nobody: \(String(describing: nobody))")
            let system = TLSConfiguration(caFile: TLSConfiguration.systemAuthorities)
            #expect(await connect(system, plain)?.kind == .tls, "signed by nobody that the system knows")
            #expect(
                await connect(trusted, host: "127.0.0.1", plain)?.kind == .tls, "another name than the certificate's")
            await broker.end()
        }
    }
}
