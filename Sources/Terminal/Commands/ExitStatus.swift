/// How a command ends: 0, 1, and the codes of sysexits(3) that mean something here.
package enum ExitStatus: Int32, Error, CaseIterable, Sendable {
    case done = 0
    /// It ran, and the answer is no: a difference, a failed job that was waited for.
    case answeredNo = 1
    /// EX_USAGE
    case usage = 64
    /// EX_DATAERR: bad input data.
    case badInput = 65
    /// EX_UNAVAILABLE: a service that is needed cannot be reached.
    case serviceUnavailable = 69
    /// EX_SOFTWARE
    case internalFault = 70
    /// EX_CANTCREAT
    case cannotCreateFile = 73
    /// EX_IOERR: what was to be written is not there.
    case outputLost = 74
    /// EX_TEMPFAIL
    case tryAgainLater = 75
    /// EX_NOPERM
    case noPermission = 77
    /// EX_CONFIG
    case settingsWrong = 78
}
