"""Is it a consent? What `grant` is given, checked, as the event that will be kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from psf_runtime.errors import ConfigError
from psf_runtime.types.consent import ConsentEvent

_LONGEST = 2_000  # characters of a text; a notice is named, not copied
_YEAR_10000 = 253_402_300_800.0  # seconds since the epoch: no calendar goes further
_MOST = 1_000  # entries of a list


def event_for(
    *,
    subject: str,
    purpose: str,
    recipients: Sequence[str],
    now: float,
    expires: float | None = None,
    jurisdictions: Sequence[str] = (),
    categories: Sequence[str] = (),
    special: bool = False,
    notice: str = "",
    notice_version: str = "",
    language: str = "",
    method: str = "",
    withdrawal_method: str = "",
    by: str | None = None,
    on_behalf_of: str | None = None,
) -> ConsentEvent:
    """The event, still without the keyed digests of people. Raises ConfigError for what is no consent."""
    lists = (recipients, jurisdictions, categories)
    if any(isinstance(one, str) or len(one) > _MOST for one in lists) or not recipients or not subject or not purpose:
        raise ConfigError(
            "a consent needs a subject, a purpose and a list of recipients",
            control="privacy.consent",
            change="grant(subject='customer:42', purpose='support', recipients=['openai'])",
        )
    entries = [entry for one in lists for entry in one]
    _check_texts([purpose, notice, notice_version, language, method, withdrawal_method, *entries], entries)
    if notice and not notice_version:
        raise _wrong("the notice has no version", "notice_version='2026-01', so that a new notice needs a new consent")
    if not math.isfinite(now) or (expires is not None and not now < expires < _YEAR_10000):
        raise _wrong(
            "the consent has no end that is a time after now",
            "expires= in seconds since the epoch, later than now and before the year 10000",
        )
    _check_people(subject, by, on_behalf_of)
    return ConsentEvent(
        record_id="",
        pii_principal_id="",
        purpose=purpose,
        event_state="given",
        valid_from=float(now),
        valid_until=None if expires is None else float(expires),
        recipient_third_parties=tuple(recipients),
        geographic_restrictions=tuple(jurisdictions),
        pii_type=tuple(categories),
        special_category=bool(special),
        privacy_notice=notice,
        notice_version=notice_version,
        language=language,
        collection_method=method,
        withdrawal_method=withdrawal_method,
        event_type="explicit" if special else "regular",
    )


def _check_texts(texts: list[Any], entries: list[Any]) -> None:
    if any(not isinstance(text, str) or len(text) > _LONGEST for text in texts) or not all(entries):
        raise _wrong("a text of the consent is empty or too long", "name the notice and the method in a few words")


def _check_people(subject: str, by: str | None, on_behalf_of: str | None) -> None:
    """The subject acts for themselves, or somebody else says that they act for this very subject."""
    other = by is not None and by != subject
    if (other and on_behalf_of != subject) or (not other and on_behalf_of not in (None, subject)):
        raise _wrong(
            "somebody consents for another person than the subject",
            "by= is who acts, and on_behalf_of= is the subject they act for",
        )


def _wrong(what: str, change: str) -> ConfigError:
    return ConfigError(what, control="privacy.consent", change=change)
