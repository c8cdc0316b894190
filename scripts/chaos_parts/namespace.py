"""A network of the daemons' own, in which packets can vanish: a network namespace, a pair of virtual interfaces, and
packet filter rules. Needs root. Unlike a wire that is silent, this leaves what was sent unacknowledged."""
import os
import re
import subprocess


class Namespace:
    """What listens outside on `address` is found inside on 127.0.0.1, on the same port: the daemon lets nobody show
    tokens to a network in the clear, and inside there is no other machine.

    `place`: of several of this process. `is_direct`: what listens outside on 127.0.0.1 is found too, without a wire;
    the servers see `inner` as their client's address.
    """

    def __init__(self, place: int = 0, is_direct: bool = False):
        number = os.getpid()
        self.name = f"chaos{number}-{place}"
        self._outer, self._inner = f"co{number}-{place}", f"ci{number}-{place}"
        net = f"10.{213 + place}.{number % 254}"
        self.address, self.inner = f"{net}.1", f"{net}.2"
        self._table = f"chaos{number}_{place}"
        self._is_direct = is_direct
        self._handles: dict[tuple, list[tuple[str, str]]] = {}
        try:
            _run("ip", "netns", "add", self.name)
            _run("ip", "link", "add", self._outer, "type", "veth", "peer", "name", self._inner, "netns", self.name)
            _run("ip", "address", "add", f"{self.address}/24", "dev", self._outer)
            _run("ip", "link", "set", self._outer, "up")
            self._inside("ip", "address", "add", f"{self.inner}/24", "dev", self._inner)
            self._inside("ip", "link", "set", self._inner, "up")
            self._inside("ip", "link", "set", "lo", "up")
            self._inside("sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet")
            self._inside("nft", "-f", "-", text=f"""
                table ip {self._table} {{
                    chain names {{
                        type nat hook output priority -100
                        meta l4proto tcp ip daddr 127.0.0.1 dnat to {self.address}
                    }}
                    chain leaving {{ type nat hook postrouting priority 100; oifname "{self._inner}" masquerade; }}
                    chain sent {{ type filter hook output priority 0; }}
                    chain received {{ type filter hook input priority 0; }}
                }}""")
            if is_direct:
                _run("sh", "-c", f"echo 1 >/proc/sys/net/ipv4/conf/{self._outer}/route_localnet")
                _run("nft", "-f", "-", text=f"""
                    table ip {self._table} {{
                        chain names {{
                            type nat hook prerouting priority -100
                            iifname "{self._outer}" meta l4proto tcp dnat to 127.0.0.1
                        }}
                    }}""")
        except subprocess.CalledProcessError:
            self.end()
            raise

    @property
    def prefix(self) -> list[str]:
        """What goes before a program's words so that it runs inside; the process id stays the program's."""
        return ["ip", "netns", "exec", self.name]

    def lose(self, ports: list[int], share: float = 1.0) -> None:
        """From now on so many of the packets to and from these ports vanish."""
        handles = self._handles.setdefault((*ports, share), [])
        some = [] if share >= 1 else ["numgen", "random", "mod", "1000", "<", str(round(share * 1000))]
        for port in ports:
            for chain, side in (("sent", "dport"), ("received", "sport")):
                said = self._inside("nft", "--echo", "--handle", "add", "rule", "ip", self._table, chain, "tcp", side,
                                    str(port), *some, "drop")
                handles.append((chain, re.search(r"# handle (\d+)", said).group(1)))

    def restore(self, ports: list[int], share: float = 1.0) -> None:
        for chain, handle in self._handles.pop((*ports, share), []):
            self._inside("nft", "delete", "rule", "ip", self._table, chain, "handle", handle)

    def end(self) -> None:
        # The interfaces go with it.
        subprocess.run(["ip", "netns", "delete", self.name], capture_output=True)
        if self._is_direct:
            subprocess.run(["nft", "delete", "table", "ip", self._table], capture_output=True)

    def _inside(self, *words: str, text: str | None = None) -> str:
        return _run("ip", "netns", "exec", self.name, *words, text=text)


def _run(*words: str, text: str | None = None) -> str:
    done = subprocess.run(words, check=True, capture_output=True, input=text, text=True)
    return done.stdout
