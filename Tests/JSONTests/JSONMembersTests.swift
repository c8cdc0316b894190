import Concurrency
import JSON
import Testing

/// The reader of named members beside the strict reader of everything.
@Suite struct JSONMembersTests {
    @Test("What Jansson takes for one object is one, and what it does not is none, but for what nobody reads")
    func agreesWithTheStrictReader() {
        var random = SeededRandom(seed: 11)
        let whole = Array(#"{"jobId":"j\u00e9\n","account":[1,-2.5e3,{"a":null,"b":[true,false]}],"z":{}} "#.utf8)
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let index = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes.remove(at: index)
                case 1: bytes[index] = Array("{}[]\",:0e.\\ tu-+\u{1}".utf8).randomElement(using: &random) ?? 0
                default: bytes.insert(Array("{}[]\",:0e.\\ tu-+".utf8).randomElement(using: &random) ?? 0, at: index)
                }
            }
            let members = JSONMembers(bytes, naming: ["jobId", "account", "z"])
            var strict: JSONValue?
            var kind: JSONFault.Kind?
            do throws(JSONFault) { strict = try JSONValue.parse(bytes) } catch { kind = error.kind }
            if let strict {
                #expect(members.fault == nil, "\(String(decoding: bytes, as: UTF8.self))")
                #expect(members["jobId"] == strict["jobId"] && members["account"] == strict["account"])
            } else if ![.duplicateMember, .numberOutOfRange, .nulInName].contains(kind) {
                // Halves of surrogate pairs are syntax to Jansson.
                let hasSurrogate = String(decoding: bytes, as: UTF8.self).contains(#"\ud"#)
                #expect(members.fault != nil || hasSurrogate, "\(String(decoding: bytes, as: UTF8.self))")
            }
        }
    }
}
