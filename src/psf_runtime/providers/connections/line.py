"""One connection: a socket that never blocks, with or without TLS."""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import ssl

from psf_runtime.providers.connections.effects import READ, WRITE
from psf_runtime.providers.connections.faults import ReadError, WriteError

_PIECE = 65_536  # bytes of one read: what a slow reader leaves unread stays with the system, and then with the server
_NO_DATA = (BlockingIOError, InterruptedError, ssl.SSLWantReadError)


class Line:
    """Sends and receives what is possible now.

    Args:
        connected: a connected socket; it belongs to the line from now on.
    """

    __slots__ = ("closed", "needs", "secure", "socket", "used")

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.secure = isinstance(connected, ssl.SSLSocket)
        self.used = False  # an answer has come over it
        self.closed = False
        self.needs = READ  # what to wait for after nothing could be done; TLS may write to read, and read to write

    def receive(self) -> bytes | None:
        """Bytes; empty at the end; None when there are none now. Raises ReadError."""
        try:
            return self.socket.recv(_PIECE)
        except _NO_DATA:
            self.needs = READ
        except ssl.SSLWantWriteError:
            self.needs = WRITE
        except OSError:
            raise ReadError("the connection was lost") from None
        return None

    def send(self, data: memoryview) -> int:
        """How many bytes went; 0 when none can go now. Raises WriteError."""
        try:
            return self.socket.send(data)
        except ssl.SSLWantReadError:
            self.needs = READ
        except (BlockingIOError, InterruptedError, ssl.SSLWantWriteError):
            self.needs = READ | WRITE  # whoever sends also hears an answer that comes early
        except OSError:
            raise WriteError("the connection was lost") from None
        return 0

    def is_quiet(self) -> bool:
        """Whether a kept line may be used again: the server neither closed it nor said anything unasked."""
        if not self.secure:
            return not is_readable(self.socket)
        try:  # what came may be TLS's own, which is no data
            return self.receive() is None
        except ReadError:
            return False

    def hang_up(self) -> None:
        """End the connection under somebody who waits on it, from any thread: the wait ends at once."""
        with contextlib.suppress(OSError):  # it has ended already
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)  # not the TLS one: it would wait

    def close(self) -> None:
        """Give the socket back. At once: nothing is said to the other side."""
        self.closed = True
        self.socket.close()


def is_readable(line: socket.socket) -> bool:
    """Whether a read would return something now: bytes, the end, or an error."""
    try:
        if hasattr(select, "poll"):
            poller = select.poll()
            poller.register(line, select.POLLIN)
            return bool(poller.poll(0))
        return bool(select.select([line], [], [], 0)[0])
    except OSError as error:
        return error.errno != errno.EINTR
