"""Takes results and dead letters as their consumers do, and writes each down before it acks it."""
import hashlib
import itertools
import threading
import time

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic, BasicProperties

from auditor.journal import Journal, now_ms

OWN_HEADERS = "x-leave-album-"


class Collector:
    """One thread that consumes both queues, and connects again whenever it is thrown out."""

    def __init__(self, ports: list[int], prefix: str, results: Journal, dead_letters: Journal):
        self.ports, self.prefix = ports, prefix
        self._results, self._dead_letters = results, dead_letters
        self.jobs = set()
        self.rejected = set()
        self.count = 0
        self.trouble = None
        self._stopping = False
        #: While it is set, dead letters stay in their queue.
        self.leaves_dead_letters = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="collector")
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._thread.join(30)

    def _run(self) -> None:
        for port in itertools.cycle(self.ports):
            if self._stopping:
                return
            try:
                self._consume(port)
            except Exception as error:  # The broker is what this run strikes: whatever happens, connect again.
                self.trouble = repr(error)
                time.sleep(0.3)

    def _consume(self, port: int) -> None:
        connection = pika.BlockingConnection(pika.ConnectionParameters(
            "127.0.0.1", port, heartbeat=10, socket_timeout=3, stack_timeout=5))
        try:
            # A channel each, for a queue that is gone closes its channel only.
            waiting = {"results": self._on_result, "dead": self._on_dead_letter}
            consuming = {}
            looked = {}
            while not self._stopping:
                for name, take in waiting.items():
                    channel = consuming.get(name)
                    if name == "dead" and self.leaves_dead_letters:
                        if channel is not None and channel.is_open:
                            channel.close()
                        continue
                    if channel is not None and channel.is_open and channel.consumer_tags:
                        continue
                    if time.monotonic() - looked.get(name, 0) < 0.5:
                        continue
                    looked[name] = time.monotonic()
                    try:
                        channel = connection.channel()
                        channel.basic_qos(prefetch_count=500)
                        channel.basic_consume(f"{self.prefix}.{name}", take)
                        consuming[name] = channel
                    except pika.exceptions.ChannelClosed as error:
                        self.trouble = repr(error)
                connection.process_data_events(time_limit=0.2)
        finally:
            if connection.is_open:
                connection.close()

    def _on_result(
        self, channel: BlockingChannel, method: Basic.Deliver, properties: BasicProperties, body: bytes
    ) -> None:
        headers = properties.headers or {}
        self._results.write(
            at=now_ms(), id=properties.message_id, key=method.routing_key, type=properties.type,
            correlation=properties.correlation_id, body=body.decode("utf-8", "backslashreplace"),
            replayed=headers.get("x-leave-album-replayed") is True, persistent=properties.delivery_mode == 2)
        channel.basic_ack(method.delivery_tag)
        self.count += 1
        name = properties.message_id or ""
        (self.rejected if name.startswith("rejected:") else self.jobs).add(name)

    def _on_dead_letter(
        self, channel: BlockingChannel, method: Basic.Deliver, properties: BasicProperties, body: bytes
    ) -> None:
        headers = properties.headers or {}
        # What the broker writes on a delivery that is not the first says nothing of how it was published.
        ours = {"x-delivery-count"} if method.redelivered else set()
        own = {key[len(OWN_HEADERS):]: value for key, value in headers.items() if key.startswith(OWN_HEADERS)}
        self._dead_letters.write(
            at=now_ms(), key=method.routing_key, sha256=hashlib.sha256(body).hexdigest(), size=len(body),
            own={key: str(value) for key, value in own.items()}, number=headers.get("chaos-number"),
            foreign=sorted(key for key in headers if key.startswith("x-") and not key.startswith(OWN_HEADERS)
                           and key not in ours))
        channel.basic_ack(method.delivery_tag)
