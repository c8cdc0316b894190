extension JobResult {
    /// In bytes. The names of google.rpc.Code are far shorter.
    private static let longestAPIStatus = 64

    /// Compact JSON, names sorted: equal results give equal bytes.
    public func encoded() -> [UInt8] {
        var members: [JSONValue.Member] = []
        func add(_ name: String, _ value: JSONValue?) {
            if let value { members.append(JSONValue.Member(name, value)) }
        }
        add("version", .integer(1))
        add("jobId", jobID.map { .string($0.utf8) })
        add("account", account.map { .string($0.utf8) })
        add("outcome", .text(outcome.rawValue))
        add("effect", .text(effect.rawValue))
        add("reason", reason.map { .text($0.rawValue) })
        add("next", next.map { .text($0.rawValue) })
        add("detail", detail.map { .text(DetailText.scrubbed($0)) })
        add("attempts", .integer(Int64(attempts)))
        add("generation", .integer(Int64(generation)))
        add("httpStatus", httpStatus.map { .integer(Int64($0)) })
        add("apiStatus", apiStatus.map { .text(DetailText.scrubbed($0, limit: Self.longestAPIStatus)) })
        add("requestedAt", requestedAt.map { .text($0) })
        add("completedAt", completedAt.map { .text($0) })
        add("durationMs", .integer(durationMs))
        if !metadata.isEmpty {
            add("metadata", .object(metadata.map { JSONValue.Member($0.key, .string($0.value)) }))
        }
        return JSONValue.object(members).encoded()
    }
}
