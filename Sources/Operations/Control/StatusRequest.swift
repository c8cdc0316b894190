public import JSON
import Jobs

/// `status`: `DaemonStatus.json`. Its reader takes it as it is, because a command may ask a daemon of another version how
/// it is: what that does not tell is not shown.
public struct StatusRequest: ArgumentlessRequest {
    public typealias Answer = JSONValue

    public static let name = RequestName.status

    public init() {}
}
