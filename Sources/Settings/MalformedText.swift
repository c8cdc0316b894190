/// Why a text is not what a key takes, without quoting it: a password may be anywhere in a malformed URI.
struct MalformedText: Error, Equatable {
    let problem: String
}
