import Foundation
import PrivateBroker

/// A certificate authority for one test, and what it signed.
struct Authority {
    let directory: TemporaryDirectory

    var certificate: String { directory.file("ca.pem").path }

    init(_ directory: TemporaryDirectory) async throws {
        self.directory = directory
        try await openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj",
            "/CN=the test's authority", "-keyout", directory.file("ca.key").path, "-out", certificate)
    }

    /// `name` is the common name, and a DNS name of it.
    func issue(_ name: String) async throws -> (certificate: String, key: String) {
        let (key, request, certificate) = ["key", "csr", "pem"].map { directory.file("\(name).\($0)").path }
            .withThree
        try directory.write("\(name).ext", "subjectAltName=DNS:\(name)\n")
        try await openssl(
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
            "/CN=\(name)",
            "-keyout", key, "-out", request)
        try await openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", directory.file("ca.key").path,
            "-CAcreateserial", "-days", "2", "-extfile", directory.file("\(name).ext").path, "-out", certificate)
        return (certificate, key)
    }

    private func openssl(_ message: String...) async throws {
        let (ending, text) = try await ChildProcess.run(["/usr/bin/openssl"] + message)
        guard ending == .exited(0) else { throw DaemonHarness.Failure(description: "openssl: \(text)") }
    }
}

extension [String] {
    fileprivate var withThree: (String, String, String) { (self[0], self[1], self[2]) }
}
