import Secrets
import Testing

@Suite struct SecretTests {
    @Test func aSecretPrintsRedactedHoweverItIsPrinted() {
        let secret = Secret(copying: Array("hunter2".utf8))
        var dumped = ""
        dump(secret, to: &dumped)
        for text in ["\(secret)", String(describing: secret), String(reflecting: secret), "\([secret])", dumped] {
            #expect(!text.contains("hunter2"))
        }
        #expect("\(secret)" == "<redacted>")
    }

    @Test func secretsCompareByTheirBytes() {
        #expect(Secret(copying: [1, 2, 3]) == Secret(copying: [1, 2, 3]))
        #expect(Secret(copying: [1, 2, 3]) != Secret(copying: [1, 2, 4]))
        #expect(Secret(copying: [1, 2]) != Secret(copying: [1, 2, 3]))
        #expect(Secret(copying: []) == Secret(copying: []))
    }

    @Test func theDigestIsThatOfTheBytes() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        #expect(Secret(copying: []).sha256.hexadecimal == empty)
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(SHA256Digest(of: Array("abc".utf8)).hexadecimal == abc)
        let hasher = SHA256Hasher()
        for byte in "abc".utf8 { [byte].withUnsafeBytes { hasher.update($0) } }
        #expect(hasher.finish().hexadecimal == abc)
        #expect(SHA256Digest(bytes: [1]) == nil)
    }
}
