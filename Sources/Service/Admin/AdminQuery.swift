import CMicroHTTPD

/// What stands behind the `?` of a request's target, decoded. Foreign text: whoever takes a value checks it.
package struct AdminQuery: Equatable, Sendable {
    private let arguments: [String: String]

    package init(_ arguments: [String: String] = [:]) { self.arguments = arguments }

    /// Nil without an argument of that name; empty where it has no value. Of several the first counts.
    package subscript(name: String) -> String? { arguments[name] }

    /// Of a request whose head is complete. What is no UTF-8 is repaired, and is then no name of anything.
    init(of handle: OpaquePointer) {
        var arguments: [String: String] = [:]
        withUnsafeMutablePointer(to: &arguments) { pointer in
            _ = MHD_get_connection_values_n(handle, .GET_ARGUMENT_KIND, keepArgument, pointer)
        }
        self.init(arguments)
    }
}

// File-private and free, as C wants its callbacks. The context is the dictionary that is being filled.
private func keepArgument(
    _ context: UnsafeMutableRawPointer?, _ kind: MHD_ValueKind, _ name: UnsafePointer<CChar>?, _ nameSize: Int,
    _ value: UnsafePointer<CChar>?, _ valueSize: Int
) -> MHD_Result {
    guard let context, let name else { return .NO }
    let arguments = context.assumingMemoryBound(to: [String: String].self)
    // By their sizes: what follows an encoded NUL belongs to the value.
    func text(_ bytes: UnsafePointer<CChar>, _ size: Int) -> String {
        String(decoding: UnsafeRawBufferPointer(start: bytes, count: size), as: UTF8.self)
    }
    let key = text(name, nameSize)
    if arguments.pointee[key] == nil { arguments.pointee[key] = value.map { text($0, valueSize) } ?? "" }
    return .YES
}
