import Photos
import PipelineHarness
import Testing

/// Runs `body` over a site that has begun, and ends it. `albums` answers what is asked of an album, `script` the calls.
func harness(
    _ options: Harness.Options = Harness.Options(),
    albums: @escaping @Sendable (ScriptedPhotos.Call) async -> Answer,
    _ script: @escaping @Sendable (ScriptedPhotos.Call) async -> Answer, _ body: (Harness) async throws -> Void
) async throws {
    let harness = try await Harness(options, albums: albums, script)
    harness.begin()
    try await body(harness)
    await harness.end()
}

/// The same where no album is known.
func harness(
    _ options: Harness.Options = Harness.Options(), _ script: @escaping @Sendable (ScriptedPhotos.Call) async -> Answer,
    _ body: (Harness) async throws -> Void
) async throws {
    try await harness(options, albums: { _ in .unknownToken }, script, body)
}
