"""What is expected of jobs that cannot be left: what is wrong with each, and how it may end.

As the table of verdicts has them, row by row.
"""
from collections.abc import Callable, Iterable
from dataclasses import dataclass

#: In the daemon's settings, so that what is only given up by age comes to its end in a run.
MAX_AGE_SECONDS = 75

#: Accounts without a usable token, and the reason that their jobs fail with.
TOKENLESS = {
    "nobody": "credential_not_found",
    "revoked": "grant_revoked",
    "blocked": "account_blocked",
    "narrow": "scope_missing",
}


@dataclass(frozen=True)
class Ailment:
    """What one job has. `ends`: the reasons that it may fail with, besides those that befall any job."""
    row: str
    #: What the leave is answered; None for a job that has no token to call with.
    leave: dict
    ends: frozenset
    #: What the question about its album is answered; None: that the user is a member, as he is.
    get: dict = None
    #: What the token endpoint answers its account.
    token: dict = None
    #: Each answer leaves it open whether the user has left.
    marks: bool = False
    #: Its account waits as well, so it has one of its own.
    alone: bool = False
    #: How often of ten times it has a deadline, where nothing else ends it soon.
    deadlines: int = 0
    #: It ends with the first answers, or those after the shortest waits.
    quick: bool = True


def _refused(row: str, leave: dict, *reasons: str, **more: object) -> Ailment:
    """It fails with one of these reasons."""
    return Ailment(row, leave, frozenset(reasons), **more)


def _tried(row: str, leave: dict, **more: object) -> Ailment:
    """Its attempts are spent one by one."""
    return Ailment(row, leave, frozenset({"attempts_exhausted"}), quick=False, **more)


def _limited(row: str, leave: dict, deadlines: int = 5) -> Ailment:
    """Costs no attempt: it ends by its deadline, or by its age."""
    return Ailment(row, leave, frozenset({"attempts_exhausted"}), alone=True, quick=False, deadlines=deadlines)


def _tokenless(status: int, body: str) -> Ailment:
    """No attempt is spent without a token either, and it does not age before its first call."""
    return Ailment("34", None, frozenset(), token={"status": status, "body": body}, alone=True, quick=False,
                   deadlines=10)


def _said(name: str) -> dict:
    return {"wording": name}


def _worded(
    make: Callable[..., Ailment], row: str, *names: str, ends: Iterable[str] = (), **more: object
) -> dict[str, Ailment]:
    """Those whose leave is answered with the wording of their name; `ends`: the reasons."""
    return {name: make(row, _said(name), *ends, **more) for name in names}


def _broken(name: str) -> dict:
    return {"fault": name, "applied": False, "milliseconds": 2500}


_UNTOLD = "share_token_invalid"
_FORBIDDEN = {"status": 403, "body": "<html><p>Access denied by the firewall</p></html>"}

AILMENTS = {
    **{name: _tried("3", _broken(name), marks=True)
       for name in ("close", "reset", "stall", "truncated_headers", "partial_body", "junk")},
    **_worded(_refused, "5", "html_200", "not_an_object", "cut_gzip", ends=["response_malformed"], marks=True,
              quick=False),
    "moved": _refused("6", {"status": 301, "body": ""}, "unexpected_status"),
    **_worded(_refused, "6", "redirect", ends=["unexpected_status"]),
    "partial": _refused("6", {"status": 206, "body": "{}"}, "response_malformed", marks=True, quick=False),
    **_worded(_refused, "7", "client_bug", ends=["client_bug"]),
    **_worded(_refused, "8", "owner", ends=["leave_refused"]),
    **_worded(_refused, "9", "invalid_share_token", "no_permission_400", "failed_precondition", "not_found_array",
              ends=["leave_refused"]),
    # A share token that is a link: its album cannot be asked for.
    "link": _refused("9", _said("invalid_share_token"), _UNTOLD, get=_said("wrong_path")),
    "stale": _refused("9", _said("not_found"), _UNTOLD, get=_said("not_found")),
    "joined_as_text": _refused("9", _said("not_found"), _UNTOLD, get=_said("joined_as_text")),
    "another_album": _refused("9", _said("invalid_share_token"), _UNTOLD, get=_said("another_album")),
    "wrong_path": _refused("11", _said("wrong_path"), "unexpected_status", get=_said("wrong_path")),
    **_worded(_refused, "11", "method_not_found", "unimplemented", ends=["unexpected_status"]),
    "not_allowed": _refused("11", {"status": 405, "body": ""}, "unexpected_status"),
    **_worded(_refused, "13", "invalid_token", ends=["auth_rejected"], quick=False),
    "no_session": _refused("13", _said("no_session"), "auth_rejected", "scope_missing", quick=False),
    **_worded(_refused, "14", "account_blocked", ends=["account_blocked"]),
    **_worded(_refused, "15", "bad_client", ends=["auth_rejected"]),
    **_worded(_refused, "16", "scope", ends=["permission_denied"]),
    **_worded(_refused, "17", "api_disabled", ends=["permission_denied"]),
    **_worded(_refused, "18", "billing", ends=["permission_denied"]),
    **_worded(_refused, "19", "photos_disabled", ends=["photos_disabled_for_user"]),
    **_worded(_refused, "20", "permission", ends=["permission_denied"]),
    **_worded(_limited, "22", "quota_minute", "user_rate"),
    # The second wait is five minutes.
    **_worded(_limited, "23", "concurrent_write", deadlines=10),
    **_worded(_limited, "24", "rate", "quota_exceeded", "quota_exceeded_array"),
    **_worded(_tried, "25", "request_timeout", marks=True),
    **_worded(_tried, "25a", "misdirected", "too_early"),
    **_worded(_tried, "26", "aborted"),
    **_worded(_refused, "27", "already_exists", ends=["leave_refused"]),
    **_worded(_tried, "28", "cancelled", "deadline", marks=True),
    **_worded(_tried, "29", "internal", marks=True),
    **_worded(_refused, "30", "data_loss", ends=["server_data_loss"], marks=True),
    **_worded(_tried, "31", "bad_gateway", "unavailable", "unavailable_html", marks=True),
    **_worded(_refused, "32", "teapot", "gone", ends=["unexpected_status"]),
    "proxy": _refused("32", {"status": 407, "body": ""}, "unexpected_status"),
    "firewall": _refused("32", _FORBIDDEN, "unexpected_status"),
    "token_internal_failure": _tokenless(400, '{"error":"internal_failure"}'),
    "token_rate": _tokenless(403, '{"error":"rate_limit_exceeded"}'),
    "token_html": _tokenless(400, "<html><p>Bad request</p></html>"),
    "token_invalid_client": _tokenless(401, '{"error":"invalid_client"}'),
}
