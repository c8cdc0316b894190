"""A booted container: a systemd of its own, a loopback of its own, no other network unless it is given one."""

import os
import signal
import subprocess
import tempfile
import time


class Container:
    """Boots the tree in `directory`. It is not known to machined, which a build machine may not have: it is entered by
    its namespaces, and ended by its process id."""

    BOOT_SECONDS = 180

    def __init__(self, directory: str, name: str = "system-test", hosts: dict[str, str] | None = None):
        """`name`: the host's. `hosts`: names of other hosts → their addresses."""
        self.directory, self.name = directory, name
        with open(self.path("/etc/hostname"), "w") as file:
            file.write(f"{name}\n")
        with open(self.path("/etc/hosts"), "w") as file:
            file.write(f"127.0.0.1 localhost {name}\n")
            file.writelines(f"{address} {other}\n" for other, address in (hosts or {}).items())
        # Kept, so that it is all there at the end.
        os.makedirs(self.path("/var/log/journal"), exist_ok=True)
        self.init = None
        self.boot()

    def boot(self) -> None:
        """Also after an end of it: with the same tree, as a host whose power is back."""
        self._console = open(f"{self.directory}.console", "a")
        self._nspawn = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--private-network",
             "--console=pipe", f"--machine={self.name}-{os.getpid()}", f"--directory={self.directory}"],
            stdin=subprocess.DEVNULL, stdout=self._console, stderr=subprocess.STDOUT)
        try:
            self.init = self._first_process()
            self._wait_until_booted()
        except BaseException:
            self.stop()
            raise

    def path(self, inside: str) -> str:
        """Where a file of the container is on this machine."""
        return self.directory + inside

    def run(
        self, *command: str, check: bool = True, text: str | None = None, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess:
        """Runs a command inside as root; returns its completed process with output as text. With `check`, a status
        other than 0 is an error that quotes standard error."""
        done = subprocess.run(
            self._entering(command, environment), input=text, capture_output=True, text=True, errors="replace",
            stdin=subprocess.DEVNULL if text is None else None)
        if check and done.returncode != 0:
            said = (done.stderr or done.stdout)[-600:]
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {said}")
        return done

    def start(self, *command: str, environment: dict[str, str] | None = None) -> subprocess.Popen:
        """A command inside that runs on; the caller ends it. What it writes goes to files, so that it never waits for
        a reader: attributes `output` and `errors`."""
        output, errors = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")
        process = subprocess.Popen(
            self._entering(command, environment), stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        process.output, process.errors = output, errors
        return process

    def process_outside(self, inside: str) -> int | None:
        """The process id on this machine of the container's process `inside`; None if there is none."""
        space = os.readlink(f"/proc/{self.init}/ns/pid")
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/status") as file:
                    numbers = [line.split()[1:] for line in file if line.startswith("NSpid:")][0]
                if int(numbers[-1]) == inside and os.readlink(f"/proc/{entry}/ns/pid") == space:
                    return int(entry)
            except OSError:
                continue
        return None

    @property
    def is_running(self) -> bool:
        return self._nspawn.poll() is None

    def kill(self) -> None:
        """Kills its init, and with that every process inside: nothing there gets to know of it."""
        os.kill(self.init, signal.SIGKILL)
        self._nspawn.wait(30)
        self._console.close()

    def stop(self) -> None:
        """Shuts it down, and by force if it takes long."""
        nspawn = self._nspawn
        if nspawn.poll() is None:
            nspawn.send_signal(signal.SIGTERM)
            try:
                nspawn.wait(30)
            except subprocess.TimeoutExpired:
                # A second one ends the container at once.
                nspawn.send_signal(signal.SIGTERM)
                try:
                    nspawn.wait(10)
                except subprocess.TimeoutExpired:
                    nspawn.kill()
                    nspawn.wait()
        self._console.close()

    def _entering(self, command: str, environment: dict[str, str] | None) -> list[str]:
        clean = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root"}
        pairs = [f"{name}={value}" for name, value in {**clean, **(environment or {})}.items()]
        return ["nsenter", f"--target={self.init}", "--all", "--", "env", "-i", *pairs, *command]

    def _first_process(self) -> int:
        """nspawn's child that is number 1 inside."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            children = f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children"
            if self._nspawn.poll() is not None:
                break
            with open(children) as file:
                for child in file.read().split():
                    with open(f"/proc/{child}/status") as status, open(f"/proc/{child}/comm") as comm:
                        inside = [line.split()[-1] for line in status if line.startswith("NSpid:")]
                        if inside == ["1"] and comm.read().strip() == "systemd":
                            return int(child)
            time.sleep(0.1)
        with open(self._console.name) as file:
            raise RuntimeError(f"the container did not start: {file.read()[-1500:]}")

    def _wait_until_booted(self) -> None:
        end = time.monotonic() + self.BOOT_SECONDS
        while time.monotonic() < end:
            state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
            if state in ("running", "degraded"):
                return
            time.sleep(0.5)
        raise RuntimeError(f"the container did not boot within {self.BOOT_SECONDS} s: {state}")
