import Photos
import PipelineDouble
import Testing

/// Runs `body` over a site that has begun, and ends it. `albums` answers what is asked of an album, `script` the calls.
func site(
    _ options: Site.Options = Site.Options(),
    albums: @escaping @Sendable (ScriptedPhotos.Call) async -> Answer,
    _ script: @escaping @Sendable (ScriptedPhotos.Call) async -> Answer, _ body: (Site) async throws -> Void
) async throws {
    let site = try Site(options, albums: albums, script)
    site.begin()
    try await body(site)
    await site.end()
}

/// The same where no album is known.
func site(
    _ options: Site.Options = Site.Options(), _ script: @escaping @Sendable (ScriptedPhotos.Call) async -> Answer,
    _ body: (Site) async throws -> Void
) async throws {
    try await site(options, albums: { _ in .unknownToken }, script, body)
}
