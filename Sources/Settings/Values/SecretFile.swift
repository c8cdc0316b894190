import Jobs
package import Secrets

/// A file that a `*_file` key names.
package struct SecretFile: Equatable, Sendable {
    /// The key as the operator writes it: `broker.password_file`.
    package let key: String
    /// Absolute: a relative name was looked up in `$CREDENTIALS_DIRECTORY`.
    package let path: String

    package init(key: String, path: String) {
        self.key = key
        self.path = path
    }

    /// The secret that is the file's content, without one newline at its end. It blocks, as files do.
    ///
    /// - Throws: a fault that names the file and the key, also when the file is empty.
    package func read() throws(SettingsFault) -> Secret {
        let contents: SecretFileContents
        do throws(SecretFileError) {
            contents = try SecretFileContents(path: path)
        } catch {
            throw SettingsFault(.file(path), key: key, error.description)
        }
        let secret = contents.secret.withUnsafeBytes { bytes in
            var end = bytes.count
            if bytes.last == UInt8(ascii: "\n") {
                end -= 1
                if end > 0, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
            }
            return Secret(copying: UnsafeRawBufferPointer(rebasing: bytes[..<end]))
        }
        guard !secret.isEmpty else { throw SettingsFault(.file(path), key: key, "the file is empty") }
        return secret
    }
}

extension DaemonSettings {
    /// The files that hold what a daemon lives by, as far as the settings name them: every secret, and the ledger with
    /// what belongs to it. No command replaces one of them by what it writes.
    package var vitalFiles: [String] {
        let ledger = ["", "-wal", "-shm", "-journal", ".lock"].map { self.ledger.path + $0 }
        return SettingSchema.keys.compactMap { $0.file(self)?.path } + ledger
    }

    /// What is wrong with the files that `*_file` keys name: missing, unreadable, empty. It reads them all.
    package func secretFileFaults() -> [SettingsFault] {
        SettingSchema.keys.compactMap { key in
            guard let file = key.file(self) else { return nil }
            do throws(SettingsFault) {
                _ = try file.read()
                if key.name == Self.traceHeadersFile { _ = try traceHeaders() }
                return nil
            } catch {
                return error
            }
        }
    }

    private static let traceHeadersFile = "trace.headers_file"

    /// What the collector of spans asks of its clients: of the file, else of the variables. It blocks, as files do.
    package func traceHeaders() throws(SettingsFault) -> [TraceHeader] {
        guard let file = trace.headersFile else {
            return trace.variables.headers.flatMap { try? TraceHeader.parseFields($0) } ?? []
        }
        let secret = try file.read()
        do throws(MalformedText) {
            return try TraceHeader.parseFields(secret)
        } catch {
            throw SettingsFault(.file(file.path), key: Self.traceHeadersFile, error.problem)
        }
    }

    /// Everything secret that the settings name or hold, for taking it out of what is shown to others: what the secret
    /// files hold, each line and each field of a line of its own, the passwords in addresses, and the arguments of the
    /// credential program. Files that cannot be read are left out. It blocks, as files do.
    ///
    /// The caller lets them go soon: they are plain bytes.
    package func secretContents() -> [[UInt8]] {
        var secrets: [[UInt8]] = []
        for key in SettingSchema.keys where !Self.publicFiles.contains(key.name) {
            guard let contents = try? key.file(self)?.read() else { continue }
            let bytes = contents.withUnsafeBytes { Array($0) }
            if bytes.count <= Self.longestWhole { secrets.append(bytes) }
            for line in bytes.split(separator: UInt8(ascii: "\n")) {
                // Of `account<TAB>token`, the token; the account is no secret: see `namedAccounts`.
                secrets.append(Array(line.split(separator: UInt8(ascii: "\t")).last ?? line))
            }
        }
        for uri in broker.uris {
            if let password = uri.password { secrets.append(password.withUnsafeBytes { Array($0) }) }
        }
        for url in [api.proxy, ledger.url, credentials.broker.url].compactMap({ $0 }) {
            guard let userinfo = try? URIParts(url).userinfo, let colon = userinfo.firstIndex(of: ":") else { continue }
            let password = userinfo[userinfo.index(after: colon)...]
            secrets.append(Array(password.utf8))
            if let plain = URIParts.percentDecoded(password) { secrets.append(Array(plain.utf8)) }
        }
        secrets += ((try? traceHeaders()) ?? []).map { Array($0.value.utf8) }
        secrets += credentials.exec.command.dropFirst().map { Array($0.utf8) }
        return secrets.filter { !$0.isEmpty }
    }

    /// Users that the settings name: the canary, and whoever has a token of the static provider.
    package func namedAccounts() -> [[UInt8]] {
        var accounts: [[UInt8]] = []
        if let canary = api.canaryAccount { accounts.append(Array(canary.utf8)) }
        if let contents = try? credentials.static.tokenFile?.read() {
            for line in contents.withUnsafeBytes({ Array($0) }).split(separator: UInt8(ascii: "\n")) {
                let fields = line.split(separator: UInt8(ascii: "\t"))
                if fields.count == 2 { accounts.append(Array(fields[0])) }
            }
        }
        return accounts
    }

    /// Files without a secret: certificates may be readable by all.
    private static let publicFiles: Set = [
        "broker.tls.ca_file", "broker.tls.cert_file", "api.ca_file", "ledger.tls.ca_file", "ledger.tls.cert_file",
    ]
    /// A file of many tokens is looked for by its lines.
    private static let longestWhole = 8 << 10
}
