/// One broker address. Several are tried in turn.
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// A name, so that a certificate can be checked against it.
    public var host: String
    public var port: Int
    public var virtualHost: String
    /// Nil: no TLS.
    public var tls: TLSConfiguration?

    public init(host: String, port: Int, virtualHost: String = "/", tls: TLSConfiguration? = nil) {
        self.host = host
        self.port = port
        self.virtualHost = virtualHost
        self.tls = tls
    }

    /// For the log; no user, no password.
    public var description: String { "\(tls == nil ? "amqp" : "amqps")://\(host):\(port) (vhost \(virtualHost))" }
}

/// How a broker is trusted. The certificate and the name are always verified, TLS 1.2 or newer.
public struct TLSConfiguration: Hashable, Sendable {
    /// PEM file of the authorities.
    public var caFile: String
    /// PEM files of the client's own certificate, if the broker asks for one.
    public var certificateFile: String?
    public var keyFile: String?

    /// librabbitmq 0.11 loads no authorities by itself; Debian keeps its bundle here.
    public static let systemAuthorities = "/etc/ssl/certs/ca-certificates.crt"

    public init(caFile: String = Self.systemAuthorities, certificateFile: String? = nil, keyFile: String? = nil) {
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }
}
