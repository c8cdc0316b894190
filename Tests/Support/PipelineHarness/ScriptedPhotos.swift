package import Clocks
import Concurrency
package import Jobs
package import Photos
import Pipeline
package import Secrets

/// The API as a test wants it.
package final class ScriptedPhotos: PhotosCalling {
    /// One call: whose bearer, which token, and how many calls of that token came before.
    package struct Call: Equatable, Sendable {
        package var bearer: String
        package var token: String
        package var earlier: Int

        package init(bearer: String, token: String, earlier: Int = 0) {
            self.bearer = bearer
            self.token = token
            self.earlier = earlier
        }
    }

    private struct State {
        var calls: [Call] = []
        var albumQueries: [Call] = []
        var counts: [String: Int] = [:]
        var albumQueryCounts: [String: Int] = [:]
        var warmUps = 0
        var traces: [TraceContext] = []
    }

    private let state = Lock(State())
    private let activity: Activity
    private let script: @Sendable (Call) async -> Answer
    private let albums: @Sendable (Call) async -> Answer
    /// The answers come from outside, in their own time, and are waited for before the clock moves.
    private let isReal: Bool

    package init(
        activity: Activity, isReal: Bool = false, albums: @escaping @Sendable (Call) async -> Answer,
        _ script: @escaping @Sendable (Call) async -> Answer
    ) {
        self.activity = activity
        self.albums = albums
        self.isReal = isReal
        self.script = script
    }

    package var calls: [Call] { state.withLock { $0.calls } }
    package var albumQueries: [Call] { state.withLock { $0.albumQueries } }
    /// What went with each request.
    package var traces: [TraceContext] { state.withLock { $0.traces } }
    package var warmUps: Int { state.withLock { $0.warmUps } }

    package func album(
        _ token: ShareToken, bearer: Secret, trace: TraceContext, beginsBefore: MonotonicTime
    ) async -> Answer {
        state.withLock { $0.traces.append(trace) }
        return await answer(token, bearer, counting: \.albumQueryCounts, in: \.albumQueries, albums)
    }

    package func leave(
        _ token: ShareToken, bearer: Secret, trace: TraceContext, beginsBefore: MonotonicTime
    ) async -> Answer {
        state.withLock { $0.traces.append(trace) }
        return await answer(token, bearer, counting: \.counts, in: \.calls, script)
    }

    package func warmUp() async -> String? {
        state.withLock { $0.warmUps += 1 }
        return nil
    }

    private func answer(
        _ token: ShareToken, _ bearer: Secret, counting counts: any WritableKeyPath<State, [String: Int]> & Sendable,
        in list: any WritableKeyPath<State, [Call]> & Sendable, _ script: @escaping @Sendable (Call) async -> Answer
    ) async -> Answer {
        // A script may sleep on the manual clock: that is waiting for nobody's answer.
        activity.note()
        defer { activity.note() }
        let text = token.secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        let call = state.withLock { state in
            let call = Call(
                bearer: bearer.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }, token: text,
                earlier: state[keyPath: counts][text] ?? 0)
            state[keyPath: counts][text, default: 0] += 1
            state[keyPath: list].append(call)
            return call
        }
        return isReal ? await activity.during { await script(call) } : await script(call)
    }
}

extension Answer {
    package static let ok = Answer.answered(status: 200, fields: [], body: Array("{}".utf8))

    package static func error(
        _ http: Int, _ status: String, _ message: String = "m", fields: [(name: String, value: String)] = []
    ) -> Answer {
        .answered(
            status: http, fields: fields,
            body: Array(#"{"error":{"code":\#(http),"message":"\#(message)","status":"\#(status)"}}"#.utf8))
    }

    package static func album(owned: Bool = false, joined: Bool) -> Answer {
        .answered(
            status: 200, fields: [],
            body: Array(#"{"id":"1","shareInfo":{"isOwned":\#(owned),"isJoined":\#(joined)}}"#.utf8))
    }

    package static let unavailable = Answer.error(503, "UNAVAILABLE")
    package static let html = Answer.answered(status: 200, fields: [], body: Array("<html>".utf8))
    package static let redirect = Answer.answered(status: 302, fields: [], body: [])
    package static let unknownToken = Answer.error(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
}
