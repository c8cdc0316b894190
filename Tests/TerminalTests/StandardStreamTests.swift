import Terminal
import Testing

@Suite struct StandardStreamTests {
    @Test func exitStatusesAreTheFixedOnes() {
        #expect(ExitStatus.allCases.map(\.rawValue) == [0, 1, 64, 65, 69, 70, 73, 74, 75, 77, 78])
    }

    @Test func onlyATerminalHasColumns() {
        for stream in [StandardStream.output, .error] {
            #expect(stream.isTerminal || stream.columns == nil)
        }
    }
}
