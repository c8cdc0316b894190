import CLinux

/// Runs tasks on one thread of its own, in the order in which they become ready.
///
/// For many tasks that are short and often resumed: the pool would wake a thread for each, this thread takes all that
/// are ready at once. What blocks in one of its tasks blocks them all.
public final class ThreadExecutor: TaskExecutor {
    private let ready: ReadyJobs
    private let thread: NativeThread

    /// `name` is what `ps -L` shows.
    public init(name: String) throws(SystemCallError) {
        let ready = ReadyJobs()
        self.ready = ready
        thread = try NativeThread(name: name) {
            while let jobs = ready.take() {
                for job in jobs { job.run() }
            }
        }
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        ready.add(ReadyJobs.Job(job: UnownedJob(job), executor: self))
    }

    /// Ends the thread once nothing is ready, and waits for that. Only when its tasks have ended, and from none of
    /// them: a task that is resumed later would never go on.
    public func stop() {
        ready.close()
        thread.join()
    }
}

/// What is ready to run. A condition variable, because unlike an eventfd it costs the sleeper no second system call.
///
/// `@unchecked Sendable`: `jobs` and the flags are touched only while `mutex` is held.
private final class ReadyJobs: @unchecked Sendable {
    struct Job {
        let job: UnownedJob
        // Kept until the job has run, though nobody else may hold the executor by then.
        let executor: ThreadExecutor

        func run() { job.runSynchronously(on: executor.asUnownedTaskExecutor()) }
    }

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var jobs: [Job] = []
    private var sleeps = false
    private var isClosed = false

    init() {
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        condition.initialize(to: pthread_cond_t())
        let codes = (pthread_mutex_init(mutex, nil), pthread_cond_init(condition, nil))
        precondition(codes == (0, 0), "both fail only without memory; they returned \(codes)")
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func add(_ job: Job) {
        pthread_mutex_lock(mutex)
        jobs.append(job)
        let mustWake = sleeps
        sleeps = false
        pthread_mutex_unlock(mutex)
        if mustWake { pthread_cond_signal(condition) }
    }

    /// What is ready, once there is something; nil when it was closed and nothing is left.
    func take() -> [Job]? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if jobs.isEmpty {
            pthread_mutex_unlock(mutex)
            sched_yield()
            pthread_mutex_lock(mutex)
        }
        while jobs.isEmpty {
            if isClosed { return nil }
            sleeps = true
            pthread_cond_wait(condition, mutex)
        }
        sleeps = false
        defer { jobs = [] }
        return jobs
    }

    func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        pthread_mutex_unlock(mutex)
        pthread_cond_signal(condition)
    }
}
