import AMQP
import Clocks
import Daemon
import Operations
import Service
import Settings
import Terminal

/// Why a command could not do its work, and the status that says so.
struct CommandFailure: Error, CustomStringConvertible {
    let status: ExitStatus
    let description: String

    init(_ status: ExitStatus, _ description: String) {
        self.status = status
        self.description = description
    }

    init(_ error: any Error) {
        switch error {
        case let failure as CommandFailure: self = failure
        case let error as UsageError: self.init(.usage, error.description)
        case let error as LinkError: self.init(error)
        case let error as UnusableSetting: self.init(.settingsWrong, error.description)
        case let fault as SettingsFault: self.init(.settingsWrong, fault.description)
        case let fault as ControlFault: self.init(fault)
        case let failure as InputFile.Failure: self.init(.badInput, failure.description)
        case let failure as ManagementAPI.Failure: self.init(.serviceUnavailable, failure.description)
        case let refusal as Submitter.Refusal: self.init(.serviceUnavailable, refusal.description)
        default: self.init(.internalFault, "\(error)")
        }
    }

    init(_ error: LinkError) {
        let status: ExitStatus =
            switch error.kind {
            case .channelClosed(403), .loginRefused: .noPermission
            case .channelClosed: .answeredNo
            default: .serviceUnavailable
            }
        self.init(status, error.description)
    }

    init(_ fault: ControlFault) {
        let status: ExitStatus =
            switch fault {
            case .invalid: .badInput
            case .unknown: .answeredNo
            case .refusedFile: .cannotCreateFile
            case .unavailable: .tryAgainLater
            case .unusable: .settingsWrong
            }
        self.init(status, fault.description)
    }

    init(_ error: ControlError) {
        switch error {
        case .notRunning: self.init(.serviceUnavailable, error.description)
        case .noPermission: self.init(.noPermission, error.description)
        case .refused(let code, let message): self.init(ControlFault(code: code, message: message))
        case .broken: self.init(.tryAgainLater, error.description)
        }
    }
}
