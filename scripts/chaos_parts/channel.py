"""A channel of AMQP on the node, or on the first of a cluster's that answers."""
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pika
from pika.adapters.blocking_connection import BlockingChannel


@contextmanager
def channel(ports: Iterable[int], **more: float) -> Iterator[BlockingChannel]:
    """Of a connection of its own, closed with it. `more`: parameters of the connection."""
    connection = pika.BlockingConnection([
        pika.ConnectionParameters("127.0.0.1", port, socket_timeout=3, stack_timeout=5, **more) for port in ports])
    try:
        yield connection.channel()
    finally:
        if connection.is_open:
            connection.close()
