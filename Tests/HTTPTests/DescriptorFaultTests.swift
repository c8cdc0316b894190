import Clocks
import Concurrency
import Testing

@testable import HTTP

/// What a want of descriptors is called, which libcurl takes for a fault of the network or of a certificate.
@Suite struct DescriptorFaultTests {
    private let kinds: [HTTPFaultKind] = [.resolve, .connect, .proxy, .tlsTrust, .tls, .other]

    @Test func whatFailsHereForWantOfOneSaysSo() {
        for kind in kinds {
            let explained = HTTPFault(kind: kind, code: 7, detail: "Couldn't connect").explained(.process(limit: 64))
            #expect(explained.kind == .descriptors && explained.code == 7)
            #expect(
                explained.description.hasPrefix("descriptors: this process has all of its 64 file descriptors open"))
        }
    }

    @Test func withoutWantEachKeepsItsName() {
        for kind in HTTPFaultKind.allCases {
            let fault = HTTPFault(kind: kind, code: 7, detail: "as it was")
            #expect(fault.explained(nil) == fault)
        }
    }

    /// The far side was reached, or was not waited for long enough: no want of ours explains that.
    @Test func whatTheOtherSideDidIsItsOwn() {
        for kind in HTTPFaultKind.allCases where !kinds.contains(kind) {
            let fault = HTTPFault(kind: kind, detail: "as it was")
            #expect(fault.explained(.machine) == fault, "\(kind)")
        }
    }
}
