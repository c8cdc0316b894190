/// Who is at the other end of a control connection, by the kernel's word.
public struct ControlPeer: Equatable, Sendable {
    public var pid: Int32
    public var uid: UInt32
    public var gid: UInt32
}
