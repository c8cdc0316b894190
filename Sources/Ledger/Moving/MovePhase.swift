/// Where a move stands, by what both ledgers say of it.
package enum MovePhase: Equatable, Sendable {
    /// Nothing has been copied.
    case fresh
    /// All up to `cursor` has; nil: nothing.
    case copying(cursor: String?)
    /// What was moved is not used any more, and all that is missing is the word that what was made may be.
    case left
    /// Nothing is to be done.
    case done

    /// - Parameters:
    ///   - moveID: of the state that the source is in.
    ///   - beginsAnew: what has been copied of another state, or by another move, is thrown away.
    /// - Throws: `.unusable`, if one of the two is in a move with another ledger.
    package init(
        source: MoveMark?, named sourceName: String, target: MoveMark?, named targetName: String, moveID: String,
        beginsAnew: Bool
    ) throws(LedgerError) {
        if let source, source.state == .left {
            switch target {
            case let target? where target.moveID == source.moveID && target.state == .arriving: self = .left
            case let target? where target.moveID == source.moveID && target.state == .arrived: self = .done
            case .some, .none: throw .unusable(source.refusal(sourceName) ?? "\(sourceName) was moved")
            }
            return
        }
        if let source, let refusal = source.refusal(sourceName) { throw .unusable(refusal) }
        guard let target else {
            self = .fresh
            return
        }
        switch target.state {
        case .arriving where target.moveID == moveID && !beginsAnew: self = .copying(cursor: target.cursor)
        case .arriving where beginsAnew: self = .fresh
        case .arriving:
            throw .unusable(
                "\(targetName) has a part of \(target.place), of another move or of before somebody worked on it: "
                    + "with --anew that is thrown away, and the copying begins again")
        case .left: throw .unusable(target.refusal(targetName) ?? "\(targetName) was moved")
        // Whether it is empty, which it is not, is for the target to say.
        case .leaving, .arrived: self = .fresh
        }
    }
}
