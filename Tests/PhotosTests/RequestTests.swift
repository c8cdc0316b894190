import Jobs
import Photos
import Secrets
import Testing

@Suite("Requests are what the method wants")
struct RequestTests {
    private func text(_ secret: Secret) -> String {
        secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    private func token(_ text: String) -> ShareToken { ShareToken(Secret(copying: Array(text.utf8))) }

    @Test("The call posts the token as JSON, the colon in its path as it is")
    func leave() {
        #expect(LeaveRequest.path == "/v1/sharedAlbums:leave")
        #expect(text(LeaveRequest(shareToken: token("abc")).body) == #"{"shareToken":"abc"}"#)
        #expect(
            text(LeaveRequest(shareToken: token("a\"b\\c\n\u{0}é")).body) == #"{"shareToken":"a\"b\\c\n\u0000é"}"#)
    }

    @Test("The album query's path holds the token as one segment")
    func album() {
        #expect(text(AlbumRequest(shareToken: token("aZ09-._~")).path) == "/v1/sharedAlbums/aZ09-._~")
        #expect(
            text(AlbumRequest(shareToken: token("a/b?c#d%e f:é")).path)
                == "/v1/sharedAlbums/a%2Fb%3Fc%23d%25e%20f%3A%C3%A9")
        #expect(text(AlbumRequest(shareToken: token("..")).path) == "/v1/sharedAlbums/%2E%2E")
    }

    @Test("Neither request shows the token")
    func secrecy() {
        let request = LeaveRequest(shareToken: token("s3cr3t"))
        #expect(!"\(request)".contains("s3cr3t") && !String(reflecting: request).contains("s3cr3t"))
        #expect(!"\(AlbumRequest(shareToken: token("s3cr3t")))".contains("s3cr3t"))
    }
}
