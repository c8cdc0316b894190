"""Publishes a run's messages as a careful publisher does: persistent, mandatory, confirmed, and again when in doubt."""
import collections
import itertools
import threading
import time

import pika
from pika.adapters.select_connection import SelectConnection
from pika.channel import Channel
from pika.frame import Method
from pika.spec import Basic, BasicProperties

from auditor.journal import Journal, now_ms

from .message import Message

#: Unconfirmed at most; what is in doubt after a lost connection is published again.
WINDOW = 400
TICK = 0.02
RETURNED = "returned"


class Publisher:
    """One thread. `messages` are sorted by time, `first` is the number of the first; `start` is the wall time that
    their times count from."""

    def __init__(
        self, ports: list[int], prefix: str, messages: list[Message], start: float, journal: Journal, first: int = 0
    ):
        self.ports, self.start, self.journal = ports, start, journal
        self.exchange = f"{prefix}.jobs"
        self._waiting = collections.deque(enumerate(messages, first))
        self._again = collections.deque()
        self._unconfirmed = collections.OrderedDict()
        self._returned = set()
        self._channel = None
        self._stopping = False
        self._ending = False
        self.confirmed = 0
        self.total = len(messages)
        self.trouble = None
        self._thread = threading.Thread(target=self._run, daemon=True, name="publisher")
        self._thread.start()

    @property
    def is_done(self) -> bool:
        return self.confirmed == self.total

    def end(self) -> None:
        """What has not been published yet is not to be."""
        self._ending = True

    def stop(self) -> None:
        self._stopping = True
        self._thread.join(30)

    def _run(self) -> None:
        for port in itertools.cycle(self.ports):
            if self._stopping or self.is_done:
                return
            parameters = pika.ConnectionParameters(
                "127.0.0.1", port, heartbeat=10, socket_timeout=3, stack_timeout=5, blocked_connection_timeout=None)
            try:
                connection = SelectConnection(
                    parameters, on_open_callback=self._opened, on_open_error_callback=self._lost,
                    on_close_callback=self._lost)
                connection.ioloop.start()
            except Exception as error:  # The broker is what this run strikes: whatever happens, connect again.
                self.trouble = repr(error)
            self._forget()
            time.sleep(0.2)

    def _forget(self) -> None:
        self._channel = None
        self._again.extend(self._unconfirmed.values())
        self._unconfirmed.clear()
        self._returned.clear()

    def _lost(self, connection: SelectConnection, reason: Exception) -> None:
        self.trouble = repr(reason)
        connection.ioloop.stop()

    def _opened(self, connection: SelectConnection) -> None:
        def opened(channel):
            self._channel = channel
            channel.add_on_return_callback(self._on_return)
            channel.add_on_close_callback(lambda *_: connection.is_open and connection.close())
            channel.confirm_delivery(self._on_confirm)
            self._next_tag = 1
            connection.ioloop.call_later(TICK, lambda: self._tick(connection))
        connection.channel(on_open_callback=opened)

    def _tick(self, connection: SelectConnection) -> None:
        if self._stopping or self.is_done:
            connection.close()
            return
        if connection.is_open and self._channel is not None and self._channel.is_open:
            self._publish_due()
            connection.ioloop.call_later(TICK, lambda: self._tick(connection))

    def _publish_due(self) -> None:
        elapsed = time.time() - self.start
        if self._ending:
            self.total -= len(self._waiting)
            self._waiting.clear()
        while len(self._unconfirmed) < WINDOW:
            if self._again:
                number, message = self._again.popleft()
            elif self._waiting and self._waiting[0][1].at <= elapsed:
                number, message = self._waiting.popleft()
                self.journal.write(number=number, at=now_ms(), **message.record(self.start))
            else:
                return
            self._unconfirmed[self._next_tag] = (number, message)
            self._next_tag += 1
            values = dict(content_type="application/json", delivery_mode=2)
            values.update(message.properties)
            headers = dict(values.get("headers") or {}, **{"chaos-number": str(number)})
            self._channel.basic_publish(
                self.exchange, message.key, message.body, pika.BasicProperties(**dict(values, headers=headers)),
                mandatory=True)

    def _on_return(self, channel: Channel, method: Basic.Return, properties: BasicProperties, body: bytes) -> None:
        self._returned.add(int(properties.headers["chaos-number"]))

    def _on_confirm(self, frame: Method) -> None:
        method = frame.method
        tags = [tag for tag in self._unconfirmed if tag <= method.delivery_tag] if method.multiple \
            else [method.delivery_tag]
        for tag in tags:
            number, message = self._unconfirmed.pop(tag)
            if isinstance(method, pika.spec.Basic.Ack) and number not in self._returned:
                self.confirmed += 1
                self.journal.write(number=number, confirmed=now_ms())
            else:
                self._returned.discard(number)
                self._again.append((number, message))
