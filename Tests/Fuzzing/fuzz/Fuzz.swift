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
    // Not a precondition: an optimised build would not print its sentence.
    if !findings.isEmpty {
        let words = Array("a property is broken: \(findings.joined(separator: "; "))\n".utf8)
        _ = write(STDERR_FILENO, words, words.count)
        abort()
    }
    return 0
}
