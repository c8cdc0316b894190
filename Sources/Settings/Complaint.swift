/// What is wrong with a value, where it stands.
struct Complaint: Equatable {
    let position: TOMLValue.Position
    let problem: String
    /// Where it is not what the form says.
    var allowed: String?
}
