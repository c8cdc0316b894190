public import Jobs
public import Photos
public import Secrets

/// How the API is called: over HTTP, or by a test.
public protocol PhotosCalling: Sendable {
    /// One call of `sharedAlbums.leave`. It never sends twice; what it cannot know it says.
    func leave(_ token: ShareToken, bearer: Secret, trace: TraceContext) async -> Answer

    /// The probe: what the album says of the user. It has no effect.
    func album(_ token: ShareToken, bearer: Secret, trace: TraceContext) async -> Answer
}
