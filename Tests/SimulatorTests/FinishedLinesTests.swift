import Foundation
import PrivateBroker
import Testing

@Suite struct FinishedLinesTests {
    @Test(arguments: [
        ("", []), ("{\"a\":", []), ("{}\n", ["{}"]), ("{}\n{\"a\"", ["{}"]), ("{}\n\n[]\n", ["{}", "[]"]),
    ])
    func aLineThatIsHalfWrittenIsLeftForTheNextLook(written: String, expected: [String]) {
        #expect(finishedLines(in: Data(written.utf8)) == expected)
    }
}
