package import HTTP
import JSON
package import Secrets

/// RabbitMQ's management interface, for what AMQP has no question for: arguments, bindings and effective policies.
package struct ManagementAPI: Sendable {
    private let engine: HTTPEngine
    private let baseURL: String
    private let vhost: String
    private let authorization: HTTPField

    /// `baseURL`: `http://broker:15672`.
    package init(_ engine: HTTPEngine, baseURL: String, vhost: String, username: String, password: Secret) {
        self.engine = engine
        self.baseURL = baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL
        self.vhost = vhost
        let pair = password.withUnsafeBytes { Array("\(username):".utf8) + Array($0) }
        authorization = HTTPField("Authorization", "Basic \(Base64.encoded(pair))")
    }

    package struct Failure: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    func queues() async throws(Failure) -> [JSONValue] {
        try await list("queues", columns: "name,type,arguments,policy,effective_policy_definition")
    }

    func bindings() async throws(Failure) -> [JSONValue] {
        try await list("bindings", columns: "source,destination,routing_key")
    }

    /// The broker's, as `4.0.5`; nil if the interface does not say it.
    func release() async throws(Failure) -> String? {
        try await value("overview?columns=rabbitmq_version", of: "its release")["rabbitmq_version"]?.text
    }

    private func list(_ what: String, columns: String) async throws(Failure) -> [JSONValue] {
        let vhost = String(decoding: PercentEncoding.encode(vhost.utf8), as: UTF8.self)
        guard let elements = try await value("\(what)/\(vhost)?columns=\(columns)", of: what).elements else {
            throw Failure(description: "the management interface at \(baseURL) gave no list of \(what)")
        }
        return elements
    }

    private func value(_ path: String, of what: String) async throws(Failure) -> JSONValue {
        let url = "\(baseURL)/api/\(path)"
        switch await engine.send(HTTPRequest(.get, url: url, fields: [authorization])) {
        case .notSent(let fault), .ambiguous(let fault):
            throw Failure(description: "the management interface at \(baseURL) cannot be read: \(fault)")
        case .answered(let response):
            guard response.status == 200, response.bodyIsWhole,
                let value = try? JSONValue.parse(response.body)
            else {
                throw Failure(
                    description: "the management interface at \(baseURL) answered \(response.status) to the question "
                        + "for \(what); its user needs the tag `monitoring`")
            }
            return value
        }
    }
}
