"""Jobs that the API refuses for themselves, always with the same answer: which of them come, and what the simulator
answers. What each has, and how it may end, is among the auditor's expectations, with what is left out and why.
"""
from random import Random

from auditor.expectations import AILMENTS

from .message import Message

#: At most so many at a time: as many as may stand at the head of a queue.
MOST = 50
#: In a short run: the first round of probes finds a good one among them.
QUICK_MOST = 5


def draw(random: Random, quick: bool) -> list[str]:
    """A burst: the names of what its jobs have, either all the same or each its own."""
    names = [name for name, ailment in AILMENTS.items() if ailment.quick or not quick]
    most = QUICK_MOST if quick else MOST
    count = random.choice([most, random.randint(1, most), min(random.randint(1, most), random.randint(1, most))])
    if random.random() < 0.5:
        # By row first, or those with many wordings would come more often.
        row = random.choice(sorted({AILMENTS[name].row for name in names}))
        return [random.choice([name for name in names if AILMENTS[name].row == row])] * count
    return [random.choice(names) for _ in range(count)]


def last_burst(seed: int, quick: bool) -> list[str]:
    """Of the quiet end of a run, when all other faults are over."""
    return draw(Random(f"last burst {seed}"), quick)


def faults(message: Message) -> list[dict]:
    """For the simulator: what it answers that job, whatever else is wrong meanwhile."""
    ailment = AILMENTS[message.ailment]
    if ailment.token is not None:
        return [{"method": "token", "token": f"rt-{message.account}", "actions": [ailment.token]}]
    joined = '{"id":"1","shareInfo":{"shareToken":"%s","isJoinable":true,"isJoined":true}}' % message.token
    return [{"method": "leave", "token": message.token, "actions": [ailment.leave]},
            {"method": "get", "token": message.token, "actions": [ailment.get or {"status": 200, "body": joined}]}]
