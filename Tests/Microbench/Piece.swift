/// A hot pure piece of a job's path, as often as it is asked for. What it costs is counted from outside, by the
/// instructions of a process that does it more often than another.
struct Piece: Sendable {
    let name: String
    /// Does it so many times. What it returns depends on every time, so that none can be left out.
    let run: @Sendable (_ count: Int) -> Int

    static var all: [Piece] { [jobDecoding, resultEncoding, successVerdict, frameAssembly, intake, dispatcherTurn] }
}
