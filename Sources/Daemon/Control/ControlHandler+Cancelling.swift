import JSON
import Jobs
import Ledger
import Operations
import Pipeline
import Service

/// `cancel --force`, while the worker runs.
extension ControlHandler {
    func cancelForGood(_ request: JobCancelRequest, _ peer: ControlPeer) async throws(ControlFault) -> ForcedCancel {
        let id = request.jobID
        let word: JobPipeline.LastWord
        do throws(LedgerError) {
            word = try await pipeline.cancelForGood(id, by: "uid \(peer.uid)")
        } catch {
            throw ControlFault(error)
        }
        switch word {
        case .ended(let result, let isPublished): return .ended(id, JobEnding(result), isPublished: isPublished)
        case .hadEnded(let result): return .hadEnded(id, JobEnding(result))
        case .remembered: return .remembered(id)
        case .leased(let until): return .leased(id, until: until)
        case .busy: throw .unavailable("job \(id) is being cancelled already")
        case .stopping:
            throw .unavailable("the daemon stops; job \(id) ends without another call when it comes again")
        }
    }
}
