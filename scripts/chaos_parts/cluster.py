"""Three nodes that can lose sight of each other, in the place of one."""
import random
import threading
import time
from pathlib import Path

from testbed.node import Node
from testbed.waiting import eventually

#: A node that sees less than half of the cluster stops serving until it sees more: what is advised for three nodes.
CONFIGURATION = """\
cluster_partition_handling = pause_minority
"""
#: Of one of three, on two cores that are busy with the others.
LONGEST_START = 300
#: From the end of a partition until the node that paused serves again.
LONGEST_RETURN = 240


class Cluster:
    """Looks like a node. What hits 'the node' hits one of them, chosen by the seed."""

    def __init__(self, directory: Path, seed: int, more: str = ""):
        """`more`: of the configuration of all nodes."""
        self.random = random.Random(f"cluster {seed}")
        self.lock = threading.RLock()
        configuration = directory / "cluster.conf"
        directory.mkdir(parents=True)
        self.nodes = [Node(directory / "1", configuration=configuration)]
        self.nodes += [Node(directory / str(n), self.nodes[0], configuration) for n in (2, 3)]
        configuration.write_text(more + CONFIGURATION)
        self._victim = self.nodes[0]

    def start(self) -> None:
        """At first one after the other, and the later ones join the first; later whoever was ended."""
        if self.nodes[0].has_run:
            self._victim.start(LONGEST_START)
            self._wait_for_all()
            return
        first, *others = self.nodes
        first.start(LONGEST_START)
        for node in others:
            node.start(LONGEST_START)
            # By hand: the discovery of peers of RabbitMQ 4.0 does not come to its end where the others are not there yet.
            for command in (["stop_app"], ["join_cluster", first.name], ["start_app"]):
                node.control(*command)
        self._wait_for_all()

    def _choose(self) -> Node:
        self._victim = self.random.choice(self.nodes)
        return self._victim

    def stop(self) -> None:
        self._choose().stop()

    def kill(self) -> None:
        self._choose().kill()

    def end(self) -> None:
        # The first has the mapper.
        for node in reversed(self.nodes):
            node.end()

    @property
    def victim(self) -> int:
        """The number of the node that was struck last."""
        return self.nodes.index(self._victim) + 1

    @property
    def port(self) -> int:
        return self.nodes[0].port

    @property
    def ports(self) -> list[int]:
        return [node.port for node in self.nodes]

    def version(self) -> str:
        return f"{self.nodes[0].version()}, three nodes"

    def close_connections(self) -> None:
        for node in self.nodes:
            node.close_connections()

    def memory_alarm(self, is_on: bool) -> None:
        self.nodes[0].memory_alarm(is_on)

    def disk_alarm(self, is_on: bool) -> None:
        self.nodes[0].disk_alarm(is_on)

    def partition(self, seconds: float) -> dict[str, int]:
        """One node and the two others take each other for dead and cannot connect."""
        with self.lock:
            alone = self._choose()
            others = [node for node in self.nodes if node is not alone]
            for one, other in [(alone, other) for other in others] + [(other, alone) for other in others]:
                one.evaluate(f"erlang:set_cookie('{other.name}', 'another'), erlang:disconnect_node('{other.name}').")
            try:
                time.sleep(seconds)
            finally:
                for one, other in [(alone, other) for other in others] + [(other, alone) for other in others]:
                    one.evaluate(f"erlang:set_cookie('{other.name}', '{one.cookie}').")
                self._wait_for_all()
            return {"alone": self.victim}

    def _wait_for_all(self) -> None:
        """Until every node runs and sees the others."""
        for node in self.nodes:
            eventually(
                f"{node.name} serves in its cluster",
                lambda node=node: "{ok, 3}" in node.evaluate("length(rabbit_nodes:all_running()).")
                and "true" in node.evaluate("rabbit:is_running()."), seconds=LONGEST_RETURN, every=0.5)
