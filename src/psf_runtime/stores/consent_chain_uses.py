"""What calls did with a subject's data: one chain per subject and purpose, and its end by the purpose's retention.

A chain of uses is cut only at its beginning. Before that, the subject's main chain says so in a signed link, with the
last link that goes: whoever cuts without it, or cuts more, is noticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from psf_runtime.errors import StateError
from psf_runtime.stores.consent_chain_book import Alias, ChainBook
from psf_runtime.types.consent import ALLOWING, START, Head, Link, Swept, UseLink
from psf_runtime.types.consent_links import data_of, event_of, use_of
from psf_runtime.types.consent_rules import records_of

_MARK = ":use:"
_DAY = 86_400.0


class Uses:
    """Writes uses, reads them, and removes them when their time is over.

    Args:
        most: how many uses of one subject and purpose are kept; the older half goes when there is one more. None:
            there is no limit but retention.
    """

    def __init__(self, book: ChainBook, *, most: int | None = None) -> None:
        self._book = book
        self._most = most

    def write(self, alias: Alias, use: UseLink, conversation: str, now: float) -> tuple[Alias, Link]:
        """Add one use to the subject's chain for its purpose; returns the alias as it is now, and the link."""
        stream = stream_of(alias.stream, use.purpose)
        start = START if stream in alias.heads else self._start(alias, stream)
        alias, link = self._book.append_use(
            alias, stream, data_of(use), now=now, start=start, conversation=conversation
        )
        if self._most is not None and link.sequence % max(1, self._most // 2) == 0:
            self._halve(alias.tenant, stream, now)
        return alias, link

    def of(self, alias: Alias) -> tuple[tuple[Link, UseLink], ...]:
        """Every use of a subject that is kept, verified, oldest first."""
        streams = [stream for stream in alias.heads if _MARK in stream]
        links = [link for name in streams for link in self._read(alias, name)]
        return tuple((link, use_of(link)) for link in sorted(links, key=lambda link: link.time))

    def _read(self, alias: Alias, stream: str) -> tuple[Link, ...]:
        """A chain of uses from where it begins now: it may be cut while it is read."""
        start = self._start(alias, stream)
        while True:
            try:
                return self._book.read(alias, stream, start)
            except StateError:
                moved = self._start(alias, stream)
                if moved == start:
                    raise
                start = moved

    def _start(self, alias: Alias, stream: str) -> Head:
        return starts_in(self._book.read(alias)).get(stream, START)

    def sweep(self, retention_days: Mapping[str, int], now: float) -> Swept:
        """Remove uses that are older than their purpose allows, and mark consents that have run out.

        Only purposes with a number of days are swept. Consents themselves stay, as proof of what was agreed to.
        """
        removed: dict[str, int] = {}
        expired = 0
        for tenant, stream in self._book.streams():
            main, mark, purpose = stream.partition(_MARK)
            if not mark:
                expired += self._expire(tenant, stream, now)
            elif purpose in retention_days:
                oldest = now - retention_days[purpose] * _DAY
                links = self._kept(tenant, main, stream)
                count = next((i for i, link in enumerate(links) if link.time >= oldest), len(links))
                if count:
                    days = {"retention_days": retention_days[purpose]}
                    self._cut(tenant, main, stream, links[count - 1], count, days, now)
                    removed[purpose] = removed.get(purpose, 0) + count
        return Swept(time=now, removed=removed, expired=expired)

    def _expire(self, tenant: str, stream: str, now: float) -> int:
        """End the consents of one chain whose time is over; they count for nothing already."""
        links = self._book.read_stream(tenant, stream)
        events = {link.data["record_id"]: event_of(link) for link in links if link.kind == "consent"}
        over = [
            record.id
            for record in records_of(links).values()
            if record.state in ALLOWING and record.expires is not None and record.expires <= now
        ]
        for name in over:
            event = replace(events[name], event_state="expired", entity_id=stream, on_behalf_of="")
            self._book.append_to(tenant, stream, "consent", data_of(event), now=now)
        return len(over)

    def _halve(self, tenant: str, stream: str, now: float) -> None:
        main = stream.partition(_MARK)[0]
        links = self._kept(tenant, main, stream)
        if self._most is not None and len(links) > self._most:
            count = len(links) - self._most // 2
            self._cut(tenant, main, stream, links[count - 1], count, {"limit": self._most}, now)

    def _kept(self, tenant: str, main: str, stream: str) -> tuple[Link, ...]:
        start = starts_in(self._book.read_stream(tenant, main)).get(stream, START)
        return self._book.read_stream(tenant, stream, start=start)

    def _cut(
        self, tenant: str, main: str, stream: str, last: Link, count: int, why: Mapping[str, int], now: float
    ) -> None:
        """Say in the main chain what goes, then let it go."""
        data = {"stream": stream, "removed": count, "until": [last.sequence, last.digest], **why}
        self._book.append_to(tenant, main, "retention", data, now=now)
        self._book.trim_until(tenant, stream, last.digest)


def stream_of(main: str, purpose: str | None) -> str:
    """The name of the chain of a subject's uses for one purpose."""
    return f"{main}{_MARK}{purpose or ''}"


def starts_in(links: Iterable[Link]) -> dict[str, Head]:
    """Where chains of uses begin, as the subject's main chain says."""
    notes = [link.data for link in links if link.kind == "retention"]
    return {str(note["stream"]): Head(*note["until"]) for note in notes}
