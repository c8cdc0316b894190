import Testing

@testable import HTTP

@Suite struct HeaderBlockTests {
    static func block(_ lines: String...) -> HeaderBlock {
        var block = HeaderBlock()
        for line in lines { Array(line.utf8).withUnsafeBytes { block.take($0) } }
        return block
    }

    @Test func theBlankLineMakesItComplete() {
        let begun = Self.block("HTTP/1.1 200 OK\r\n", "A: b\r\n")
        #expect(!begun.isComplete)
        let whole = Self.block("HTTP/1.1 200 OK\r\n", "A: b\r\n", "\r\n")
        #expect(whole.isComplete)
        #expect(whole.status == 200)
        #expect(whole.fields == [HTTPField("A", "b")])
    }

    @Test func anInterimBlockIsForgotten() {
        let interim = Self.block("HTTP/1.1 103 Early Hints\r\n", "A: b\r\n", "\r\n")
        #expect(!interim.isComplete)
        let whole = Self.block(
            "HTTP/1.1 100 Continue\r\n", "A: b\r\n", "\r\n", "HTTP/2 404 \r\n", "\r\n")
        #expect(whole.isComplete)
        #expect(whole.status == 404)
        #expect(whole.fields == [])
    }

    @Test func trailersChangeNothing() {
        let block = Self.block("HTTP/1.1 200 OK\r\n", "\r\n", "A: b\r\n", "HTTP/1.1 500 no\r\n", "\r\n")
        #expect(block.status == 200)
        #expect(block.fields == [])
    }

    @Test func aStatusThatIsNoNumberIsNeverComplete() {
        #expect(!Self.block("HTTP/1.1 OK\r\n", "\r\n").isComplete)
        #expect(!Self.block("HTTP/1.1\r\n", "\r\n").isComplete)
        #expect(!Self.block("\r\n").isComplete)
    }

    @Test func continuedAndPaddedValuesAreRead() {
        let block = Self.block(
            "HTTP/1.1 200 OK\n", "A: \t b c \t\r\n", "\t d: e\r\n", "F:\r\n", "no colon\r\n", "\n")
        #expect(block.fields == [HTTPField("A", "b c d: e"), HTTPField("F", "")])
        #expect(block.isComplete)
    }

    @Test func aFloodOfHeadersIsNotKept() {
        var block = HeaderBlock()
        Array("HTTP/1.1 200 OK\r\n".utf8).withUnsafeBytes { block.take($0) }
        let line = Array("A: \(String(repeating: "b", count: 1000))\r\n".utf8)
        for _ in 0..<1000 { line.withUnsafeBytes { block.take($0) } }
        #expect(block.fields.count < 100)
    }
}
