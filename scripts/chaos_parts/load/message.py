"""One thing that a run publishes."""
import hashlib
from dataclasses import dataclass, field


@dataclass
class Message:
    """One thing to publish, `at` seconds after the run's start."""
    at: float
    role: str  # job, copy, conflict, bad, cancel
    key: str
    body: bytes
    nature: str = "ordinary"
    job: str = None
    account: str = None
    token: str = None
    #: Seconds after the run's start.
    deadline: float = None
    #: The reason that a bad message must get.
    expect: str = None
    properties: dict = field(default_factory=dict)
    #: For the simulator, of this job's calls alone.
    fault: dict = None
    #: Of a bad job, by its name in `badjobs`.
    ailment: str = None

    def record(self, start: float) -> dict:
        """What the auditor needs to know of it; the share token is the simulator's own and no secret here."""
        names = ("role", "key", "nature", "job", "account", "token", "expect", "fault", "ailment")
        values = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        if self.deadline is not None:
            # Whole seconds, as the body has it.
            values["deadline"] = int(start + self.deadline) * 1000
        return dict(values, sha256=hashlib.sha256(self.body).hexdigest(), size=len(self.body),
                    expiration=self.properties.get("expiration"))
