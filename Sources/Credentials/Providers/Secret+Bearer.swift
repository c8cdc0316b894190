import Secrets

extension Secret {
    /// What HTTP's header can carry: visible ASCII. A blank or a line break would end the token or the header.
    private static let bearerBytes: ClosedRange<UInt8> = 0x21...0x7E

    /// Whether it can stand behind `Authorization: Bearer`.
    var isBearer: Bool {
        withUnsafeBytes { bytes in !bytes.isEmpty && bytes.allSatisfy { Self.bearerBytes.contains($0) } }
    }
}
