import Secrets

/// What a page may do, for the header `Content-Security-Policy`: run the scripts and styles that are in it, show pictures
/// that are in it, ask where it came from, and send its forms there. Its scripts may write no HTML.
enum PagePolicy {
    static func text(scripts: [[UInt8]], styles: [[UInt8]]) -> String {
        [
            "default-src 'none'", "script-src \(sources(scripts))", "style-src \(sources(styles))", "img-src data:",
            "connect-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
            "require-trusted-types-for 'script'", "trusted-types 'none'",
        ].joined(separator: "; ")
    }

    private static func sources(_ contents: [[UInt8]]) -> String {
        let hashes = contents.map { "'sha256-\(Base64.encoded(SHA256Digest(of: $0).bytes))'" }
        return hashes.isEmpty ? "'none'" : hashes.joined(separator: " ")
    }
}
