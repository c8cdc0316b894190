/// A stored result, and whether the broker is known to have it.
struct KeptResult: Equatable, Sendable {
    var result: StoredResult
    var isPublished: Bool
}
