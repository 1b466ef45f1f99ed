"""Minting for one request: tokens from the vault, and surrogates where the policy wants them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from psf_runtime.errors import StateError
from psf_runtime.flow.effects import Flow, Lane, call, offload
from psf_runtime.guards.privacy.actions import action_for
from psf_runtime.guards.privacy.surrogates import is_surrogate, kept_as, plain_entity, present, range_of, written
from psf_runtime.guards.privacy.tokens import Token, code_of
from psf_runtime.ports import Vault

Pair = tuple[str, str]  # entity and value
_DRAWS = 8
_MANY = 200  # values: 12 us each in a vault in memory


@dataclass(frozen=True, slots=True, repr=False)
class Remembered:
    """What the vault says that a conversation knows.

    Attributes:
        tokens: token -> (entity, value); `surrogates`: surrogate -> its token.
    """

    tokens: Mapping[str, Pair]
    surrogates: Mapping[str, Token]

    def pairs(self) -> list[Pair]:
        """Every entity and value, whatever stands for it."""
        return [*self.tokens.values(), *((plain_entity(t.entity), t.value) for t in self.surrogates.values())]


def remembered(known: Mapping[str, Pair]) -> Remembered:
    """The rows of a vault, tokens and surrogates apart."""
    if not any(is_surrogate(kept) for kept, _ in known.values()):
        return Remembered(known, {})
    surrogates: dict[str, Token] = {}
    tokens: dict[str, Pair] = {}
    for token, (kept, value) in known.items():
        if is_surrogate(kept):
            code = code_of(token)
            surrogates[written(plain_entity(kept), value, code)] = Token(code, kept, value)
        else:
            tokens[token] = (kept, value)
    return Remembered(tokens, surrogates)


@dataclass(slots=True, repr=False)
class Minted:
    """What stands for the values of one request, and the way back.

    Attributes:
        replacements: (entity, value) -> its token or surrogate.
        table: code -> token; `surrogates`: surrogate -> token, for what may be restored.
    """

    replacements: dict[Pair, str] = field(default_factory=dict)
    table: dict[str, Token] = field(default_factory=dict)
    surrogates: dict[str, Token] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class Minter:
    """Mints for one conversation.

    Attributes:
        profile: entity -> action; `surrogates`: entities that leave as surrogates instead of tokens.
        subject: whose data new values are, as far as the application said.
    """

    vault: Vault
    tenant: str
    conversation: str
    profile: Mapping[str, str]
    surrogates: Collection[str]
    lane: Lane
    subject: str | None = None

    @property
    def blocking(self) -> bool:
        """Whether asking the vault waits for the world."""
        return self.vault.blocking

    def mint(
        self, pairs: Iterable[Pair], minted: Minted, *, texts: Collection[str], glued: Collection[Pair] = ()
    ) -> Flow[None]:
        """Add to `minted` whatever of the values leaves as a token or a surrogate.

        Args:
            texts: the request's own; a surrogate that stands in one is drawn again.
            glued: values that leave as tokens in any case.
        """
        wanted = [
            pair for pair in pairs if action_for(self.profile, pair[0]) == "token" and pair not in minted.replacements
        ]
        plain = [pair for pair in wanted if pair[0] not in self.surrogates or pair in glued]
        if plain:
            tokens = yield from self._ask_vault(plain)
            minted.replacements.update(zip(plain, tokens, strict=True))
            for token, pair in zip(tokens, plain, strict=True):
                minted.table[code_of(token)] = Token(code_of(token), *pair)
        likened = [pair for pair in wanted if pair[0] in self.surrogates and pair not in glued]
        if likened:
            yield from self._draw(likened, minted, texts)

    def _ask_vault(self, pairs: list[Pair]) -> Flow[list[str]]:
        """Many values at once take a vault in memory longer than an event loop can wait."""
        if len(pairs) > _MANY and not self.vault.blocking:
            return (yield from offload(self._asked, pairs, lane=self.lane))
        return (yield from call(self._asked, pairs))

    def _asked(self, pairs: list[Pair]) -> list[str]:
        return self.vault.mint(self.tenant, self.conversation, pairs, subject=self.subject)

    def _draw(self, pairs: list[Pair], minted: Minted, texts: Collection[str]) -> Flow[None]:
        """Surrogates that the request does not hold already; what it holds is drawn again."""
        for turn in range(_DRAWS):
            kept = [(kept_as(*pair, turn=turn), pair[1]) for pair in pairs]
            tokens = yield from self._ask_vault(kept)
            drawn = {
                pair: Token(code_of(token), row[0], pair[1])
                for pair, row, token in zip(pairs, kept, tokens, strict=True)
            }
            texts_of = {pair: written(*pair, token.code) for pair, token in drawn.items()}
            taken = present(texts_of.values(), texts)
            for pair, token in drawn.items():
                if texts_of[pair] not in taken:
                    minted.replacements[pair] = texts_of[pair]
                    minted.surrogates[texts_of[pair]] = token
            pairs = [pair for pair in pairs if texts_of[pair] in taken]
            if not pairs:
                return
        raise StateError(
            "no surrogate was found that the request does not hold already",
            control="privacy.tokens",
            why=f"{_DRAWS} draws were taken",
            change='use the action "token"',
        )


def lasting_surrogate(entity: str, value: str, digest: str) -> str:
    """A surrogate of what is never restored, from a keyed digest in hexadecimal: no vault keeps the value."""
    reserved = range_of(entity, value)
    return reserved.write(int(digest, 16) % (reserved.size or 2**40))
