import Jobs
import RepositoryFiles
import Testing

@Suite("Reasons say what docs/messages.md promises to publishers")
struct ReasonTests {
    /// One or more reasons, their outcome, their effect and what comes next.
    private func promised() throws -> [[String]] {
        try RepositoryFile.table(of: "docs/messages.md", under: "| reason | outcome | effect | next |")
    }

    @Test("Each reason has the table's outcome, effects and next step, and no reason is outside of the table")
    func table() throws {
        var seen: [String] = []
        for cells in try promised() {
            try #require(cells.count == 4, "\(cells)")
            // `not_left, unknown if …`: the second is the effect where an earlier call may have gone unheard.
            let effects = cells[2].split(separator: ", ").map { String($0.prefix { $0 != " " }) }
            try #require(effects.count <= 2, "\(cells)")
            for name in cells[0].split(separator: " ").map({ String($0.filter { $0 != "`" }) }) {
                seen.append(name)
                let reason = try #require(Reason(rawValue: name), "there is no reason \(name)")
                #expect(reason.outcome.rawValue == cells[1], "\(name)")
                #expect(reason.effect(isAmbiguous: false).rawValue == effects.first, "\(name)")
                #expect(reason.effect(isAmbiguous: true).rawValue == effects.last, "\(name)")
                #expect(reason.next.rawValue == cells[3], "\(name)")
            }
        }
        #expect(seen.sorted() == Reason.allCases.map(\.rawValue).sorted())
    }
}
