/// What a ledger says of a move that it is in, or has been in: a line that every program reads before it uses the ledger.
package struct MoveMark: Equatable, Sendable {
    package enum State: String, CaseIterable, Sendable {
        /// Of what is moved, while it is copied: it may be used, and whoever does so takes the mark away or leaves another
        /// number behind.
        case leaving
        /// Of what is moved, at the end: never to be used again.
        case left
        /// Of what is made, until it is whole: not to be used yet.
        case arriving
        /// Of what was made, and is used.
        case arrived
    }

    package var state: State
    /// The same in both ledgers of one move. It has no space.
    package var moveID: String
    /// Up to where all has arrived: see `MovePage.cursor`. Nil: nothing has.
    package var cursor: String?
    /// The other ledger, for people.
    package var place: String

    package init(_ state: State, moveID: String, cursor: String? = nil, place: String) {
        precondition(!moveID.contains(" ") && cursor?.contains(" ") != true, "the parts of a mark have no space")
        self.state = state
        self.moveID = moveID
        self.cursor = cursor
        self.place = place
    }

    /// As it is stored.
    package var text: String { "\(state.rawValue) \(moveID) \(cursor ?? Self.none) \(place)" }

    private static let none = "-"

    /// Nil for what is no mark.
    package init?(text: String) {
        let parts = text.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4, let state = State(rawValue: parts[0]) else { return nil }
        self.init(state, moveID: parts[1], cursor: parts[2] == Self.none ? nil : parts[2], place: parts[3])
    }

    /// Why the ledger `name` may not be used, and what is to be done; nil: it may.
    package func refusal(_ name: String) -> String? {
        switch state {
        case .leaving, .arrived: nil
        case .left: "\(name) was moved to \(place): set [ledger] to that, this one is not used any more"
        case .arriving:
            "\(name) is being made of \(place), and is not whole: run `leave-albumd ledger migrate` again, which goes on "
                + "where it stood"
        }
    }
}
