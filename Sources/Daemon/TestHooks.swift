import Clocks
import Concurrency
import Glibc
import Jobs
package import Ledger
package import Photos
package import Pipeline
import Secrets

/// What tests ask of a test build by environment variables. Release builds know none of them.
package enum TestHooks {
    /// `ALBUMD_TEST_KILL=<step>:<before|after>:<n>`: SIGKILL at that step of the path, at the n-th time.
    package static var path: PathHook? {
        guard let text = value("ALBUMD_TEST_KILL") else { return nil }
        let parts = text.split(separator: ":").map(String.init)
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
    }

    /// `ALBUMD_TEST_KILL_TOKEN=<share token>`: SIGKILL whenever that album is about to be called.
    package static func wrapping(_ photos: any PhotosCalling) -> any PhotosCalling {
        guard let token = value("ALBUMD_TEST_KILL_TOKEN") else { return photos }
        return DeadlyPhotos(photos: photos, token: Secret(copying: Array(token.utf8)))
    }

    /// `ALBUMD_TEST_LOST_AFTER=<milliseconds>`: how late a copy may be, and how often that is looked at.
    /// `ALBUMD_TEST_NEIGHBOURS_AFTER=<milliseconds>`: how long a refused job waits for what other jobs are answered.
    package static func adjust(_ configuration: inout PipelineConfiguration) {
        if let time = value("ALBUMD_TEST_LOST_AFTER").flatMap(Int64.init) {
            configuration.lostAfter = .milliseconds(time)
            configuration.inspectionInterval = .milliseconds(time)
        }
        if let time = value("ALBUMD_TEST_NEIGHBOURS_AFTER").flatMap(Int64.init) {
            configuration.waitForClassification = .milliseconds(time)
        }
    }

    /// `ALBUMD_TEST_FILE_SYSTEM=<magic number>`: what every file is said to be on.
    package static var fileSystem: Int? { value("ALBUMD_TEST_FILE_SYSTEM").flatMap { Int($0) } }

    /// `ALBUMD_TEST_KILL_MOVE=<marked|begun|copied|compared|left>:<n>`: SIGKILL after that step of `ledger migrate`, at the
    /// n-th time.
    package static func passed(_ step: MoveStep) {
        guard let text = value("ALBUMD_TEST_KILL_MOVE") else { return }
        let name =
            switch step {
            case .marked: "marked"
            case .begun: "begun"
            case .copied: "copied"
            case .compared: "compared"
            case .left: "left"
            }
        let parts = text.split(separator: ":").map(String.init)
        guard parts.count == 2, let count = Int(parts[1]) else {
            preconditionFailure("ALBUMD_TEST_KILL_MOVE is step:count")
        }
        guard name == parts[0] else { return }
        let isNow = movesPassed.withLock { passed in
            passed += 1
            return passed == count
        }
        if isNow { kill(getpid(), SIGKILL) }
    }

    private static let movesPassed = Lock(0)

    private static func value(_ name: String) -> String? {
        #if DEBUG
        getenv(name).map { String(cString: $0) }
        #else
        nil
        #endif
    }
}

/// An API client that kills the process at the call or album query of one share token.
private struct DeadlyPhotos: PhotosCalling {
    let photos: any PhotosCalling
    let token: Secret

    func leave(
        _ token: ShareToken, bearer: Secret, trace: TraceContext, beginsBefore: MonotonicTime
    ) async -> Answer {
        if token.secret == self.token { kill(getpid(), SIGKILL) }
        return await photos.leave(token, bearer: bearer, trace: trace, beginsBefore: beginsBefore)
    }

    func album(
        _ token: ShareToken, bearer: Secret, trace: TraceContext, beginsBefore: MonotonicTime
    ) async -> Answer {
        if token.secret == self.token { kill(getpid(), SIGKILL) }
        return await photos.album(token, bearer: bearer, trace: trace, beginsBefore: beginsBefore)
    }

    func warmUp() async -> String? { await photos.warmUp() }
}
