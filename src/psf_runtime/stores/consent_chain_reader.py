"""Reading consent chains: whether a call may go on, and what is kept about a subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from psf_runtime.stores.consent_chain_book import ChainBook
from psf_runtime.stores.consent_chain_signer import HmacSigner
from psf_runtime.stores.consent_chain_storage import AliasStorage, ConsentStorage
from psf_runtime.stores.consent_chain_uses import Uses
from psf_runtime.types.consent import ConsentAnswer, ConsentEvent, ConsentQuestion, ConsentRecord, Link, UseLink
from psf_runtime.types.consent_links import Signer, event_of
from psf_runtime.types.consent_rules import NO_RECORD, answer_of, is_restricted, records_of
from psf_runtime.types.request import Facts

RESTRICTED = "the subject's data may not be processed at present"
NO_SUBJECT = "the call names no subject"
_SHOWN = 10  # letters of a digest in messages


class ConsentReader:
    """The chains of subjects, read whole and verified with every question. See `ConsentChains`."""

    def __init__(
        self, key: bytes, *, rows: ConsentStorage, aliases: AliasStorage, signer: Signer | None = None
    ) -> None:
        self.signer: Signer = signer or HmacSigner(key)
        self.book = ChainBook(key, rows=rows, aliases=aliases, signer=self.signer)
        self.uses = Uses(self.book)
        self.blocking = rows.blocking
        self._latest = 0.0
        self._granted: bool | None = None  # not looked yet

    @property
    def holds_any(self) -> bool:
        """Whether a consent is kept here: the first one turns the control on.

        A first one that another process keeps counts here from the next start on.
        """
        if self._granted is None:
            self._granted = any(self._consents_in(tenant, stream) for tenant, stream in self.book.streams())
        return self._granted

    # ---- what calls ask

    def ask(self, tenant: str, subject: str, question: ConsentQuestion | None) -> ConsentAnswer:
        """Whether a call may go on. Without a question: only whether the subject's data is restricted."""
        if question is not None:
            self._latest = max(self._latest, question.now)
        alias = self.book.find(tenant, subject)
        if alias is None:
            return ConsentAnswer(None if question is None else NO_RECORD)
        links = self.book.read(alias)
        if is_restricted(links):
            return ConsentAnswer(RESTRICTED, restricted=True, subject=alias.stream[:_SHOWN])
        if question is None:
            return ConsentAnswer(None)
        answer = answer_of(tuple(records_of(links).values()), replace(question, latest=self._newest(links)))
        return replace(answer, subject=alias.stream[:_SHOWN])

    def check(self, facts: Facts, recipient: str, jurisdiction: str, now: float) -> str | None:
        """None when a record covers this call; else the reason why not, without content.

        An empty `recipient` asks whether there is a valid record for any recipient; an empty `jurisdiction` is an
        unknown one, which only a record without limits of place covers.
        """
        if facts.subject is None:
            return NO_SUBJECT
        question = ConsentQuestion(
            purpose=facts.purpose,
            now=now,
            recipients=(recipient,) if recipient else (),
            jurisdiction=jurisdiction or None,
            consent=facts.consent,
        )
        return self.ask(facts.tenant, facts.subject, question).reason

    # ---- looking

    def list(self, *, subject: str, tenant: str = "default") -> tuple[ConsentRecord, ...]:
        """Every record of a subject, oldest first, withdrawn and expired ones too."""
        return tuple(records_of(self.links(subject=subject, tenant=tenant)).values())

    def links(self, *, subject: str, tenant: str = "default") -> tuple[Link, ...]:
        """The chain of a subject, verified; empty for one that is not known here."""
        alias = self.book.find(tenant, subject)
        return () if alias is None else self.book.read(alias)

    def events(self, *, subject: str, tenant: str = "default") -> tuple[tuple[Link, ConsentEvent, str], ...]:
        """Every consent event of a subject, with its link and the name of who acted ("" is the subject)."""
        alias = self.book.find(tenant, subject)
        if alias is None:
            return ()
        links = self.book.read(alias)
        return tuple((link, event_of(link), alias.open(link)) for link in links if link.kind == "consent")

    def uses_of(self, *, subject: str, tenant: str = "default") -> tuple[UseLink, ...]:
        """What calls did with a subject's data, as far as it is kept."""
        alias = self.book.find(tenant, subject)
        return () if alias is None else tuple(use for _, use in self.uses.of(alias))

    def conversations(self, *, subject: str, tenant: str = "default") -> tuple[str, ...]:
        """The conversations in which calls named this subject, by the vault's names."""
        alias = self.book.find(tenant, subject)
        return () if alias is None else alias.conversations

    def is_restricted(self, *, subject: str, tenant: str = "default") -> bool:
        """Whether a subject's data may not be processed at present."""
        return is_restricted(self.links(subject=subject, tenant=tenant))

    def known_subjects(self, tenant: str) -> tuple[str, ...]:
        """The chains of a tenant by their names, which are keyed digests."""
        return tuple(stream for owner, stream in self.book.streams() if owner == tenant and ":" not in stream)

    def records_in(self, tenant: str, stream: str) -> tuple[ConsentRecord, ...]:
        """The records of one chain, by its name."""
        return tuple(records_of(self.book.read_stream(tenant, stream)).values())

    def _newest(self, links: Sequence[Link]) -> float:
        return max([self._latest, *(link.time for link in links)])

    def _consents_in(self, tenant: str, stream: str) -> bool:
        return ":" not in stream and any(link.kind == "consent" for link in self.book.read_stream(tenant, stream))
