"""A network of the daemons' own, in which packets can vanish: a network namespace, a pair of virtual interfaces, and
packet filter rules. Needs root. Unlike a wire that is silent, this leaves what was sent unacknowledged."""
import os
import subprocess


class Namespace:
    """What listens outside on `address` is found inside on 127.0.0.1, on the same port: the daemon lets nobody show
    tokens to a network in the clear, and inside there is no other machine."""

    def __init__(self):
        number = os.getpid()
        self.name = f"chaos{number}"
        self._outer, self._inner = f"co{number}", f"ci{number}"
        net = f"10.213.{number % 254}"
        self.address = f"{net}.1"
        try:
            _run("ip", "netns", "add", self.name)
            _run("ip", "link", "add", self._outer, "type", "veth", "peer", "name", self._inner, "netns", self.name)
            _run("ip", "address", "add", f"{self.address}/24", "dev", self._outer)
            _run("ip", "link", "set", self._outer, "up")
            self._inside("ip", "address", "add", f"{net}.2/24", "dev", self._inner)
            self._inside("ip", "link", "set", self._inner, "up")
            self._inside("ip", "link", "set", "lo", "up")
            self._inside("sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet")
            self._inside("iptables", "-w", "-t", "nat", "-A", "OUTPUT", "-p", "tcp", "-d", "127.0.0.1",
                         "-j", "DNAT", "--to-destination", self.address)
            self._inside("iptables", "-w", "-t", "nat", "-A", "POSTROUTING", "-o", self._inner, "-j", "MASQUERADE")
        except subprocess.CalledProcessError:
            self.end()
            raise

    @property
    def prefix(self) -> list[str]:
        """What goes before a program's words so that it runs inside; the process id stays the program's."""
        return ["ip", "netns", "exec", self.name]

    def lose(self, ports: list[int], share: float = 1.0) -> None:
        """From now on so many of the packets to and from these ports vanish."""
        for port in ports:
            for rule in self._rules(port, share):
                self._inside("iptables", "-w", "-A", *rule)

    def restore(self, ports: list[int], share: float = 1.0) -> None:
        for port in ports:
            for rule in self._rules(port, share):
                self._inside("iptables", "-w", "-D", *rule)

    @staticmethod
    def _rules(port: int, share: float) -> list[list[str]]:
        some = [] if share >= 1 else ["-m", "statistic", "--mode", "random", "--probability", str(share)]
        return [["OUTPUT", "-p", "tcp", "--dport", str(port), *some, "-j", "DROP"],
                ["INPUT", "-p", "tcp", "--sport", str(port), *some, "-j", "DROP"]]

    def end(self) -> None:
        # The interfaces go with it.
        subprocess.run(["ip", "netns", "delete", self.name], capture_output=True)

    def _inside(self, *words: str) -> None:
        _run("ip", "netns", "exec", self.name, *words)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
