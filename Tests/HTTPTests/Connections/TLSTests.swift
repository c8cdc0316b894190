import HTTP
import ScriptedPeer
import Testing

@Suite(.timeLimit(.minutes(30))) struct TLSTests {
    static func serve(_ identity: TLSIdentity) -> RawPeer.Script {
        { connection in
            do { try connection.startTLS(identity) } catch RawPeerFault.handshake { return }
            _ = try connection.readRequest()
            try connection.answer()
            try connection.readToEnd()
        }
    }

    @Test func aCertificateOfTheGivenAuthorityIsTrusted() async throws {
        let identity = try TLSIdentity()
        defer { identity.remove() }
        let configuration = HTTPConfiguration(caFile: identity.authorityFile)
        let exchange = try await exchange(
            { post($0, scheme: "https") }, configuration, with: Self.serve(identity))
        #expect(try exchange.response.status == 200)
    }

    @Test func anUnknownAuthorityIsATrustFaultAndNothingIsSent() async throws {
        let identity = try TLSIdentity()
        let other = try TLSIdentity()
        defer {
            identity.remove()
            other.remove()
        }
        for caFile in [nil, other.authorityFile] {
            try await RawPeer.serving(Self.serve(identity)) { peer in
                let fault = try await withEngine(HTTPConfiguration(caFile: caFile)) {
                    try await $0.send(post(peer, scheme: "https")).notSentFault
                }
                #expect(fault.kind == .tlsTrust)
                #expect(fault.detail.contains("certificate"))
                #expect(peer.received == [])
            }
        }
    }

    @Test(arguments: [TLSIdentity.Flaw.wrongHost, .expired])
    func aFlawedCertificateIsATrustFault(flaw: TLSIdentity.Flaw) async throws {
        let identity = try TLSIdentity(flaw)
        defer { identity.remove() }
        let configuration = HTTPConfiguration(caFile: identity.authorityFile)
        let exchange = try await exchange(
            { post($0, scheme: "https") }, configuration, with: Self.serve(identity))
        #expect(try exchange.notSentFault.kind == .tlsTrust)
    }

    @Test func aMissingFileOfAuthoritiesIsATrustFaultThatNamesIt() async throws {
        let identity = try TLSIdentity()
        identity.remove()
        let exchange = try await exchange(
            { post($0, scheme: "https") }, HTTPConfiguration(caFile: identity.authorityFile)
        ) { try $0.readToEnd() }
        let fault = try exchange.notSentFault
        #expect(fault.kind == .tlsTrust)
        #expect(fault.detail.contains(identity.authorityFile))
    }

    @Test func aConnectionCutInsideTLSIsAmbiguous() async throws {
        let identity = try TLSIdentity()
        defer { identity.remove() }
        for beginning in [
            "", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        ] {
            let exchange = try await exchange(
                { post($0, scheme: "https") }, HTTPConfiguration(caFile: identity.authorityFile)
            ) { connection in
                try connection.startTLS(identity)
                _ = try connection.readRequest()
                try connection.write(beginning)
            }
            let fault = try exchange.ambiguousFault
            #expect([.connectionLost, .truncatedHeaders].contains(fault.kind))
        }
    }
}
