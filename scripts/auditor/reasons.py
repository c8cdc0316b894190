"""Why a job may fail or be rejected, and what its result says then: a line for each reason.

As docs/messages.md has them; a test compares.
"""
from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    #: Who can do something about it, as the result names it.
    next: str
    #: The message never became a job.
    is_rejection: bool = False
    #: Nobody knows whether the user has left, unless an album query does.
    is_unknown: bool = False
    #: The album itself said that the user has not left.
    is_witnessed: bool = False
    #: Only an answer of the API can be the cause.
    is_from_api: bool = False
    #: `scripts/chaos` redrives its dead letters.
    is_redriven: bool = False


REASONS = {
    "malformed_job": Reason("fix_request", is_rejection=True),
    "unsupported_version": Reason("fix_request", is_rejection=True),
    "unsupported_content": Reason("fix_request", is_rejection=True),
    "unsupported_event_type": Reason("fix_request", is_rejection=True),
    "body_too_large": Reason("fix_request", is_rejection=True),
    "job_id_missing": Reason("fix_request", is_rejection=True),
    "job_id_conflict": Reason("fix_request", is_rejection=True),
    "album_owner": Reason("none", is_witnessed=True, is_from_api=True, is_redriven=True),
    "leave_refused": Reason("operator", is_witnessed=True, is_from_api=True, is_redriven=True),
    "share_token_invalid": Reason("fix_request", is_unknown=True, is_from_api=True, is_redriven=True),
    "outcome_unknown": Reason("operator", is_unknown=True, is_from_api=True, is_redriven=True),
    "server_data_loss": Reason("operator", is_unknown=True, is_from_api=True, is_redriven=True),
    "response_malformed": Reason("operator", is_unknown=True, is_from_api=True),
    "job_lost": Reason("operator", is_unknown=True),
    "grant_revoked": Reason("reauthorize_user", is_redriven=True),
    "scope_missing": Reason("reauthorize_user", is_from_api=True, is_redriven=True),
    "reauth_required": Reason("reauthorize_user"),
    "credential_not_found": Reason("reauthorize_user", is_redriven=True),
    "account_blocked": Reason("none", is_from_api=True, is_redriven=True),
    "photos_disabled_for_user": Reason("none", is_from_api=True, is_redriven=True),
    "permission_denied": Reason("none", is_from_api=True, is_redriven=True),
    "auth_rejected": Reason("none", is_from_api=True),
    "client_bug": Reason("operator", is_from_api=True),
    "unexpected_status": Reason("operator", is_from_api=True, is_redriven=True),
    "attempts_exhausted": Reason("operator", is_from_api=True),
    "poison": Reason("operator"),
    "expired": Reason("operator"),
    "deadline_exceeded": Reason("none", is_redriven=True),
    "cancelled": Reason("none", is_redriven=True),
}


def those(quality: str) -> set[str]:
    """The reasons of which this is so."""
    return {name for name, reason in REASONS.items() if getattr(reason, quality)}


REJECTIONS = those("is_rejection")
UNKNOWN = those("is_unknown")
WITNESSED = those("is_witnessed")
FROM_API = those("is_from_api")
