import Jobs

/// Where the rows that a statement locks stand in the one order in which every transaction takes them, so that no two
/// can wait for each other: accounts by their names; jobs by their ids, each with its results, its lines and what its
/// member has counted of the day; then what follows here, in this order.
///
/// Of an account only `AccountChange` has anything, of which a batch writes all first. What is counted of a day is a row
/// of the member's own, which nobody else locks. Who finds others' rows by what is in them, as retention does, first
/// locks them in this order, or passes by what is locked.
enum LockPlace: Hashable, Sendable {
    case job(JobID)
    case holds
    case members
    /// A day's allotments, and behind them the member's own share.
    case days
    case cluster
    /// It locks nothing, and sees what its batch has written.
    case nothing

    static let behindJobs: [LockPlace] = [.holds, .members, .days, .cluster, .nothing]
}
