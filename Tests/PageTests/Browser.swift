import Foundation
import PrivateBroker

/// A headless Chromium with a profile of its own, for one look at one page.
struct Browser {
    /// What became of the page after some seconds of its own time, which pass as fast as they can.
    struct Look {
        var page: DumpedPage
        /// What the page's console said: errors, and what the policy forbade.
        var console: [String]
    }

    struct Failed: Error {
        let message: String
    }

    static func look(
        at port: UInt16, path: String = "/", seconds: Int, width: Int = 1280, height: Int = 900, more: [String] = []
    ) async throws -> Look {
        let folder = try TemporaryDirectory("browser")
        // Tests may run as root, where Chromium's own sandbox does not start.
        let (ending, text) = try await ChildProcess.run(
            [
                "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--no-proxy-server", "--hide-scrollbars", "--user-data-dir=\(folder.url.path)",
                "--enable-logging=stderr",
                "--window-size=\(width),\(height)", "--virtual-time-budget=\(seconds * 1000)", "--dump-dom",
            ] + more + ["http://127.0.0.1:\(port)\(path)"],
            environment: ["HOME": folder.url.path, "TZ": "UTC"], seconds: 60)
        guard ending == .exited(0) else { throw Failed(message: "\(String(describing: ending)): \(text)") }
        let console = text.split(separator: "\n").map(String.init).filter { $0.contains(":CONSOLE") }
        return Look(page: DumpedPage(text), console: console)
    }
}
