import Concurrency

/// Why there is no answer.
package struct HTTPFault: Error, Equatable, Sendable, CustomStringConvertible {
    package var kind: HTTPFaultKind
    /// libcurl's CURLcode; 0 where the engine itself ended the exchange.
    package var code: Int32
    /// For the operator: hosts, ports, certificates, times; never path, headers or body of the request.
    package var detail: String
    /// Bytes of the request, head and body, that left or may have left. Never more than one request has.
    package var sentBytes: Int

    package init(kind: HTTPFaultKind, code: Int32 = 0, detail: String, sentBytes: Int = 0) {
        self.kind = kind
        self.code = code
        self.detail = detail
        self.sentBytes = sentBytes
    }

    /// This fault, named as a shortage of descriptors if that was its cause; libcurl does not say so.
    func explained(_ shortage: DescriptorShortage?) -> HTTPFault {
        guard kind.mayBeOfThisMachine, let shortage else { return self }
        return HTTPFault(kind: .descriptors, code: code, detail: shortage.description, sentBytes: sentBytes)
    }

    package var description: String {
        code == 0 ? "\(kind.rawValue): \(detail)" : "\(kind.rawValue): \(detail) (curl \(code))"
    }
}
