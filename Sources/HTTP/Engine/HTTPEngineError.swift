public import Threads

/// Why the engine cannot start.
public enum HTTPEngineError: Error, Sendable, CustomStringConvertible {
    /// libcurl did not initialise; its CURLcode. Without memory, or with a broken TLS library.
    case libcurl(code: Int32)
    /// This libcurl lacks something that the engine cannot do without.
    case unsuitable(version: String, missing: String)
    case system(SystemCallError)

    public var description: String {
        switch self {
        case .libcurl(let code):
            "libcurl does not initialise (curl \(code)); look at its TLS library's configuration"
        case .unsuitable(let version, let missing):
            "libcurl \(version) lacks \(missing); install at least 7.88"
        case .system(let error): "starting the HTTP engine: \(error)"
        }
    }
}
