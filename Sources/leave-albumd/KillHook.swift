import Glibc
import Pipeline
import Threads

/// In test builds: ends the process by SIGKILL at a named step of the path.
enum KillHook {
    /// `ALBUMD_TEST_KILL=<step>:<before|after>:<n>`: at the n-th time. Release builds have no such hook.
    static func fromEnvironment() -> PathHook? {
        #if DEBUG
        guard let text = getenv("ALBUMD_TEST_KILL") else { return nil }
        let parts = String(cString: text).split(separator: ":").map(String.init)
        guard parts.count == 3, let step = PathStep(rawValue: parts[0]), let side = PathSide(rawValue: parts[1]),
            let count = Int(parts[2])
        else { preconditionFailure("ALBUMD_TEST_KILL is step:side:count") }
        let remaining = Lock(count)
        return { passed, passedSide in
            guard passed == step, passedSide == side else { return }
            let isNow = remaining.withLock { remaining in
                remaining -= 1
                return remaining == 0
            }
            if isNow { kill(getpid(), SIGKILL) }
        }
        #else
        return nil
        #endif
    }
}
