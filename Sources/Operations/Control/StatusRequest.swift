package import JSON
import Jobs

/// `status`: `DaemonStatus.json`. Its reader takes it as it is, because a command may ask a daemon of another version
/// how it is: what that does not tell is not shown.
package struct StatusRequest: ArgumentlessRequest {
    package typealias Answer = JSONValue

    package static let name = RequestName.status

    package init() {}
}
