import Testing

@testable import Terminal

@Suite struct SuggestionTests {
    @Test(arguments: [
        ("", "", 0), ("", "abc", 3), ("abc", "", 3), ("abc", "abc", 0), ("abc", "acb", 1), ("abc", "abd", 1),
        ("abc", "abcd", 1), ("abcd", "abc", 1), ("kitten", "sitting", 3), ("ab", "ba", 1),
    ])
    func countsSlips(left: String, right: String, distance: Int) {
        #expect(Suggestion.editDistance(Array(left.utf8), Array(right.utf8)) == distance)
    }

    @Test func takesTheNearestWithinReach() {
        let known = ["timeout", "connect_timeout", "heartbeat"]
        #expect(Suggestion.closest(to: "timeot", among: known) == "timeout")
        #expect(Suggestion.closest(to: "hearbeat", among: known) == "heartbeat")
        #expect(Suggestion.closest(to: "level", among: known) == nil)
        #expect(Suggestion.closest(to: "", among: known) == nil)
        #expect(Suggestion.closest(to: "x", among: []) == nil)
    }
}
