import Jobs

/// Where the rows that a statement locks stand in the one order in which every transaction takes them, so that no two
/// can wait for each other: accounts by their names; jobs by their ids, with their results and what their member has
/// counted of the day; the results that are marked, by the same ids; the lines of jobs, by the same ids; then what follows
/// here, in this order.
///
/// Of accounts and of jobs the rows that a batch makes come before those that are there. Who makes a row waits only for
/// others who make the same one, or have changed it by now; and what it has made until then nobody can wait for but
/// who makes it too. A row that turns out to be there is locked with the others, in its place. Lines lock the rows of
/// their jobs: where there are others to change, one statement locks all of them first, those of lines as well.
///
/// Of an account only `AccountChange` has anything, of which a batch writes all first. What is counted of a day is a row
/// of the member's own, which nobody else locks, and so is its outbox; of its batches under way one alone has either. Who
/// finds others' rows by what is in them, as retention does, first locks them in this order, or passes by what is locked.
enum LockPlace: Hashable, Sendable {
    case job(JobID)
    case holds
    case members
    /// A day's allotments, and behind them the member's own share.
    case days
    case cluster
    /// It locks nothing, and sees what its batch has written.
    case nothing

    /// Whether what is written there is made of what all know of it.
    var isShared: Bool {
        switch self {
        case .days, .cluster: true
        case .job, .holds, .members, .nothing: false
        }
    }

    static let behindJobs: [LockPlace] = [.holds, .members, .days, .cluster, .nothing]
}
