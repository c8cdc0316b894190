"""PostgreSQL's programs of this machine, and the user that they run as."""
import os
import pwd
import subprocess
from pathlib import Path

from .waiting import NotReady

#: Names a folder with other programs than Debian's newest, as the Swift tests have it.
PROGRAMS_VARIABLE = "LEAVE_ALBUMD_POSTGRES_BIN"
#: Taken out of the environment, where a daemon refuses what has its prefix and is no setting.
_programs = os.environ.pop(PROGRAMS_VARIABLE, None)
ROOT = Path("/usr/lib/postgresql")

#: Longest wait for one of them, and for a start: making and starting a server takes three seconds on two idle cores.
SLOWEST_START = 120


def programs() -> Path:
    """The folder of the server's programs; Debian keeps each version's apart."""
    if _programs:
        return Path(_programs)
    versions = sorted((int(path.name) for path in ROOT.iterdir() if path.name.isdecimal()), reverse=True) \
        if ROOT.is_dir() else []
    if not versions:
        raise NotReady(f"no PostgreSQL in {ROOT}: scripts/install-dependencies")
    return ROOT / str(versions[0]) / "bin"


def _account() -> pwd.struct_passwd | None:
    """As whom the server runs: PostgreSQL refuses to be root's. None: as whoever this is."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NotReady("PostgreSQL refuses to be root's, and there is no user postgres or nobody")


def give(*paths: Path) -> None:
    """To the server's user, who must come to them too."""
    account = _account()
    if account is None:
        return
    for path in paths:
        os.chown(path, account.pw_uid, account.pw_gid)
        # A temporary directory is for its owner alone.
        for parent in list(path.parents)[:2]:
            mode = parent.stat().st_mode
            if mode & 0o777 == 0o700:
                parent.chmod(0o711)


def as_server(program: Path | str, *words: object, death: str = "QUIT") -> list[str]:
    """A command as the server's user. Changing the user takes back the signal at the parent's death, so it is asked for
    again: SIGQUIT, at which the server ends its children and frees its shared memory."""
    account = _account()
    user = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"] if account else []
    return ["setpriv", "--pdeathsig", death, *user, "--", str(program), *map(str, words)]


def ask(program: Path, *words: object, seconds: float = SLOWEST_START) -> str:
    """Runs one of the programs to its end. Gives what it printed. What takes longer is killed, and raises
    TimeoutExpired."""
    done = subprocess.run(
        as_server(program, *words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", cwd="/", timeout=seconds)
    if done.returncode != 0:
        raise NotReady(f"{program.name}: {done.stdout.strip()}")
    return done.stdout
