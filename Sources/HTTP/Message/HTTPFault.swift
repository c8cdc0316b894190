import Threads

/// Why there is no answer.
public struct HTTPFault: Error, Equatable, Sendable, CustomStringConvertible {
    public var kind: HTTPFaultKind
    /// libcurl's CURLcode; 0 where the engine itself ended the exchange.
    public var code: Int32
    /// For the operator: hosts, ports, certificates, times; never path, headers or body of the request.
    public var detail: String
    /// Bytes of the request, head and body, that left or may have left. Never more than one request has.
    public var sentBytes: Int

    public init(kind: HTTPFaultKind, code: Int32 = 0, detail: String, sentBytes: Int = 0) {
        self.kind = kind
        self.code = code
        self.detail = detail
        self.sentBytes = sentBytes
    }

    /// The same by its true name, if a descriptor was all that was missing. libcurl does not say so.
    func told(_ shortage: DescriptorShortage?) -> HTTPFault {
        guard kind.mayBeOfThisMachine, let shortage else { return self }
        return HTTPFault(kind: .descriptors, code: code, detail: shortage.description, sentBytes: sentBytes)
    }

    public var description: String {
        code == 0 ? "\(kind.rawValue): \(detail)" : "\(kind.rawValue): \(detail) (curl \(code))"
    }
}
