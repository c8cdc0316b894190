"""A second server that has all that the first one commits."""
from collections.abc import Sequence
from pathlib import Path

from . import postgres
from .database import Database
from .roles import SUPERUSER
from .waiting import eventually


class Standby(Database):
    """A copy that follows `primary`, which commits nothing that this one has not flushed."""

    NAME = "standby"

    def __init__(self, primary: Database, directory: Path | str):
        self._primary = primary
        # With fewer connections, or locks, than the primary it would not start.
        super().__init__(directory, primary.extra_settings, is_durable=primary.is_durable)

    def _make(self, networks: Sequence[str]) -> None:
        whence = f"host={self._primary.sockets} port={self._primary.port} user={SUPERUSER} application_name={self.NAME}"
        postgres.ask(
            self.programs / "pg_basebackup", "--write-recovery-conf", "--checkpoint=fast", f"--dbname={whence}",
            f"--pgdata={self.data}")

    def start(self) -> None:
        super().start()
        self._demand(self.NAME)
        eventually("the standby is a synchronous one", lambda: self._primary.run(
            "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"))

    def end(self) -> None:
        # What is committed after this waits for nobody.
        self._demand("")
        super().end()

    def _demand(self, name: str) -> None:
        self._primary.run(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        self._primary.run("SELECT pg_reload_conf()")
