import JSON
import Secrets

extension JobResult {
    /// In bytes. The names of google.rpc.Code are far shorter.
    private static let longestAPIStatus = 64
    /// Of a success with some metadata, in bytes; a larger one grows.
    private static let usualSize = 512

    /// Compact JSON, names sorted: equal results give equal bytes.
    package func encoded() -> [UInt8] {
        var text = JSONText(capacity: Self.usualSize)
        text.begin(.object)
        text.member("account", account?.utf8)
        text.member("apiStatus", apiStatus.map { DetailText.scrubbed($0, limit: Self.longestAPIStatus) })
        text.member("attempts", Int64(attempts))
        text.member("completedAt", completedAt)
        text.member("detail", detail.map { DetailText.scrubbed($0) })
        text.member("durationMs", durationMs)
        text.member("effect", effect.rawValue)
        text.member("generation", Int64(generation))
        text.member("httpStatus", httpStatus.map(Int64.init))
        text.member("jobId", jobID?.utf8)
        if !metadata.isEmpty {
            text.name("metadata")
            text.begin(.object)
            for datum in metadata.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                text.name(datum.key)
                text.string(datum.value)
            }
            text.end(.object)
        }
        text.member("next", next?.rawValue)
        text.member("outcome", outcome.rawValue)
        text.member("reason", reason?.rawValue)
        text.member("requestedAt", requestedAt)
        text.member("version", 1)
        text.end(.object)
        return text.bytes
    }
}
