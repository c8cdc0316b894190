/// How far what an operator has said at one member of a cluster has come.
package enum Acknowledgement: Equatable, Sendable {
    /// All live members work by it.
    case complete
    /// These had not said so when the time was over: they are paused, cut off, or were killed a moment ago.
    case lacking([MemberIdentity])
    /// It could not be written in time, or nobody could be asked. The one member works by it, and the others will when it is.
    case unwritten
}
