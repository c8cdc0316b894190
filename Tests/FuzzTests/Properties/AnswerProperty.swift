import Clocks
import JSON
import Secrets

@testable import Photos

/// Any answer of the API has one verdict: never success without a complete one, and nothing secret in its words.
///
/// Input: a byte of flags, two of status, header lines up to an empty one, then the body.
enum AnswerProperty {
    static let shareToken = Array("s3cr3t-share-token/of=an album".utf8)
    static let bearer = Array("s3cr3t-bearer.of.the-account".utf8)
    private static let now = Timestamp(milliseconds: 1_795_463_400_000)
    /// A longer piece of a secret counts as the secret.
    private static let piece = 12

    static func reports(_ bytes: [UInt8]) -> [String] {
        var input = FuzzInput(bytes)
        let flags = input.byte()
        let status = Int(input.word())
        let answer = answer(flags, status: status, &input)
        var context = VerdictContext(
            isAmbiguous: flags & 1 != 0, malformedAnswers: Int(flags >> 6), tokenWasRefreshed: flags & 2 != 0,
            tokenLacksScope: flags & 16 != 0, assumesLeftAfterAmbiguous: flags & 32 != 0, now: now,
            shareToken: Secret(copying: shareToken), bearer: Secret(copying: bearer),
            account: Array("account-of-anna".utf8))
        var reports = Findings()
        let verdict = VerdictTable.verdict(for: answer, context: context)
        check(verdict, &reports)
        reports.expect(
            VerdictTable.verdict(for: answer, context: context) == verdict, "the same answer has two verdicts")
        var isComplete = false
        if case .answered = answer { isComplete = true }
        if verdict.action == .left {
            reports.expect(isComplete && [200, 204].contains(status), "left without a complete success")
        }
        reports.expect(verdict.action != .alreadyLeft, "already left, and the album was not asked")
        if case .ambiguous = answer { reports.expect(verdict.marksAmbiguous, "an unheard answer left no mark") }
        checkProbe(answer, status, after: nil, context, &reports)
        checkProbe(answer, status, after: verdict, context, &reports)
        context.isAmbiguous.toggle()
        check(VerdictTable.verdict(for: answer, context: context), &reports)
        return reports.sentences
    }

    private static func answer(_ flags: UInt8, status: Int, _ input: inout FuzzInput) -> Answer {
        switch flags >> 2 & 3 {
        case 0, 1: break
        case 2: return .ambiguous(detail: String(decoding: input.rest(), as: UTF8.self))
        default:
            let detail = String(decoding: input.rest(), as: UTF8.self)
            return switch status & 3 {
            case 0: .notSent(detail: detail)
            case 2: .tooLate(detail: detail)
            default: .tlsTrustFailure(detail: detail)
            }
        }
        var fields: [(name: String, value: String)] = []
        while !input.isAtEnd {
            let line = input.line()
            if line.isEmpty { break }
            let halves = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
            let value = halves.count == 2 ? halves[1].drop { $0 == UInt8(ascii: " ") } : []
            fields.append((String(decoding: halves[0], as: UTF8.self), String(decoding: value, as: UTF8.self)))
        }
        return .answered(status: status, fields: fields, body: input.rest())
    }

    private static func check(_ verdict: Verdict, _ reports: inout Findings) {
        let pieces = [shareToken, bearer, PercentEncoding.encode(shareToken)].map { Array($0.prefix(piece)) }
        reports.expectClean(verdict.detail, hiding: pieces, "a verdict's detail")
        if let wait = verdict.minimumWait {
            reports.expect(wait > .zero && wait <= .seconds(86_400), "a wait of \(wait)")
        }
        if let name = verdict.apiStatus {
            reports.expect(RPCStatus(rawValue: name) != nil, "an API status that is none: \(name)")
        }
        reports.expect(VerdictTable.rows.contains { $0.number == verdict.row }, "row \(verdict.row)")
    }

    private static func checkProbe(
        _ answer: Answer, _ status: Int, after refusal: Verdict?, _ context: VerdictContext, _ reports: inout Findings
    ) {
        let verdict = VerdictTable.verdict(forAlbumQuery: answer, after: refusal, context: context)
        check(verdict, &reports)
        reports.expect(!verdict.marksAmbiguous, "a question made a job ambiguous")
        switch verdict.action {
        case .left, .queryAlbum: reports.expect(false, "a question was answered with \(verdict.action)")
        case .alreadyLeft:
            let isAssumed = context.isAmbiguous && context.assumesLeftAfterAmbiguous && refusal != nil
            reports.expect(
                verdict.album == .notJoined && status == 200 || verdict.album == .inconclusive && isAssumed,
                "already left by \(String(describing: verdict.album)) of HTTP \(status)")
        default: break
        }
    }
}
