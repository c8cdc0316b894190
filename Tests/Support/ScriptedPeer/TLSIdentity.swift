import CTLSPeer
import Glibc

/// PEM files of an authority and of a server that it vouches for, made for one test in a folder of its own.
package struct TLSIdentity: Sendable {
    package enum Flaw: Sendable {
        case none
        /// For another host than 127.0.0.1 and localhost.
        case wrongHost
        /// Ended a day ago.
        case expired
    }

    package let authorityFile: String
    package let certificateFile: String
    package let keyFile: String
    /// Set: clients must show a certificate that this authority signed.
    package var clientAuthorityFile: String?

    private let folder: String

    package init(_ flaw: Flaw = .none) throws(RawPeerFault) {
        var template = Array("/tmp/tls-identity-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw .system("mkdtemp", code: errno) }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        authorityFile = "\(folder)/authority.pem"
        certificateFile = "\(folder)/certificate.pem"
        keyFile = "\(folder)/key.pem"
        let days: Int = flaw == .expired ? -1 : 1
        let names = flaw == .wrongHost ? "DNS:elsewhere.example" : "DNS:localhost,IP:127.0.0.1"
        guard CTLSPeer_make(authorityFile, certificateFile, keyFile, names, days) == 1 else {
            remove()
            throw .system("making certificates", code: 0)
        }
    }

    /// Removes the files.
    package func remove() {
        for file in [authorityFile, certificateFile, keyFile] { unlink(file) }
        rmdir(folder)
    }
}
