import Clocks
package import Telemetry

/// The one line that a service manager shows: what is so now, and what it waits for.
extension DaemonStatus {
    package func line(silences: [LivenessRound.Silence]) -> String {
        guard !silences.isEmpty else { return stateLine }
        let loops = silences.map { "\($0.loop) for \($0.lasting.components.seconds) s" }.joined(separator: ", ")
        return "not answering: \(loops); \(stateLine)"
    }

    private var stateLine: String {
        let waitsFor = problem.map { ": \($0)" } ?? ""
        switch state {
        case "consuming": return "consuming: \(rate), \(run)\(quotaLine)"
        case "standby": return "standing by\(waitsFor)"
        case "connecting": return "connecting\(waitsFor)"
        case "draining": return "draining: \(run)"
        default: return holdLine
        }
    }

    private var rate: String { "\(Int(perMinute.rounded())) jobs/min" }
    private var run: String { "\(inFlight) in hand" }

    private var quotaLine: String {
        guard let quota, quota.limit > 0 else { return "" }
        return ", \(max(0, quota.limit - quota.spent)) of \(quota.limit) calls left today"
    }

    private var holdLine: String {
        guard let hold = holds.first else { return state }
        let next = hold.nextProbeAt.map { "next try \($0.rfc3339)" } ?? "ends when its cause does"
        let ended = hold.ended.isEmpty ? "" : " (\(hold.ended.count) ended for it before: see `leave-albumd holds`)"
        let others = holds.count > 1 ? " (and \(holds.dropFirst().map(\.cause).joined(separator: ", ")))" : ""
        return "on hold: \(hold.cause) since \(hold.since.rfc3339), \(next)\(others); \(hold.detail)\(ended)"
    }
}
