import Foundation
import RepositoryFiles
import Testing

@testable import Settings

/// What a reload takes over, and what it leaves for a restart. Each key by itself, where it is in force, is in
/// `ReloadTests`.
@Suite struct ReloadingTests {
    @Test("What is taken over is copied, what is not stays, and both are named in the file's order")
    func reload() throws {
        var settings = try Loading.settings()
        let loaded = try Loading.settings(
            """
            [worker]
            concurrency = 2
            per_account = 3
            [limits]
            day_zone = "UTC"
            pace = "asap"
            """)
        let reload = settings.reload(loaded)
        #expect(reload.adopted == ["worker.per_account", "limits.pace"])
        #expect(reload.needRestart == ["worker.concurrency", "limits.day_zone"])
        #expect(settings.worker.perAccount == 3 && settings.limits.pace == .asap)
        #expect(settings.worker.concurrency == 32 && settings.limits.dayZone == "America/Los_Angeles")
        #expect(settings.reload(loaded).adopted == [])
    }

    @Test("A password that is shown masked differs all the same")
    func password() throws {
        func settings(_ password: String) throws -> DaemonSettings {
            try Loading.settings(environment: ["LEAVE_ALBUMD_BROKER_URIS": "[\"amqps://u:\(password)@b.example\"]"])
        }
        var old = try settings("one")
        let loaded = try settings("two")
        #expect(old.effective == loaded.effective)
        #expect(old.reload(loaded).needRestart == ["broker.uris"])
    }

    @Test("The warnings are those of what was loaded")
    func warnings() throws {
        var settings = try Loading.settings()
        _ = settings.reload(try Loading.settings("[worker]\ndrain_timeout = \"1s\""))
        #expect(settings.warnings.count == 1)
    }

    @Test("What the pages say that a reload changes, a reload changes")
    func pages() throws {
        let root = URL(fileURLWithPath: RepositoryFile.path("docs"))
        let files = try #require(FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil))
        var count = 0
        for case let file as URL in files where file.pathExtension == "md" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: /changed=([a-z._]+)/) {
                count += 1
                let key = SettingSchema.keys.first { $0.name == match.1 }
                #expect(key?.takesEffect == .atReload, "\(file.lastPathComponent): \(match.1)")
            }
        }
        #expect(count > 0)
    }
}
