"""Tokenise: personal data leaves as tokens and comes back as values."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from psf_runtime.errors import ConfigError
from psf_runtime.flow.effects import Flow, Lane, call, offload
from psf_runtime.flow.protocols import ChunkResult, GuardBase, Session, window
from psf_runtime.flow.text import PartKey, TextSession
from psf_runtime.guards.privacy.actions import LITERAL, action_for, check_actions, profile_of
from psf_runtime.guards.privacy.detect import Seen, kind_of, look_with
from psf_runtime.guards.privacy.edits import Edit, Leaf
from psf_runtime.guards.privacy.places import PlaceFinder
from psf_runtime.guards.privacy.plan import Pair, Plan, add_literals, make_plan, replacements_for
from psf_runtime.guards.privacy.restore import TextRestorer
from psf_runtime.guards.privacy.restore_tools import ToolRestorer, holds_untrusted
from psf_runtime.guards.privacy.tokens import LONGEST, Token, code_of, shaped
from psf_runtime.guards.privacy.tripwire import Tripwire
from psf_runtime.guards.privacy.walk import rewrite_request
from psf_runtime.ports import Detector, Vault
from psf_runtime.types.chunks import Chunk, ToolCallDelta
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.request import Facts, Request, Stamp
from psf_runtime.types.response import Response
from psf_runtime.types.rules import ToolRule
from psf_runtime.types.verdict import ALLOW, Block, Finding, Verdict

_CONTROL = "privacy.tokens"
EMBEDDINGS = "embeddings"  # no name of a conversation: those begin with `named:` or `first:`
_CONTROLS = frozenset({_CONTROL, "privacy.secrets", "privacy.media"})
_SECRETS = frozenset({"SECRET", "URL_CREDENTIALS"})
_MOST_KNOWN = 2_000  # values that a tenant's embed calls remember: each costs time in every later call
_MOST_UNKNOWN = 20  # invented codes in one answer; more is somebody guessing
_LONG = 20_000  # characters; above, an async driver searches in a thread


class Tokenise(GuardBase):
    """Replaces personal data by tokens in every part of a request, and restores it in the answer.

    Below this layer no value appears that the detectors found or that the conversation already knows. Framework domain
    01. It has no observing mode. Still to come: aliases of one person, surrogates, per-field provenance of what is
    restored.

    Args:
        vault: keeps which token stands for which value.
        detectors: find personal data; at least one.
        key: secret bytes, the same on every worker: names conversations that have no name, keys digests in findings.
        actions: entity -> `token | mask | hash | block | allow`, the strictest over all recipients of the plan
            (`strictest` makes one table of several); what it leaves out takes the default.
        tools: what each tool may see in clear.
    """

    name = _CONTROL
    domain = Domain.PRIVACY
    hold = window(LONGEST)

    def __init__(
        self,
        *,
        vault: Vault,
        detectors: Sequence[Detector],
        key: bytes,
        actions: Mapping[str, str] | None = None,
        tools: Mapping[str, ToolRule] | None = None,
    ) -> None:
        if not detectors or not key:
            raise ConfigError(
                "privacy.tokens needs a detector and a key", control=_CONTROL, change="detectors=[Builtin()], key=..."
            )
        check_actions(actions or {})
        self.vault = vault
        self.detectors = tuple(detectors)
        self.look = look_with(self.detectors)
        self.kind = kind_of(self.detectors)
        self.key = key
        self.profile = profile_of(actions or {})
        self.tools = dict(tools or {})
        self.lane = Lane(_CONTROL)

    @property
    def session(self) -> type[Session]:  # type: ignore[override]
        """The class of what `open` returns."""
        return TokeniseSession

    def open(self, context: Context) -> TokeniseSession:
        """A session for one attempt."""
        return TokeniseSession(self, context)

    def with_vault(self, vault: Vault) -> Tokenise:
        """The same guard over another vault: with an ephemeral one, a request is tokenised and nothing is kept."""
        twin = object.__new__(Tokenise)
        twin.__dict__.update(self.__dict__)
        twin.vault = vault
        return twin

    def conversation_of(self, request: Request) -> str:
        """The conversation's name: the declared one, else a keyed digest of the first user message.

        Embed calls of a tenant share one: a name in a question must have the token that it has in a document. It
        remembers a few thousand values, and then begins anew with the same tokens.
        """
        if request.operation == "embed":
            return EMBEDDINGS
        if request.facts.conversation is not None:
            return f"named:{request.facts.conversation}"
        first = next(
            (m for m in request.messages if m.role == "user"), request.messages[0] if request.messages else None
        )
        text = "" if first is None else first.text
        return f"first:{self.digest(request.facts, 'conversation', text)}"

    def digest(self, facts: Facts, entity: str, value: str) -> str:
        """A keyed digest of a value, to tell equal ones apart within a tenant."""
        message = f"{len(facts.tenant)}:{facts.tenant}{len(entity)}:{entity}{value}"
        return hmac.digest(self.key, message.encode("utf-8", "surrogatepass"), "sha256").hex()[:32]


class TokeniseSession(TextSession):
    """One attempt: what was minted for it, and what is being restored."""

    def __init__(self, guard: Tokenise, context: Context) -> None:
        self._guard = guard
        self._context = context
        self._table: dict[str, Token] = {}
        self._keep: frozenset[str] = frozenset()
        self._typed: frozenset[str] = frozenset()
        self._as_json = False
        self._counts: Counter[str] = Counter()
        self._texts: dict[PartKey, TextRestorer] = {}
        self._places: dict[PartKey, PlaceFinder] = {}
        self._arguments: dict[int, list[str]] = {}
        self._names: dict[int, str] = {}
        self._tool_restorer: ToolRestorer | None = None

    def on_request(self, request: Request) -> Flow[Request | Verdict]:
        """The request with tokens, stamped; or a Block when it holds an entity that may not leave at all."""
        guard, facts = self._guard, request.facts
        conversation = guard.conversation_of(request)
        self._context.shared["privacy.conversation"] = conversation
        leaves, opaque, unedited = _collect(request)
        known = yield from call(guard.vault.known, facts.tenant, conversation)
        plan = yield from self._plan(leaves, known)
        pairs = plan.pairs()
        blocked = sorted({e for e, _ in pairs if action_for(guard.profile, e) == "block"})
        self._report(plan, opaque, facts)
        if blocked:
            return Block(f"the request holds {', '.join(blocked)}, which may not leave")
        if conversation == EMBEDDINGS and len(known) > _MOST_KNOWN:
            yield from self._begin_anew(facts.tenant)
        tokens = yield from self._mint(pairs, {}, facts.tenant, conversation)
        self._table = {**plan.live, **_table(tokens)}
        candidates = {**_table({pair: token for token, pair in known.items()}), **self._table}
        if add_literals(plan, candidates):
            pairs = plan.pairs()
            tokens = yield from self._mint(pairs, tokens, facts.tenant, conversation)
            self._table = {**plan.live, **_table(tokens)}
        edits = self._edits(plan, pairs, tokens, facts)
        rewritten = rewrite_request(request, lambda leaf: edits.get((leaf.where, leaf.text), ())) if edits else unedited
        self._prepare_answer(request, plan, pairs)
        secret = [pair for pair in (*pairs, *known.values()) if self._must_not_leave(pair[0])]
        return rewritten.replace(stamp=Stamp(guard.profile, Tripwire(secret)))

    def _begin_anew(self, tenant: str) -> Flow[None]:
        """Let go of what a tenant's embed calls have learnt: an index may hold more values than a vault.

        Tokens are keyed, so a value that comes again has the token that it had. What is lost is that old values are
        also replaced where no detector finds them; the finding says so.
        """
        yield from call(self._guard.vault.forget, tenant, EMBEDDINGS)
        self._context.findings.append(Finding(_CONTROL, "known.forgotten", "vault", observed=True))

    def _plan(self, leaves: list[Leaf], known: Mapping[str, Pair]) -> Flow[Plan]:
        guard = self._guard

        def search() -> Plan:
            return make_plan(leaves, known=known, look=self._look, profile=guard.profile)

        if sum(len(leaf.text) for leaf in leaves) > _LONG:
            return (yield from offload(search, lane=guard.lane))
        return search()

    def _look(self, text: str) -> Seen:
        guard = self._guard
        return self._context.found(guard.kind, text, guard.look) if guard.kind else guard.look(text)

    def _mint(
        self, pairs: Iterable[Pair], minted: dict[Pair, str], tenant: str, conversation: str
    ) -> Flow[dict[Pair, str]]:
        """The tokens for every value of the plan that leaves as one; `minted` are there already."""
        profile = self._guard.profile
        wanted = [pair for pair in pairs if action_for(profile, pair[0]) == "token" and pair not in minted]
        if not wanted:
            return minted
        tokens = yield from call(self._guard.vault.mint, tenant, conversation, wanted)
        return {**minted, **dict(zip(wanted, tokens, strict=True))}

    def _edits(
        self, plan: Plan, pairs: Iterable[Pair], tokens: Mapping[Pair, str], facts: Facts
    ) -> dict[tuple[str, str], list[Edit]]:
        """What becomes of each leaf, by its place and text."""
        guard = self._guard
        for entity, count in Counter(entity for entity, _ in tokens if entity != LITERAL).items():
            self._context.tokens[entity] = max(count, self._context.tokens.get(entity, 0))
        return plan.edits(
            replacements_for(
                list(pairs),
                tokens=tokens,
                profile=guard.profile,
                digest=lambda entity, value: guard.digest(facts, entity, value),
            )
        )

    def _prepare_answer(self, request: Request, plan: Plan, pairs: Iterable[Pair]) -> None:
        """What the answer will be restored with."""
        guard = self._guard
        self._keep = frozenset(plan.keep_brackets)
        self._typed = frozenset(value for entity, value in pairs if entity == LITERAL)
        self._as_json = request.output is not None
        self._tool_restorer = ToolRestorer(
            self._table, tools=guard.tools, untrusted=holds_untrusted(request, guard.tools), counts=self._counts
        )

    def _must_not_leave(self, entity: str) -> bool:
        return entity != LITERAL and action_for(self._guard.profile, entity) != "allow"

    def _report(self, plan: Plan, opaque: Sequence[tuple[str, str]], facts: Facts) -> None:
        """Note each finding once: a re-ask prepares the same conversation again."""
        found: list[Finding] = []
        for leaf, spans in zip(plan.leaves, plan.spans, strict=True):
            for span in spans:
                if span.entity in ("", LITERAL):
                    continue
                control = "privacy.secrets" if span.entity in _SECRETS else _CONTROL
                digest = self._guard.digest(facts, span.entity, leaf.text[span.start : span.end])[:16]
                found.append(Finding(control, span.entity, leaf.where, (span.start, span.end), digest))
        found += [Finding("privacy.media", kind, where, observed=True) for kind, where in opaque]
        if found:
            noted = {one for one in self._context.findings if one.control in _CONTROLS}
            self._context.findings.extend(one for one in dict.fromkeys(found) if one not in noted)

    def on_chunk(self, chunk: Chunk) -> ChunkResult:
        """Restore as far as nothing can change any more."""
        if not self._table:
            return chunk  # nothing left as a token, so nothing comes back
        if isinstance(chunk, ToolCallDelta) and chunk.name:
            self._names[chunk.index] = self._names.get(chunk.index) or chunk.name
        return super().on_chunk(chunk)

    def text(self, piece: str, part: PartKey) -> str:
        """The piece, restored; tool arguments wait until they are complete."""
        if not self._table:
            return piece
        if isinstance(part, int):
            self._arguments.setdefault(part, []).append(piece)
            return ""
        restorer = self._texts.get(part)
        if restorer is None:
            restorer = self._texts[part] = TextRestorer(
                self._table,
                keep_brackets=self._keep,
                as_json=self._as_json,
                counts=self._counts,
                places=self._places.setdefault(part, PlaceFinder()),
            )
        return restorer.feed(piece)

    def flush(self, part: PartKey) -> str:
        """What was held back of a part that has ended."""
        if isinstance(part, int):
            arguments = "".join(self._arguments.pop(part, ()))
            if self._tool_restorer is None:
                return arguments
            return self._tool_restorer.restore(self._names.get(part, ""), arguments)
        restorer = self._texts.pop(part, None)
        return "" if restorer is None else restorer.end()

    def on_response(self, response: Response) -> Verdict:
        """Count what stayed a token; refuse an answer that guesses tokens."""
        unrestored = sum(count for key, count in self._counts.items() if key.startswith("unrestored."))
        if unrestored:
            self._context.findings.append(Finding(_CONTROL, "token.unrestored", "response", count=unrestored))
        unknown = self._unknown(response)
        if unknown:
            self._context.findings.append(Finding(_CONTROL, "token.unknown", "response", count=unknown))
        if unknown > _MOST_UNKNOWN:
            return Block(f"the answer holds {unknown} tokens that nobody made, more than {_MOST_UNKNOWN}")
        return ALLOW

    def _unknown(self, response: Response) -> int:
        texts = (part.args if hasattr(part, "args") else part.text for part in response.parts)
        return sum(
            1
            for text in texts
            for match in shaped(text)
            if code_of(match.group()) not in self._table and match.group() not in self._typed
        )


def _collect(request: Request) -> tuple[list[Leaf], list[tuple[str, str]], Request]:
    """Every leaf of a request; what cannot be looked into: kind and place; and the request as it leaves unedited."""
    leaves: list[Leaf] = []
    opaque: list[tuple[str, str]] = []

    def look(leaf: Leaf) -> Sequence[Edit]:
        if leaf.text:
            leaves.append(leaf)
        return ()

    unedited = rewrite_request(request, look, opaque=lambda kind, where: opaque.append((kind, where)))
    return leaves, opaque, unedited


def _table(tokens: Mapping[Pair, str]) -> dict[str, Token]:
    """code -> token."""
    return {code_of(token): Token(code_of(token), *pair) for pair, token in tokens.items()}
