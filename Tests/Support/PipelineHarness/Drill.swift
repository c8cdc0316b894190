import Foundation

/// How far a long drill is played: by default as far as its mechanism needs, because all of them run before each change
/// lands.
package enum Drill {
    /// `LEAVE_ALBUMD_WHOLE_DRILLS` asks for the whole, for whoever changes what it is about.
    package static let isWhole = ProcessInfo.processInfo.environment["LEAVE_ALBUMD_WHOLE_DRILLS"] != nil
}
