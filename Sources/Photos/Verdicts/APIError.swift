import Clocks
import JSON

/// The service's account of an error, https://google.aip.dev/193, with what older fronts say instead. A member of the
/// wrong type counts as absent: what is left still tells something.
struct APIError: Sendable {
    /// `error.status`, or the name that belongs to `error.code` where that is a number of google.rpc.Code.
    var status: RPCStatus?
    /// `error.code`: an HTTP status, or from some fronts a number of google.rpc.Code.
    var code: Int64?
    var message = ""
    /// ErrorInfo.
    var reason: String?
    var quotaLimit: String?
    /// RetryInfo.
    var retryDelay: Duration?
    /// `error.errors`, the words of the older error model.
    var older: [Older] = []

    struct Older: Sendable {
        var domain: String?
        var reason: String?
    }

    /// `error` is the object of that name, or a body that is itself a bare status.
    init(_ error: JSONValue) {
        code = error["code"]?.integer
        message = error["message"]?.text ?? ""
        status = error["status"]?.text.flatMap(RPCStatus.init(rawValue:)) ?? code.flatMap(RPCStatus.init(number:))
        for detail in error["details"]?.elements ?? [] {
            let type = detail["@type"]?.text ?? ""
            if type.hasSuffix("google.rpc.ErrorInfo"), reason == nil {
                reason = detail["reason"]?.text
                quotaLimit = detail["metadata"]?["quota_limit"]?.text
            }
            if type.hasSuffix("google.rpc.RetryInfo"), retryDelay == nil {
                retryDelay = detail["retryDelay"]?.text.flatMap(ProtobufDuration.parse)
            }
        }
        older = (error["errors"]?.elements ?? []).map { Older(domain: $0["domain"]?.text, reason: $0["reason"]?.text) }
    }
}
