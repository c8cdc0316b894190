import Testing

@testable import PostgresLedger

@Suite struct ClusterMemoryTests {
    /// A daemon changes what all share while another of its own changes is on its way: that loses nothing.
    @Test func aVersionIsComparedWithWhatWasKnownWhenItWasRead() {
        let memory = ClusterMemory()
        let (first, second) = (memory.note(version: 1, stored: [1]), memory.note(version: 2, stored: [2]))
        #expect(first && second)
        #expect(!memory.note(version: 1, stored: [1]), "newer ones are lost")
        #expect(memory.note(version: 2, stored: [2]), "as it was")
        #expect(memory.known == ClusterMemory.Known(version: 2, stored: [2]))
    }
}
