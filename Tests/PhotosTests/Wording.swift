import Clocks
import Jobs
import Photos
import Secrets

/// Bodies and fields as the service words them.
enum Wording {
    static let shareToken = "AO/P0+Tabcdefghijklmnop="
    /// As a path holds it.
    static let escapedToken = "AO%2FP0%2BTabcdefghijklmnop%3D"
    static let bearer = "ya29.a0AfB_byC-secret-bearer"
    static let now = Timestamp(milliseconds: 1_795_463_400_000)

    static func error(
        _ code: Int, _ status: String?, _ message: String, reason: String? = nil, quotaLimit: String? = nil,
        details more: [String] = []
    ) -> String {
        var details = more
        if let reason {
            let metadata = quotaLimit.map { #","metadata":{"quota_limit":"\#($0)","consumer":"projects/1"}"# } ?? ""
            details.append(
                #"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"\#(reason)","#
                    + #""domain":"googleapis.com"\#(metadata)}"#)
        }
        let written = details.isEmpty ? "" : #","details":[\#(details.joined(separator: ","))]"#
        let named = status.map { #","status":"\#($0)""# } ?? ""
        return #"{"error":{"code":\#(code),"message":"\#(message)"\#(named)\#(written)}}"#
    }

    static func legacy(_ code: Int, _ reason: String, _ message: String = "Refused") -> String {
        #"{"error":{"errors":[{"domain":"usageLimits","reason":"\#(reason)","message":"\#(message)"}],"#
            + #""code":\#(code),"message":"\#(message)"}}"#
    }

    static let html404 = """
        <!DOCTYPE html><html lang=en><title>Error 404 (Not Found)!!1</title>
        <p>The requested URL <code>/v1/sharedAlbums:leave</code> was not found. <ins>That’s all we know.</ins>
        """

    static func answer(
        _ http: Int, _ body: String = "", _ fields: [(name: String, value: String)] = []
    ) -> Answer {
        .answered(status: http, fields: fields, body: Array(body.utf8))
    }

    /// The beginning of one of the tokens, in any of its forms, stands in `text`.
    static func shows(_ text: String) -> Bool {
        [shareToken, escapedToken, bearer].contains { text.contains($0.prefix(12)) }
    }

    static func context(
        ambiguous: Bool = false, malformed: Int = 0, refreshed: Bool = false, lacksScope: Bool = false,
        assumesLeft: Bool = false
    ) -> VerdictContext {
        VerdictContext(
            isAmbiguous: ambiguous, malformedAnswers: malformed, tokenWasRefreshed: refreshed,
            tokenLacksScope: lacksScope, assumesLeftAfterAmbiguous: assumesLeft, now: now,
            shareToken: Secret(copying: Array(shareToken.utf8)), bearer: Secret(copying: Array(bearer.utf8)))
    }
}
