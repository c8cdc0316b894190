/// Why a job failed or was rejected: the closed list of results and dead letters.
public enum Reason: String, CaseIterable, Sendable {
    // Rejected: the message never became a job.
    case malformedJob = "malformed_job"
    case unsupportedVersion = "unsupported_version"
    case unsupportedContent = "unsupported_content"
    case unsupportedEventType = "unsupported_event_type"
    case bodyTooLarge = "body_too_large"
    case jobIDMissing = "job_id_missing"
    case jobIDConflict = "job_id_conflict"

    // The API's refusals.
    case albumOwner = "album_owner"
    case leaveRefused = "leave_refused"
    case shareTokenInvalid = "share_token_invalid"
    case permissionDenied = "permission_denied"
    case photosDisabledForUser = "photos_disabled_for_user"
    case authRejected = "auth_rejected"
    case clientBug = "client_bug"
    case unexpectedStatus = "unexpected_status"

    // Nobody knows what happened.
    case outcomeUnknown = "outcome_unknown"
    case serverDataLoss = "server_data_loss"
    case responseMalformed = "response_malformed"
    case jobLost = "job_lost"

    // No token.
    case grantRevoked = "grant_revoked"
    case scopeMissing = "scope_missing"
    case reauthRequired = "reauth_required"
    case credentialNotFound = "credential_not_found"
    case accountBlocked = "account_blocked"

    // Limits of the job itself.
    case attemptsExhausted = "attempts_exhausted"
    case deadlineExceeded = "deadline_exceeded"
    case cancelled
    case poison
    case expired

    public var outcome: Outcome {
        switch self {
        case .malformedJob, .unsupportedVersion, .unsupportedContent, .unsupportedEventType, .bodyTooLarge,
            .jobIDMissing, .jobIDConflict:
            .rejected
        case .albumOwner, .leaveRefused, .shareTokenInvalid, .permissionDenied, .photosDisabledForUser, .authRejected,
            .clientBug, .unexpectedStatus, .outcomeUnknown, .serverDataLoss, .responseMalformed, .jobLost,
            .grantRevoked, .scopeMissing, .reauthRequired, .credentialNotFound, .accountBlocked, .attemptsExhausted,
            .deadlineExceeded, .cancelled, .poison, .expired:
            .failed
        }
    }

    /// What the result says was done. `isAmbiguous`: an earlier call of this job may have reached the API
    /// unanswered. The word of the album, where there is one, goes before this.
    public func effect(isAmbiguous: Bool) -> Effect {
        switch self {
        case .malformedJob, .unsupportedVersion, .unsupportedContent, .unsupportedEventType, .bodyTooLarge,
            .jobIDMissing, .jobIDConflict:
            // A rejected message says nothing of a job, so no earlier call can be its.
            .notLeft
        case .shareTokenInvalid, .outcomeUnknown, .serverDataLoss, .responseMalformed, .jobLost:
            .unknown
        case .albumOwner, .leaveRefused:
            // Known only by the album, which knows better than an unanswered call.
            .notLeft
        case .permissionDenied, .photosDisabledForUser, .authRejected, .clientBug, .unexpectedStatus, .grantRevoked,
            .scopeMissing, .reauthRequired, .credentialNotFound, .accountBlocked, .attemptsExhausted,
            .deadlineExceeded, .cancelled, .poison, .expired:
            isAmbiguous ? .unknown : .notLeft
        }
    }

    public var next: NextStep {
        switch self {
        case .malformedJob, .unsupportedVersion, .unsupportedContent, .unsupportedEventType, .bodyTooLarge,
            .jobIDMissing, .jobIDConflict, .shareTokenInvalid:
            .fixRequest
        case .grantRevoked, .scopeMissing, .reauthRequired, .credentialNotFound:
            .reauthorizeUser
        case .leaveRefused, .outcomeUnknown, .serverDataLoss, .responseMalformed, .jobLost, .clientBug,
            .unexpectedStatus, .attemptsExhausted, .poison, .expired:
            .operator
        case .albumOwner, .permissionDenied, .photosDisabledForUser, .authRejected, .accountBlocked,
            .deadlineExceeded, .cancelled:
            .none
        }
    }
}
