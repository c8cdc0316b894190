"""The wire between two ends, as a daemon and a server, which can be slow, silent or cut.

Silent means that bytes are neither taken nor given and that no connection is made or closed: to either side the other
has vanished. What was silent goes on where it was, or is reset, as the fault says.
"""
import asyncio
import socket
import struct
import threading
from collections.abc import Callable

#: Of the two ends of a connection.
Pair = tuple[asyncio.StreamWriter, asyncio.StreamWriter]


class Wire:
    """Listens on a port of its own and forwards to `port` of 127.0.0.1. Runs on a thread of its own."""

    def __init__(self, port: int, beside: str | None = None):
        """`beside`: another address on which it listens too."""
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._open = None
        self._delay = 0.0
        self._pairs = set()
        listeners = [socket.create_server(("127.0.0.1", 0))]
        self.port = listeners[0].getsockname()[1]
        if beside:
            listeners.append(socket.create_server((beside, self.port)))
        self._thread = threading.Thread(target=self._run, args=(listeners,), daemon=True, name="wire")
        self._thread.start()

    # MARK: From other threads

    def silence(self) -> None:
        self._do(lambda: self._open.clear())

    def restore(self, reset: bool = False) -> None:
        if reset:
            self.cut()
        self._do(lambda: self._open.set())

    def slow(self, seconds: float) -> None:
        def change():
            self._delay = seconds
        self._do(change)

    def cut(self) -> None:
        """Resets every connection."""
        def reset():
            for writers in list(self._pairs):
                for writer in writers:
                    if not writer.transport.is_closing():
                        # Lingering for no time makes closing send RST.
                        writer.get_extra_info("socket").setsockopt(
                            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    writer.transport.abort()
        self._do(reset)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _do(self, change: Callable[[], None]) -> None:
        done = threading.Event()

        def run():
            change()
            done.set()
        self._loop.call_soon_threadsafe(run)
        done.wait(5)

    # MARK: On the wire's thread

    def _run(self, listeners: list[socket.socket]) -> None:
        asyncio.set_event_loop(self._loop)
        self._open = asyncio.Event()
        self._open.set()
        for listener in listeners:
            self._loop.run_until_complete(asyncio.start_server(self._serve, sock=listener))
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._open.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, far_writer)
        for end in pair:
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pairs.add(pair)
        await asyncio.gather(self._carry(reader, far_writer, pair), self._carry(far_reader, writer, pair))
        self._pairs.discard(pair)
        for end in pair:
            end.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pair: Pair) -> None:
        try:
            while True:
                data = await reader.read(65536)
                if self._delay:
                    await asyncio.sleep(self._delay)
                if not self._open.is_set():
                    await self._open.wait()
                if not data:
                    break
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
        except OSError:
            # What broke on one side breaks on the other.
            for end in pair:
                end.transport.abort()
