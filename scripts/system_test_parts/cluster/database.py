"""The database's host, set up as docs/cluster.md says."""
import os
import secrets
import subprocess

from testbed.waiting import wait

from ..container import Container
from .page import Instructions

NAME = "db.example"


class DatabaseHost:
    """PostgreSQL as Debian's package makes it, with a certificate by an authority of its own."""

    def __init__(self, container: Container, scratch: str):
        self.container = container
        self.owner_password, self.worker_password = secrets.token_hex(12), secrets.token_hex(12)
        self._scratch = scratch
        self.authority = self._certify()

    def _certify(self) -> str:
        """Gives the authority's certificate, and leaves the server's with its key in the scratch directory."""
        def request(*words: str) -> None:
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                 "3", *words], cwd=self._scratch, check=True, capture_output=True)
        request("-subj", "/CN=system-test", "-keyout", "ca.key", "-out", "ca.pem")
        request("-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-addext",
                "basicConstraints=critical,CA:FALSE", "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "server.key",
                "-out", "server.pem")
        with open(os.path.join(self._scratch, "ca.pem")) as file:
            return file.read()

    def prepare(self, instructions: Instructions) -> None:
        """The server with TLS on the network; roles and database by the page; who may log in by the page."""
        run = self.container.run
        version = run("sh", "-c", "ls /etc/postgresql").stdout.strip()
        place = f"/etc/postgresql/{version}/main"
        for name in ("server.key", "server.pem"):
            with open(os.path.join(self._scratch, name)) as file:
                run("install", "-o", "postgres", "-m", "600", "/dev/stdin", f"{place}/{name}", text=file.read())
        run("install", "-o", "postgres", "-m", "644", "/dev/stdin", f"{place}/conf.d/cluster.conf", text=(
            "listen_addresses = '*'\nssl = on\n"
            f"ssl_cert_file = '{place}/server.pem'\nssl_key_file = '{place}/server.key'\n"))
        self._await_server()
        # In a new session: the password is asked for, twice, on the terminal where there is one.
        typed = instructions.database
        for role, password in (("album_owner", self.owner_password), ("album_worker", self.worker_password)):
            typed = typed.replace(f"--pwprompt {role}", f"--pwprompt {role} <<< $'{password}\\n{password}'")
        run("setsid", "--wait", "runuser", "-u", "postgres", "--", "bash", "-ec", f"cd /\n{typed}")
        with open(self.container.path(f"{place}/pg_hba.conf"), "r+") as file:
            rest = file.read()
            file.seek(0)
            file.write(instructions.log_in + rest)
        run("systemctl", "restart", "postgresql")
        self._await_server()

    def _await_server(self) -> None:
        if not wait(lambda: self.container.run("pg_isready", "-q", check=False).returncode == 0, 60):
            raise RuntimeError("PostgreSQL does not start: "
                               + self.container.run("journalctl", "-q", "-n", "20", "-o", "cat").stdout)

    def administer(self, sql: str) -> str:
        return self.container.run(
            "runuser", "-u", "postgres", "--", "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", "leave_album",
            text=sql).stdout.strip()
