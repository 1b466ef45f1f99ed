"""Domain 01, privacy: personal data handling, consent chains, tokenisation before inference."""

from __future__ import annotations

from psf_runtime.guards.privacy.actions import DEFAULT_ACTIONS, strictest
from psf_runtime.guards.privacy.consent import Consent
from psf_runtime.guards.privacy.detect import Builtin, combine
from psf_runtime.guards.privacy.secrets import SecretAnswers
from psf_runtime.guards.privacy.tokenise import Tokenise

__all__ = ["DEFAULT_ACTIONS", "Builtin", "Consent", "SecretAnswers", "Tokenise", "combine", "strictest"]
