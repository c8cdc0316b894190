"""Who the users are and what their albums are like: arranged in the simulator before a run."""
from testbed.lines import json_lines
from testbed.simulator import SimulatorControl, grant

from . import badjobs
from .message import Message

#: So many accounts in all. Of the first ones the daemon has grants: it refreshes five a second, so that more of them
#: would be what a short run waits for. The others have tokens that do not end.
ACCOUNTS = 150
GRANTED = 40
#: Besides, so many of each kind that wait for bad jobs alone: with a token that does not end, and with a grant.
ALONE = 60
#: How long an access token of a grant lives.
TOKEN_SECONDS = 90


def account(number: int) -> str:
    return f"acc{number}"


def alone(number: int) -> str:
    return f"alone{number % ALONE}"


def alone_granted(number: int) -> str:
    return f"granted-alone{number % ALONE}"


def grants() -> list[dict]:
    """What is imported into the daemon's store."""
    names = [account(n) for n in range(GRANTED)] + [alone_granted(n) for n in range(ALONE)]
    names += ["revoked", "blocked", "narrow"]
    return [grant(name) for name in names]


def arrange(simulator: SimulatorControl, messages: list[Message]) -> None:
    """Tells the simulator of the grants and of the albums that are not as the others."""
    simulator.arrange("grants", *(grant(account(n), expiresIn=TOKEN_SECONDS) for n in range(GRANTED)))
    simulator.arrange("grants", *(grant(alone_granted(n)) for n in range(ALONE)))
    simulator.arrange(
        "grants", grant("revoked", error="invalid_grant"), grant("blocked", error="access_denied"),
        grant("narrow", scope="https://www.googleapis.com/auth/photoslibrary"))
    arrange_albums(simulator, messages)


def arrange_albums(simulator: SimulatorControl, messages: list[Message]) -> None:
    """What the messages' own albums, calls and tokens are like, where they are not as the others."""
    albums = []
    for message in messages:
        if message.role != "job":
            continue
        if message.nature == "owner":
            albums.append({"token": message.token, "owner": message.account, "members": [message.account]})
        elif message.nature == "not_member":
            albums.append({"token": message.token, "owner": "somebody", "members": ["somebody"]})
        elif message.ailment is not None:
            for fault in badjobs.faults(message):
                simulator.add_fault(fault)
        elif message.fault is not None:
            simulator.add_fault(dict(message.fault, token=message.token))
    for start in range(0, len(albums), 200):
        simulator.arrange("albums", *albums[start:start + 200])


def grant_lines() -> str:
    return json_lines(grants())


def token_lines() -> str:
    """The file of tokens that do not end."""
    names = [account(n) for n in range(GRANTED, ACCOUNTS)] + [alone(n) for n in range(ALONE)]
    return "".join(f"{name}\tsim:{name}\n" for name in names)
