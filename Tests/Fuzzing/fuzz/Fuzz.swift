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
package func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let reports = target.reports(Array(UnsafeBufferPointer(start: start, count: count)))
    // Not a precondition: an optimised build would not print its sentence.
    if !reports.isEmpty {
        let message = Array("a property is broken: \(reports.joined(separator: "; "))\n".utf8)
        _ = write(STDERR_FILENO, message, message.count)
        abort()
    }
    return 0
}
