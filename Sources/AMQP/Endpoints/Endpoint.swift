/// One broker address. Several are tried in turn.
package struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// A name, so that a certificate can be checked against it.
    package var host: String
    package var port: Int
    package var virtualHost: String
    /// Nil: no TLS.
    package var tls: TLSConfiguration?

    package init(host: String, port: Int, virtualHost: String = "/", tls: TLSConfiguration? = nil) {
        self.host = host
        self.port = port
        self.virtualHost = virtualHost
        self.tls = tls
    }

    /// For the log; no user, no password.
    package var description: String { "\(tls == nil ? "amqp" : "amqps")://\(host):\(port) (vhost \(virtualHost))" }
}

/// How a broker is trusted. The certificate and the name are always verified, TLS 1.2 or newer.
package struct TLSConfiguration: Hashable, Sendable {
    /// PEM file of the authorities.
    package var caFile: String
    /// PEM files of the client's own certificate, if the broker asks for one.
    package var certificateFile: String?
    package var keyFile: String?

    /// librabbitmq 0.11 loads no authorities by itself; Debian keeps its bundle here.
    package static let systemAuthorities = "/etc/ssl/certs/ca-certificates.crt"

    package init(caFile: String = Self.systemAuthorities, certificateFile: String? = nil, keyFile: String? = nil) {
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }
}
