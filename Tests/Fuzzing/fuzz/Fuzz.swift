import Glibc

/// The target that `LEAVE_ALBUMD_FUZZ` names.
private let target: FuzzTarget = {
    guard let name = getenv("LEAVE_ALBUMD_FUZZ"), let target = FuzzTarget(rawValue: String(cString: name)) else {
        preconditionFailure("LEAVE_ALBUMD_FUZZ names a target: \(FuzzTarget.allCases.map(\.rawValue))")
    }
    return target
}()

/// libFuzzer calls it with each input. A broken property ends the process, and the input is kept.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let findings = target.findings(Array(UnsafeBufferPointer(start: start, count: count)))
    precondition(findings.isEmpty, "a property is broken: \(findings.joined(separator: "; "))")
    return 0
}
