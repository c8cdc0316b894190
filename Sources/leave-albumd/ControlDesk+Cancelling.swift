import JSON
import Jobs
import Ledger
import Operations
import Pipeline
import Service

/// `cancel --force`, while the worker runs.
extension ControlDesk {
    func cancelForGood(_ arguments: JSONValue, _ peer: ControlPeer) async throws(DeskFault) -> JSONValue {
        let id = try JobID(of: arguments)
        let word: Pipeline.LastWord
        do throws(LedgerError) {
            word = try await pipeline.cancelForGood(id, by: "uid \(peer.uid)")
        } catch {
            throw DeskFault(error)
        }
        switch word {
        case .ended(let result, let isPublished):
            return ForcedCancel.ended(id, result, isPublished: isPublished).json
        case .hadEnded(let result): return ForcedCancel.hadEnded(id, result).json
        case .remembered: return ForcedCancel.remembered(id).json
        case .busy: throw .unavailable("job \(id) is being cancelled already")
        case .stopping:
            throw .unavailable("the daemon stops; job \(id) ends without another call when it comes again")
        }
    }
}
