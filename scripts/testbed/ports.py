"""TCP ports of 127.0.0.1."""
import random
import socket

#: Those that were given out and may not be bound yet.
_given: set[int] = set()


def free_port() -> int:
    """A port that nobody has at the moment, and that this process gives to nobody else. It is below those that the
    kernel gives to connections and to whoever asks for any port: one of these could take it before it is used."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
