"""What connects the containers: a switch in the namespace of one of them, so that this machine's own network is not
touched, and everything goes when they end."""
import subprocess

from ..container import Container

#: The network of docs/cluster.md's example, which is nobody's (RFC 5737).
PREFIX = "192.0.2"


class Network:
    """`hub`: the container with the switch, at `address`. A cable ends with the container that it leads to."""

    def __init__(self, hub: Container, address: str):
        self._hub = hub
        self._cables: dict[str, str] = {}
        self._count = 0
        self._ip(hub, "link", "add", "switch", "type", "bridge")
        self._ip(hub, "address", "add", f"{address}/24", "dev", "switch")
        self._ip(hub, "link", "set", "switch", "up")

    def connect(self, container: Container, address: str) -> None:
        # A name of its own: the kernel may still be about to remove the cable before.
        self._count += 1
        cable = f"cable{self._count}"
        self._ip(self._hub, "link", "add", cable, "type", "veth", "peer", "name", "host0", "netns", str(container.init))
        self._ip(self._hub, "link", "set", cable, "master", "switch", "up")
        self._ip(container, "address", "add", f"{address}/24", "dev", "host0")
        self._ip(container, "link", "set", "host0", "up")
        self._cables[container.name] = cable

    def cut(self, container: Container) -> None:
        """Nothing comes from it any more, no end of a connection either."""
        self._ip(self._hub, "link", "set", self._cables[container.name], "down")

    @staticmethod
    def _ip(container: Container, *words: str) -> None:
        done = subprocess.run(
            ["nsenter", f"--target={container.init}", "--net", "--", "ip", *words], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"ip {' '.join(words)} in {container.name}: {done.stderr}")
