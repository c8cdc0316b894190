"""What the API may answer: a line for each answer, with the row of docs/verdicts.md that it takes and with how a job
may end that is always answered so.

A test compares the rows with the page, and the reasons with `reasons.py`.
"""
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

#: What comes of an answer that all calls get for a while.
QUICK = "the jobs are soon done again"
SLOW = "accounts wait half a minute and more"
HOLD = "the worker stops until an operator says that what was wrong is mended"


@dataclass(frozen=True)
class Answer:
    row: int
    #: What the leave is answered; None for a job that has no token to call with.
    leave: dict | None
    #: The reasons that a job may fail with which is always answered so, besides those that befall any job. None: it
    #: is no single job's, and no job has it.
    ends: frozenset | None
    #: What the album query is answered; None: that the user is a member, as he is.
    get: dict | None = None
    #: What the token endpoint answers its account.
    token: dict | None = None
    #: Each answer leaves it open whether the user has left.
    marks: bool = False
    #: Its account waits as well, so it has one of its own.
    alone: bool = False
    #: How often of ten times it has a deadline, where nothing else ends it soon.
    deadlines: int = 0
    #: It ends with the first answers, or those after the shortest waits.
    quick: bool = True
    #: `scripts/chaos` gives it to all calls for a while, and what comes of that: QUICK, SLOW or HOLD. None: it does
    #: not.
    to_all: str | None = None


def _refused(*reasons: str, **more: object) -> dict:
    """It fails with one of these reasons."""
    return {"ends": frozenset(reasons), **more}


def _tried(**more: object) -> dict:
    """Its attempts are spent one by one."""
    return {"ends": frozenset({"attempts_exhausted"}), "quick": False, **more}


def _limited(deadlines: int = 5) -> dict:
    """Costs no attempt: it ends by its deadline, or by its age."""
    return {**_tried(), "alone": True, "deadlines": deadlines}


def _tokenless(name: str, status: int, body: str) -> dict[str, Answer]:
    """No attempt is spent without a token either, and it does not age before its first call."""
    return {name: Answer(34, None, frozenset(), token=_sent(status, body), alone=True, quick=False, deadlines=10)}


#: No single job has it, or each would end otherwise.
_OF_ALL = {"ends": None}


def _row(row: int, end: dict, *wordings: str, to_all: str | None = None, **others: str | dict) -> dict[str, Answer]:
    """Answers of one row and one end by their names: the simulator's wordings, which are called as they are, and
    `others`, each a wording or what is sent."""
    if "get" in end:
        end = {**end, "get": _said(end["get"])}
    answers = {**{name: name for name in wordings}, **others}
    return {name: Answer(row, _said(said), **end, to_all=to_all) for name, said in answers.items()}


def _said(answer: str | dict) -> dict:
    return {"wording": answer} if isinstance(answer, str) else answer


def _broken(*names: str) -> dict[str, dict]:
    return {name: {"fault": name, "applied": False, "milliseconds": 2500} for name in names}


def _sent(status: int, body: str = "") -> dict:
    return {"status": status, "body": body}


def _table(*rows: dict[str, Answer]) -> dict[str, Answer]:
    answers = {}
    for row in rows:
        if both := answers.keys() & row.keys():
            raise ValueError(f"two lines of ANSWERS have the names {sorted(both)}")
        answers.update(row)
    return answers


ANSWERS = _table(
    _row(3, _tried(marks=True),
         **_broken("close", "reset", "stall", "truncated_headers", "partial_body", "junk")),
    _row(5, _refused("response_malformed", marks=True, quick=False), "html_200", "not_an_object", to_all=QUICK),
    _row(5, _refused("response_malformed", marks=True, quick=False), "cut_gzip"),
    _row(5, _OF_ALL, error_in_200=_sent(200, '{"error":{"code":7}}'), to_all=QUICK),
    _row(6, _refused("unexpected_status"), moved=_sent(301)),
    _row(6, _refused("unexpected_status"), "redirect", to_all=HOLD),
    _row(6, _refused("response_malformed", marks=True, quick=False), partial=_sent(206, "{}"), to_all=QUICK),
    _row(7, _refused("client_bug"), "client_bug", to_all=QUICK),
    _row(8, _refused("leave_refused"), "owner"),
    _row(9, _refused("leave_refused"), "invalid_share_token", "no_permission_400", "failed_precondition",
         to_all=QUICK),
    _row(9, _refused("leave_refused"), "not_found_array"),
    # A share token that is a link: its album cannot be asked for.
    _row(9, _refused("share_token_invalid", get="wrong_path"), link="invalid_share_token"),
    _row(9, _refused("share_token_invalid", get="not_found"), stale="not_found", to_all=QUICK),
    _row(9, _refused("share_token_invalid", get="joined_as_text"), joined_as_text="not_found"),
    _row(9, _refused("share_token_invalid", get="another_album"), another_album="invalid_share_token"),
    _row(11, _refused("unexpected_status", get="wrong_path"), "wrong_path", to_all=HOLD),
    _row(11, _refused("unexpected_status"), "method_not_found", "unimplemented", to_all=HOLD),
    _row(11, _refused("unexpected_status"), not_allowed=_sent(405)),
    _row(13, _refused("auth_rejected", quick=False), "invalid_token", to_all=QUICK),
    _row(13, _refused("auth_rejected", "scope_missing", quick=False), "no_session", to_all=SLOW),
    _row(14, _refused("account_blocked"), "account_blocked", to_all=QUICK),
    _row(15, _refused("auth_rejected"), "bad_client", to_all=HOLD),
    _row(16, _refused("permission_denied"), "scope", to_all=SLOW),
    _row(17, _refused("permission_denied"), "api_disabled", to_all=HOLD),
    _row(18, _refused("permission_denied"), "billing", to_all=HOLD),
    _row(19, _refused("photos_disabled_for_user"), "photos_disabled", to_all=QUICK),
    _row(20, _refused("permission_denied"), "permission", to_all=QUICK),
    # One word of it is enough.
    _row(21, _OF_ALL, "quota_day", to_all=HOLD),
    _row(22, _limited(), "quota_minute", to_all=SLOW),
    _row(22, _limited(), "user_rate"),
    # The second wait is five minutes.
    _row(23, _limited(deadlines=10), "concurrent_write", to_all=SLOW),
    _row(24, _limited(), "rate", to_all=HOLD),
    _row(24, _limited(), "quota_exceeded", "quota_exceeded_array"),
    _row(25, _tried(marks=True), "request_timeout", to_all=QUICK),
    # The server says that it did not look at the request.
    _row(25, _tried(), "misdirected", "too_early"),
    _row(26, _tried(), "aborted", to_all=QUICK),
    _row(27, _refused("leave_refused"), "already_exists", to_all=QUICK),
    _row(28, _tried(marks=True), "cancelled", "deadline", to_all=QUICK),
    _row(29, _tried(marks=True), "internal", to_all=QUICK),
    _row(30, _refused("server_data_loss", marks=True), "data_loss", to_all=QUICK),
    _row(31, _tried(marks=True), "bad_gateway", "unavailable", "unavailable_html", to_all=QUICK),
    _row(32, _refused("unexpected_status"), "teapot", to_all=QUICK),
    _row(32, _refused("unexpected_status"), "gone", proxy=_sent(407),
         firewall=_sent(403, "<html><p>Access denied by the firewall</p></html>")),
    _tokenless("token_internal_failure", 400, '{"error":"internal_failure"}'),
    _tokenless("token_rate", 403, '{"error":"rate_limit_exceeded"}'),
    _tokenless("token_html", 400, "<html><p>Bad request</p></html>"),
    _tokenless("token_invalid_client", 401, '{"error":"invalid_client"}'),
)

#: Rows that have no line above, and why.
NO_ANSWER = {
    1: "nothing is sent, for no job",
    2: "nothing is sent, for no job",
    4: "success",
    10: "row 9, if an earlier call may have had its effect",
    12: "another token mends it",
    33: "no call is made: TOKENLESS",
    35: "no answer, but the job's own limits",
    36: "nothing is sent, and the claim is taken back",
}

#: What one job may have that cannot be left, by name.
AILMENTS = {name: answer for name, answer in ANSWERS.items() if answer.ends is not None}


def given_to_all(outcome: str) -> list[dict]:
    """What all calls may be answered for a while, with this outcome."""
    return [answer.leave for answer in ANSWERS.values() if answer.to_all == outcome]
