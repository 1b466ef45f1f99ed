"""Tokenise: personal data leaves as tokens and comes back as values."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from psf_runtime.errors import ConfigError
from psf_runtime.flow.effects import Flow, Lane, call, offload
from psf_runtime.flow.protocols import ChunkResult, GuardBase, Session, window
from psf_runtime.flow.text import PartKey, TextSession
from psf_runtime.guards.privacy.actions import LITERAL, action_for
from psf_runtime.guards.privacy.aliases import Aliases, Pair, name_parts, no_aliases
from psf_runtime.guards.privacy.detect import Seen as Looked
from psf_runtime.guards.privacy.detect import kind_of, look_with
from psf_runtime.guards.privacy.edits import Edit
from psf_runtime.guards.privacy.invented import MOST_INVENTED, Invented, WhatOfInvented
from psf_runtime.guards.privacy.looking import Seen, collect, findings_of
from psf_runtime.guards.privacy.minting import Minted, Minter, Remembered, lasting_surrogate, remembered
from psf_runtime.guards.privacy.places import PlaceFinder
from psf_runtime.guards.privacy.plan import Plan, add_literals, make_plan, replacements_for
from psf_runtime.guards.privacy.recipients import ActionTable, table_of
from psf_runtime.guards.privacy.restore import Restoring, TextRestorer
from psf_runtime.guards.privacy.restore_tools import ToolRestorer, holds_untrusted
from psf_runtime.guards.privacy.surrogates import Surrogates
from psf_runtime.guards.privacy.tokens import LONGEST, Token, code_of, shaped
from psf_runtime.guards.privacy.tripwire import Tripwire
from psf_runtime.guards.privacy.walk import rewrite_request, size_of
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
RESTORED = "privacy.restored"  # in `context.shared`: whether a value is one that this request sent as a token
_CONTROLS = frozenset({_CONTROL, "privacy.secrets", "privacy.media"})
_MOST_KNOWN = 2_000  # values that a tenant's embed calls remember: each costs time in every later call
_LONG = 2_000  # characters; above, an async driver searches in a thread: 1,000 take up to 3 ms
_LONG_ANSWER = 50_000  # characters of one piece: restoring them takes 6 ms


class Tokenise(GuardBase):
    """Replaces personal data by tokens in every part of a request, and restores it in the answer.

    Below this layer no value appears that the detectors found or that the conversation already knows. Framework domain
    01. It has no observing mode.

    Args:
        vault: keeps which token stands for which value.
        detectors: find personal data; at least one.
        key: secret bytes, the same on every worker: names conversations that have no name, keys digests in findings.
        actions: entity -> `token | surrogate | mask | hash | block | allow`; what it leaves out takes the default.
        tables: the table for one request, strictest over everybody who may receive it (`strictest_of` makes one of
            several); it takes the place of `actions`.
        tools: what each tool may see in clear.
        invented: what becomes of tokens that nobody made: `leave` them, `mask` them by their type word, or `block` the
            answer. They are counted, and many of them stop the answer in any case.
        aliases: other spellings of a known value that are replaced, too, each by a token of its own: by default the
            parts of a person's full name, within the conversation.
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
        tables: Callable[[Request], ActionTable] | None = None,
        tools: Mapping[str, ToolRule] | None = None,
        invented: WhatOfInvented = "leave",
        aliases: Aliases = name_parts,
    ) -> None:
        if not detectors or not key:
            raise ConfigError(
                "privacy.tokens needs a detector and a key", control=_CONTROL, change="detectors=[Builtin()], key=..."
            )
        if invented not in ("leave", "mask", "block"):
            raise ConfigError("privacy.invented is none of its values", control=_CONTROL, change="leave | mask | block")
        table = table_of(actions or {})
        self.table_for = tables or (lambda request: table)
        self.vault = vault
        self.detectors = tuple(detectors)
        self.look = look_with(self.detectors)
        self.kind = kind_of(self.detectors)
        self.key = key
        self.tools = dict(tools or {})
        self.invented: WhatOfInvented = invented
        self.aliases = aliases
        self.lane = Lane(_CONTROL)
        self.begun = False  # the first search loads what detectors need

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
        self._actions = ActionTable({})
        self._table: dict[str, Token] = {}
        self._typed: frozenset[str] = frozenset()
        self._counts: Counter[str] = Counter()
        self._restoring: Restoring | None = None
        self._texts: dict[PartKey, TextRestorer] = {}
        self._places: dict[PartKey, PlaceFinder] = {}
        self._arguments: dict[int, list[str]] = {}
        self._names: dict[int, str] = {}
        self._tool_restorer: ToolRestorer | None = None

    def on_request(self, request: Request) -> Flow[Request | Verdict]:
        """The request with tokens, stamped; or a Block when it holds an entity that may not leave at all."""
        guard, facts = self._guard, request.facts
        self._actions = guard.table_for(request)
        conversation = guard.conversation_of(request)
        self._context.shared["privacy.conversation"] = conversation
        rows = yield from call(guard.vault.known, facts.tenant, conversation)
        known = remembered(rows)
        seen = yield from self._look_through(request, conversation, known)
        plan = seen.plan
        blocked = sorted({e for e, _ in plan.pairs() if action_for(self._actions.profile, e) == "block"})
        self._report(seen.findings)
        if blocked:
            return Block(f"the request holds {', '.join(blocked)}, which may not leave")
        if conversation == EMBEDDINGS and len(rows) > _MOST_KNOWN:
            yield from self._begin_anew(facts.tenant)
        profile, likened = self._actions.profile, self._actions.surrogates
        minter = Minter(guard.vault, facts.tenant, conversation, profile, likened, guard.lane, facts.subject)
        minted = yield from self._mint(seen, known, minter)
        if self._is_long(seen.size):
            rewritten = yield from offload(self._rewrite, request, seen, known, minted, lane=guard.lane)
        else:
            rewritten = self._rewrite(request, seen, known, minted)
        self._prepare_answer(request, plan, minted)
        return rewritten

    def _begin_anew(self, tenant: str) -> Flow[None]:
        """Let go of what a tenant's embed calls have learnt: an index may hold more values than a vault.

        Tokens are keyed, so a value that comes again has the token that it had. What is lost is that old values are
        also replaced where no detector finds them; the finding says so.
        """
        yield from call(self._guard.vault.forget, tenant, EMBEDDINGS)
        self._context.findings.append(Finding(_CONTROL, "known.forgotten", "vault", observed=True))

    def _is_long(self, size: int) -> bool:
        """Whether looking at so many characters takes so long that an event loop must go on meanwhile."""
        return size > _LONG or not self._guard.begun

    def _look_through(self, request: Request, conversation: str, known: Remembered) -> Flow[Seen]:
        """Every leaf, and what is to be replaced in it."""
        guard = self._guard
        aliases = no_aliases if conversation == EMBEDDINGS else guard.aliases

        def search() -> Seen:
            leaves, opaque, unedited = collect(request)
            plan = make_plan(leaves, known=known, look=self._look, profile=self._actions.profile, aliases=aliases)
            digest = partial(guard.digest, request.facts)
            findings = findings_of(plan, opaque, digest=digest)
            return Seen(plan, unedited, findings, sum(len(leaf.text) for leaf in leaves))

        if not self._is_long(size_of(request)):
            return search()
        seen = yield from offload(search, lane=guard.lane)
        guard.begun = True
        return seen

    def _look(self, text: str) -> Looked:
        guard = self._guard
        return self._context.found(guard.kind, text, guard.look) if guard.kind else guard.look(text)

    def _mint(self, seen: Seen, known: Remembered, minter: Minter) -> Flow[Minted]:
        """Everything that leaves as a token; what a person typed and what would be taken for one becomes one itself."""
        plan, minted = seen.plan, Minted()
        if not (known.tokens or plan.live or plan.live_surrogates or plan.pairs()):
            return minted
        minted.table.update(plan.live)
        minted.surrogates.update(plan.live_surrogates)
        texts = [leaf.text for leaf in plan.leaves if not leaf.carries_tokens]
        glued = plan.glued() if minter.surrogates else ()
        yield from minter.mint(plan.pairs(), minted, texts=texts, glued=glued)
        candidates = {code_of(token): Token(code_of(token), *pair) for token, pair in known.tokens.items()}
        candidates.update(minted.table)
        if not candidates:
            return minted
        if self._is_long(seen.size):
            added = yield from offload(add_literals, plan, candidates, lane=minter.lane)
        else:
            added = add_literals(plan, candidates)
        if added:
            yield from minter.mint(plan.pairs(), minted, texts=texts, glued=glued)
        return minted

    def _edits(
        self, plan: Plan, pairs: Mapping[Pair, None], minted: Minted, facts: Facts
    ) -> dict[tuple[str, str], list[Edit]]:
        """What becomes of each leaf, by its place and text."""
        guard = self._guard
        for entity, count in Counter(entity for entity, _ in minted.replacements if entity != LITERAL).items():
            self._context.tokens[entity] = max(count, self._context.tokens.get(entity, 0))
        replacements = replacements_for(
            list(pairs),
            tokens=minted.replacements,
            profile=self._actions.profile,
            digest=lambda entity, value: guard.digest(facts, entity, value),
        )
        for entity, value in pairs:
            if entity in self._actions.surrogates and (entity, value) not in minted.replacements:
                replacements[entity, value] = lasting_surrogate(entity, value, guard.digest(facts, entity, value))
        return plan.edits(replacements)

    def _rewrite(self, request: Request, seen: Seen, known: Remembered, minted: Minted) -> Request:
        """The request with the edits made, and stamped."""
        pairs = seen.plan.pairs()
        rewritten = seen.unedited
        edits = self._edits(seen.plan, pairs, minted, request.facts) if pairs else {}
        if edits:
            rewritten = rewrite_request(request, lambda leaf: edits.get((leaf.where, leaf.text), ()))
        secret = [pair for pair in (*pairs, *known.pairs()) if self._must_not_leave(pair[0])]
        return rewritten.replace(stamp=Stamp(self._actions.profile, Tripwire(secret).ready()))

    def _prepare_answer(self, request: Request, plan: Plan, minted: Minted) -> None:
        """What the answer will be restored with."""
        guard = self._guard
        self._table = minted.table
        self._typed = frozenset(value for entity, value in plan.pairs() if entity == LITERAL)
        invented = None
        if guard.invented != "leave":
            entities = frozenset[str]().union(*(detector.entities for detector in guard.detectors))
            invented = Invented(entities, block=guard.invented == "block", typed=self._typed)
        if self._table or minted.surrogates or invented is not None:
            self._restoring = Restoring(
                self._table,
                self._counts,
                keep_brackets=frozenset(plan.keep_brackets),
                as_json=request.output is not None,
                surrogates=Surrogates(minted.surrogates) if minted.surrogates else None,
                invented=invented,
            )
            self._tool_restorer = ToolRestorer(
                self._table,
                tools=guard.tools,
                untrusted=holds_untrusted(request, guard.tools),
                counts=self._counts,
                invented=invented,
            )
        sent = (*self._table.values(), *minted.surrogates.values())
        self._context.shared[RESTORED] = frozenset([token.value for token in sent]).__contains__

    def _must_not_leave(self, entity: str) -> bool:
        return entity != LITERAL and action_for(self._actions.profile, entity) != "allow"

    def _report(self, found: Sequence[Finding]) -> None:
        """Note each finding once: a re-ask prepares the same conversation again."""
        noted = {one for one in self._context.findings if one.control in _CONTROLS}
        self._context.findings.extend(one for one in found if one not in noted)

    def on_chunk(self, chunk: Chunk) -> ChunkResult | Flow[ChunkResult]:  # type: ignore[override]
        """Restore as far as nothing can change any more; a very long piece beside the event loop."""
        if self._restoring is None:
            return chunk  # nothing left as a token, so nothing comes back
        if isinstance(chunk, ToolCallDelta):
            if chunk.name:
                self._names[chunk.index] = self._names.get(chunk.index) or chunk.name
        elif len(chunk.text) > _LONG_ANSWER:
            return offload(super().on_chunk, chunk, lane=self._guard.lane)
        return super().on_chunk(chunk)

    def text(self, piece: str, part: PartKey) -> str:
        """The piece, restored; tool arguments wait until they are complete."""
        if self._restoring is None:
            return piece
        if isinstance(part, int):
            self._arguments.setdefault(part, []).append(piece)
            return ""
        restorer = self._texts.get(part)
        if restorer is None:
            places = self._places.setdefault(part, PlaceFinder())
            restorer = self._texts[part] = TextRestorer(self._restoring, places=places)
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
        unknown = self._unknown(response) + self._counts["invented"]
        if unknown:
            self._context.findings.append(Finding(_CONTROL, "token.unknown", "response", count=unknown))
        if unknown > MOST_INVENTED:
            return Block(f"the answer holds {unknown} tokens that nobody made, more than {MOST_INVENTED}")
        return ALLOW

    def _unknown(self, response: Response) -> int:
        texts = (part.args if hasattr(part, "args") else part.text for part in response.parts)
        return sum(
            1
            for text in texts
            for match in shaped(text)
            if code_of(match.group()) not in self._table and match.group() not in self._typed
        )
