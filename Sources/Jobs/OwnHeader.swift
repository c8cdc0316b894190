/// The names of the worker's own message headers: on copies, on letters, on replays.
public enum OwnHeader {
    public static let prefix = "x-leave-album-"
    public static let copy = prefix + "copy"
    public static let attempt = prefix + "attempt"
    public static let ambiguous = prefix + "ambiguous"
    public static let generation = prefix + "generation"
    public static let notBefore = prefix + "not-before"
    public static let turn = prefix + "turn"
    public static let moves = prefix + "moves"
    public static let suspect = prefix + "suspect"
    public static let refusals = prefix + "refusals"
    public static let ask = prefix + "ask"
    public static let lane = prefix + "lane"
    public static let firstSeen = prefix + "first-seen"

    /// What a count in such a header may be; anything else was written by nobody of ours and counts as absent.
    public static let counts: ClosedRange<Int64> = 0...1_000_000

    // On letters as well.
    public static let reason = prefix + "reason"
    public static let detail = prefix + "detail"
    public static let attempts = prefix + "attempts"
    public static let httpStatus = prefix + "http-status"
    public static let apiStatus = prefix + "api-status"
    public static let deadAt = prefix + "dead-at"
    /// On a letter that was laid back into its queue by the browser of that name.
    public static let browsed = prefix + "browsed"
}
