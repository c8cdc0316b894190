"""Messages that are no jobs, and the reason each must be rejected with."""
import json
from random import Random

MANY_MEMBERS = {f"m{n}": "x" for n in range(17)}


def make(random: Random, number: int) -> tuple[bytes, dict, str]:
    """A bad message: body, properties that differ from the usual ones, and the reason it must get.

    Each body holds its number, so that no two have one digest.
    """
    mark = f"bad-{number}"
    good = {"jobId": f"{mark}-{random.randrange(10**9)}", "account": "acc1", "shareToken": f"album-{mark}"}

    def job(**changes):
        body = {key: value for key, value in dict(good, **changes).items() if value is not ABSENT}
        return json.dumps(body).encode()

    kinds = [
        lambda: (b"{" + mark.encode(), {}, "malformed_job"),
        lambda: (mark.encode() + b"\x00\xff\xfe", {}, "malformed_job"),
        lambda: (b"\xef\xbb\xbf" + job(), {}, "malformed_job"),
        lambda: (json.dumps(good).encode("utf-16"), {}, "malformed_job"),
        lambda: (json.dumps([good]).encode(), {}, "malformed_job"),
        lambda: (job() + job(), {}, "malformed_job"),
        lambda: (b"[" * 5000 + mark.encode(), {}, "malformed_job"),
        lambda: (job(account=number), {}, "malformed_job"),
        lambda: (job(account=None), {}, "malformed_job"),
        lambda: (job(account=ABSENT), {}, "malformed_job"),
        lambda: (job(account="a" * 257), {}, "malformed_job"),
        lambda: (job(account="a\u202eb"), {}, "malformed_job"),
        lambda: (job(shareToken=""), {}, "malformed_job"),
        lambda: (job(shareToken="t" * 2049), {}, "malformed_job"),
        lambda: (job(shareToken={"a": mark}), {}, "malformed_job"),
        lambda: (job(jobId="not allowed: é"), {}, "malformed_job"),
        lambda: (job(jobId="j" * 129), {}, "malformed_job"),
        lambda: (job(deadline="2026-02-30T00:00:00Z"), {}, "malformed_job"),
        lambda: (job(deadline="tomorrow"), {}, "malformed_job"),
        lambda: (job(requestedAt=5), {}, "malformed_job"),
        lambda: (job(metadata=MANY_MEMBERS), {}, "malformed_job"),
        lambda: (job(metadata={"a": 1}), {}, "malformed_job"),
        lambda: (job(metadata={"a": "x" * 2048}), {}, "malformed_job"),
        lambda: (job(version="1"), {}, "malformed_job"),
        lambda: (job(version=2), {}, "unsupported_version"),
        lambda: (job(), {"content_type": "text/plain"}, "unsupported_content"),
        lambda: (job(), {"content_encoding": "gzip"}, "unsupported_content"),
        lambda: (job(jobId=ABSENT), {}, "job_id_missing"),
        lambda: (job(jobId=number), {"message_id": "another"}, "malformed_job"),
        lambda: (job(padding="p" * 70_000), {}, "body_too_large"),
        lambda: (b"{" + mark.encode() + b"x" * 300_000, {}, "body_too_large"),
    ]
    return random.choice(kinds)()


ABSENT = object()
