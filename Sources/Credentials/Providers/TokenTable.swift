import Jobs
import Secrets

/// What a token file says: one token for all accounts, or lines of an account, a tab and its token.
enum TokenTable: Sendable {
    case shared(AccessToken)
    case perAccount([AccountID: AccessToken])

    /// What HTTP's header can carry: visible ASCII. A blank or a line break would end the token or the header.
    private static let tokenByte: ClosedRange<UInt8> = 0x21...0x7E

    /// Reads the file; it blocks, as files do.
    static func read(path: String) throws(TokenFileError) -> (table: TokenTable, isReadableByOthers: Bool) {
        let contents: SecretFileContents
        do throws(SecretFileError) {
            contents = try SecretFileContents(path: path)
        } catch {
            throw TokenFileError(path: path, line: nil, problem: error.description)
        }
        let table = try contents.secret.withUnsafeBytes { (bytes) throws(TokenFileError) in
            try parse(bytes, path: path)
        }
        return (table, contents.isReadableByOthers)
    }

    func token(for account: AccountID) -> AccessToken? {
        switch self {
        case .shared(let token): token
        case .perAccount(let tokens): tokens[account]
        }
    }

    /// A tab anywhere makes it a list. Empty lines are nothing.
    static func parse(_ bytes: UnsafeRawBufferPointer, path: String) throws(TokenFileError) -> TokenTable {
        // Before anything else: a token endpoint's answer without blanks would pass for a token.
        if isJSON(bytes) { throw TokenFileError(path: path, line: nil, problem: json) }
        let isList = bytes.contains(UInt8(ascii: "\t"))
        var shared: AccessToken?
        var tokens: [AccountID: AccessToken] = [:]
        var number = 0
        for var line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
            if line.isEmpty { continue }
            func fault(_ problem: String) -> TokenFileError {
                TokenFileError(path: path, line: number, problem: problem)
            }
            let part = line.prefix { $0 != UInt8(ascii: "\t") }
            let rest = line[part.endIndex...].dropFirst()
            guard isList else {
                guard shared == nil else {
                    throw fault("a second token without an account; for several write an account, a tab, a token")
                }
                guard let token = token(part) else { throw fault(problem(part)) }
                shared = token
                continue
            }
            guard part.endIndex < line.endIndex else { throw fault("there is no tab between account and token") }
            if let problem = AccountID.fault(in: Array(part)) { throw fault("the account is none: \(problem)") }
            guard !rest.isEmpty else { throw fault("the token is empty") }
            guard let token = token(rest) else { throw fault(problem(rest)) }
            guard tokens.updateValue(token, forKey: AccountID(utf8: Array(part))) == nil else {
                throw fault("the account is there twice")
            }
        }
        if let shared { return .shared(shared) }
        guard !tokens.isEmpty else { throw TokenFileError(path: path, line: nil, problem: "it holds no token") }
        return .perAccount(tokens)
    }

    private static let json =
        "it is JSON; write the access token alone, or lines of an account, a tab and its token"

    /// Whether the first line that says anything begins like JSON, as no token does,
    /// https://www.rfc-editor.org/rfc/rfc6750#section-2.1, and is no account with its token either.
    private static func isJSON(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let text = bytes.drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
        guard let first = text.first, [UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "\"")].contains(first) else {
            return false
        }
        let line = text.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard let tab = line.firstIndex(of: UInt8(ascii: "\t")) else { return true }
        return token(line[(tab + 1)...]) == nil
    }

    private static let malformedToken = "the token has a blank or a character that no token has"

    private static func problem(_ token: Slice<UnsafeRawBufferPointer>) -> String {
        isJSON(UnsafeRawBufferPointer(rebasing: token)) ? json : malformedToken
    }

    /// Nil also for a piece of JSON, which may have no blank in it.
    private static func token(_ bytes: Slice<UnsafeRawBufferPointer>) -> AccessToken? {
        guard !isJSON(UnsafeRawBufferPointer(rebasing: bytes)), bytes.allSatisfy(tokenByte.contains) else { return nil }
        return AccessToken(secret: Secret(copying: UnsafeRawBufferPointer(rebasing: bytes)))
    }
}

/// Why a token file cannot be used. It never quotes the file.
package struct TokenFileError: Error, Equatable, Sendable, CustomStringConvertible {
    package let path: String
    /// From 1; nil for the file as a whole.
    package let line: Int?
    package let problem: String

    /// `/etc/leave-albumd/tokens:3: the token is empty`
    package var description: String {
        "\(path)\(line.map { ":\($0)" } ?? ""): \(problem)"
    }
}
