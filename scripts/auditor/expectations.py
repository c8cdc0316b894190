"""What is expected of jobs that cannot be left: what is wrong with each, and how it may end. As the table of verdicts has
them, row by row."""
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


def _refused(row, leave, *ends, **more):
    return Ailment(row, leave, frozenset(ends), **more)


def _tried(row, leave, **more):
    """Its attempts are spent one by one."""
    return Ailment(row, leave, frozenset({"attempts_exhausted"}), quick=False, **more)


def _limited(row, leave, deadlines=5):
    """Costs no attempt: it ends by its deadline, or by its age."""
    return Ailment(row, leave, frozenset({"attempts_exhausted"}), alone=True, quick=False, deadlines=deadlines)


def _tokenless(status, body):
    """No attempt is spent without a token either, and it does not age before its first call."""
    return Ailment("34", None, frozenset(), token={"status": status, "body": body}, alone=True, quick=False,
                   deadlines=10)


def _said(name):
    return {"wording": name}


def _broken(name):
    return {"fault": name, "applied": False, "milliseconds": 2500}


_UNTOLD = "share_token_invalid"
_FORBIDDEN = {"status": 403, "body": "<html><p>Access denied by the firewall</p></html>"}

AILMENTS = {
    **{name: _tried("3", _broken(name), marks=True)
       for name in ("close", "reset", "stall", "truncated_headers", "partial_body", "junk")},
    **{name: _refused("5", _said(name), "response_malformed", marks=True, quick=False)
       for name in ("html_200", "not_an_object", "cut_gzip")},
    "moved": _refused("6", {"status": 301, "body": ""}, "unexpected_status"),
    "redirect": _refused("6", _said("redirect"), "unexpected_status"),
    "partial": _refused("6", {"status": 206, "body": "{}"}, "response_malformed", marks=True, quick=False),
    "client_bug": _refused("7", _said("client_bug"), "client_bug"),
    "owner": _refused("8", _said("owner"), "leave_refused"),
    "invalid_share_token": _refused("9", _said("invalid_share_token"), "leave_refused"),
    "no_permission_400": _refused("9", _said("no_permission_400"), "leave_refused"),
    "failed_precondition": _refused("9", _said("failed_precondition"), "leave_refused"),
    "not_found_array": _refused("9", _said("not_found_array"), "leave_refused"),
    # A share token that is a link: its album cannot be asked for.
    "link": _refused("9", _said("invalid_share_token"), _UNTOLD, get=_said("wrong_path")),
    "stale": _refused("9", _said("not_found"), _UNTOLD, get=_said("not_found")),
    "joined_as_text": _refused("9", _said("not_found"), _UNTOLD, get=_said("joined_as_text")),
    "another_album": _refused("9", _said("invalid_share_token"), _UNTOLD, get=_said("another_album")),
    "wrong_path": _refused("11", _said("wrong_path"), "unexpected_status", get=_said("wrong_path")),
    "method_not_found": _refused("11", _said("method_not_found"), "unexpected_status"),
    "unimplemented": _refused("11", _said("unimplemented"), "unexpected_status"),
    "not_allowed": _refused("11", {"status": 405, "body": ""}, "unexpected_status"),
    "invalid_token": _refused("13", _said("invalid_token"), "auth_rejected", quick=False),
    "no_session": _refused("13", _said("no_session"), "auth_rejected", "scope_missing", quick=False),
    "account_blocked": _refused("14", _said("account_blocked"), "account_blocked"),
    "bad_client": _refused("15", _said("bad_client"), "auth_rejected"),
    "scope": _refused("16", _said("scope"), "permission_denied"),
    "api_disabled": _refused("17", _said("api_disabled"), "permission_denied"),
    "billing": _refused("18", _said("billing"), "permission_denied"),
    "photos_disabled": _refused("19", _said("photos_disabled"), "photos_disabled_for_user"),
    "permission": _refused("20", _said("permission"), "permission_denied"),
    "quota_minute": _limited("22", _said("quota_minute")),
    "user_rate": _limited("22", _said("user_rate")),
    # The second wait is five minutes.
    "concurrent_write": _limited("23", _said("concurrent_write"), deadlines=10),
    "rate": _limited("24", _said("rate")),
    "quota_exceeded": _limited("24", _said("quota_exceeded")),
    "quota_exceeded_array": _limited("24", _said("quota_exceeded_array")),
    "request_timeout": _tried("25", _said("request_timeout"), marks=True),
    "misdirected": _tried("25a", _said("misdirected")),
    "too_early": _tried("25a", _said("too_early")),
    "aborted": _tried("26", _said("aborted")),
    "already_exists": _refused("27", _said("already_exists"), "leave_refused"),
    "cancelled": _tried("28", _said("cancelled"), marks=True),
    "deadline": _tried("28", _said("deadline"), marks=True),
    "internal": _tried("29", _said("internal"), marks=True),
    "data_loss": _refused("30", _said("data_loss"), "server_data_loss", marks=True),
    "bad_gateway": _tried("31", _said("bad_gateway"), marks=True),
    "unavailable": _tried("31", _said("unavailable"), marks=True),
    "unavailable_html": _tried("31", _said("unavailable_html"), marks=True),
    "teapot": _refused("32", _said("teapot"), "unexpected_status"),
    "gone": _refused("32", _said("gone"), "unexpected_status"),
    "proxy": _refused("32", {"status": 407, "body": ""}, "unexpected_status"),
    "firewall": _refused("32", _FORBIDDEN, "unexpected_status"),
    "token_internal_failure": _tokenless(400, '{"error":"internal_failure"}'),
    "token_rate": _tokenless(403, '{"error":"rate_limit_exceeded"}'),
    "token_html": _tokenless(400, "<html><p>Bad request</p></html>"),
    "token_invalid_client": _tokenless(401, '{"error":"invalid_client"}'),
}
