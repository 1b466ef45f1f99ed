"""Server-sent events from bytes, cut anywhere: pure, bounded, always UTF-8.

Source: the WHATWG HTML standard, section "Server-sent events". One thing differs: an event that the stream ended
in the middle of is handed out by `end`, because servers exist that leave out the last blank line.
"""

from __future__ import annotations

from dataclasses import dataclass

from psf_runtime.errors import ProviderError

_BOM = b"\xef\xbb\xbf"


@dataclass(slots=True, repr=False)
class Event:
    """One event: its data lines joined by line feeds, and its name (empty when it has none)."""

    data: str
    name: str = ""

    def __repr__(self) -> str:
        return f"Event({len(self.data)} characters)"


class SseDecoder:
    """Events from the bytes of one stream.

    Right on: a byte order mark; CR, LF and CRLF, also when cut between the two; events without data and `retry:`
    alone (no event); comments; invalid UTF-8 (replaced, whatever charset the content type names).

    Args:
        max_event_bytes: size of a line, and of all data lines of one event together; more is a ProviderError of
            kind `bad_response`.
    """

    __slots__ = ("_after_cr", "_data", "_first", "_max", "_name", "_rest", "_rest_size", "_size")

    def __init__(self, *, max_event_bytes: int = 1_048_576) -> None:
        self._max = max_event_bytes
        self._rest: list[bytes] = []  # pieces of the line that is not complete yet
        self._rest_size = 0
        self._data: list[bytes] = []  # data lines of the event that is not complete yet
        self._size = 0
        self._name = ""
        self._after_cr = False  # the last byte was a CR: a LF that follows belongs to it
        self._first = True

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete. Raises ProviderError when a line or an event is too large."""
        if self._after_cr and data:
            self._after_cr = False
            if data[0] == 10:
                data = data[1:]
        if b"\r" in data:
            self._after_cr = data[-1] == 13
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" not in data:
            self._keep(data)
            return []
        if self._rest:
            self._rest.append(data)
            data = b"".join(self._rest)
            self._rest = []
            self._rest_size = 0
        lines = data.split(b"\n")
        del data
        last = lines.pop()
        events: list[Event] = []
        self._lines(lines, events)
        if last:
            self._keep(last)
        return events

    def end(self) -> list[Event]:
        """The event that the stream ended in the middle of, if there is one: judge it before you trust it."""
        events: list[Event] = []
        rest = b"".join(self._rest)
        self._rest = []
        self._rest_size = 0
        self._lines([rest, b""] if rest else [b""], events)
        return events

    def _keep(self, piece: bytes) -> None:
        self._rest.append(piece)
        self._rest_size += len(piece)
        if self._rest_size > self._max + 8:  # room for the field's name: the value itself is judged in _lines
            self._rest = []
            raise _too_large(self._max)

    def _lines(self, lines: list[bytes], events: list[Event]) -> None:
        if self._first and lines:
            self._first = False
            lines[0] = lines[0].removeprefix(_BOM)
        largest = self._max
        data = self._data
        for line in lines:
            if not line:
                if data:
                    whole = data[0] if len(data) == 1 else b"\n".join(data)
                    events.append(Event(whole.decode("utf-8", "replace"), self._name))
                    data.clear()
                    self._size = 0
                self._name = ""
            elif line.startswith(b"data:"):
                # One space after the colon belongs to the syntax, any further one to the data.
                value = line[6:] if line[5:6] == b" " else line[5:]
                self._size += len(value) + 1
                if self._size > largest:
                    self._data = []
                    raise _too_large(largest)
                data.append(value)
            elif len(line) > largest:
                raise _too_large(largest)
            elif line == b"data":
                data.append(b"")
            elif line.startswith(b"event:"):
                self._name = line[6:].removeprefix(b" ").decode("utf-8", "replace")


def _too_large(limit: int) -> ProviderError:
    return ProviderError(
        "the provider sent an event that is too large",
        kind="bad_response",
        retry_safe=False,
        why=f"an event may have at most {limit} bytes",
    )
