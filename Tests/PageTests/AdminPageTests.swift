import Clocks
import Foundation
import Jobs
import Operations
import Secrets
import Telemetry
import Testing

@testable import Service

/// What can be said of the page without a browser.
@Suite struct AdminPageTests {
    private let text = String(decoding: AdminPage.html, as: UTF8.self)

    @Test func itNamesNothingOutside() {
        let addresses = text.matches(of: /(https?:)?\/\/[a-z0-9.-]+\.[a-z]+[^"\s`]*/).map { String($0.0) }
        #expect(Set(addresses) == ["http://www.w3.org/2000/svg"], "a name, not a place")
        #expect(text.matches(of: /(src|href)="([^"]*)"/).map { String($0.2) } == ["data:,"])
        #expect(!text.contains("@import") && !text.contains("url("))
    }

    @Test(arguments: [
        "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", " style=\"",
    ])
    func itWritesNoHTML(word: String) {
        #expect(!text.contains(word))
    }

    @Test func thePolicyLetsItsOwnScriptAndStyleRunAndNoOther() throws {
        let script = try #require(AdminPage.contents(of: "script").first)
        let style = try #require(AdminPage.contents(of: "style").first)
        #expect(text.components(separatedBy: "<script").count == 2 && text.components(separatedBy: "<style").count == 2)
        let policy = AdminPage.contentSecurityPolicy.components(separatedBy: "; ")
        #expect(policy.contains("default-src 'none'"))
        #expect(policy.contains("script-src 'sha256-\(Base64.encoded(SHA256Digest(of: script).bytes))'"))
        #expect(policy.contains("style-src 'sha256-\(Base64.encoded(SHA256Digest(of: style).bytes))'"))
        #expect(policy.contains("connect-src 'self'") && policy.contains("frame-ancestors 'none'"))
        #expect(!AdminPage.contentSecurityPolicy.contains("unsafe") && !AdminPage.contentSecurityPolicy.contains("*"))
    }

    @Test func nothingMoves() {
        #expect(!text.contains("transition") && !text.contains("animation") && !text.contains("animate"))
    }

    @Test func itIsSmall() {
        #expect(AdminPage.html.count < 48 * 1024)
        #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 640)
    }

    /// WCAG's ratio; 4.5 is what text needs.
    @Test func textStandsOutFromItsGround() throws {
        let style = try String(decoding: #require(AdminPage.contents(of: "style").first), as: UTF8.self)
        let blocks = style.matches(of: /:root \{([^}]*)\}/).map { String($0.1) }
        #expect(blocks.count == 2, "light and dark")
        var colours: [String: String] = [:]
        for block in blocks {
            for match in block.matches(of: /--([a-z-]+): (#[0-9a-f]{6});/) {
                colours[String(match.1)] = String(match.2)
            }
            for ink in ["ink", "muted", "bad", "warn", "first"] {
                for ground in ["ground", "card"] {
                    let ratio = try contrast(#require(colours[ink]), #require(colours[ground]))
                    #expect(ratio >= 4.5, "\(ink) on \(ground): \(ratio)")
                }
            }
        }
        for ground in ["good", "wait", "gone"] { #expect(try contrast("#ffffff", #require(colours[ground])) >= 4.5) }
        #expect(try contrast("#191100", #require(colours["hold"])) >= 4.5)
        #expect(abs(try contrast("#ffffff", "#767676") - 4.54) < 0.01, "the ratio is computed as WCAG says")
    }

    private func contrast(_ one: String, _ other: String) throws -> Double {
        let (high, low) = try (max(light(one), light(other)), min(light(one), light(other)))
        return (high + 0.05) / (low + 0.05)
    }

    private func light(_ colour: String) throws -> Double {
        let number = try #require(Int(colour.dropFirst(), radix: 16))
        return zip([16, 8, 0], [0.2126, 0.7152, 0.0722]).reduce(0) { sum, channel in
            let value = Double(number >> channel.0 & 255) / 255
            return sum + channel.1 * (value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4))
        }
    }
}
