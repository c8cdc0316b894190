/// Which message of a job the broker has confirmed.
public enum PublishedPart: Sendable {
    case result
    case letter
    case copy(Int)
}
