import Dispatch

/// The pool, with a count of what is ready or running on it: a task that the machine has put aside in the middle of a
/// step is no quiet, and the clock stands until it has come to a wait.
package final class CountedExecutor: TaskExecutor {
    private let activity: Activity

    package init(activity: Activity) {
        self.activity = activity
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        activity.begin()
        let job = UnownedJob(job)
        DispatchQueue.global().async { [self] in
            job.runSynchronously(on: asUnownedTaskExecutor())
            activity.end()
        }
    }
}
