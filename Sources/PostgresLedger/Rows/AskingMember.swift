/// Who asks what is published.
struct AskingMember: Sendable {
    /// Nil: no member.
    let epoch: Int?
    /// The numbers of its own results that are not published.
    let unpublished: [Int64]

    static let nobody = AskingMember(epoch: nil, unpublished: [])

    static let types: [PostgresType] = [.int4, .int8.array]

    var parameters: [PostgresParameter] {
        let numbers: [Int64?] = unpublished
        return [.value(Int32(clamping: epoch ?? 0)), .array(numbers)]
    }
}
