"""Domain 04, contracts: screens before and after the model, output contracts, typed rejections."""

from __future__ import annotations

from psf_runtime.guards.contracts.conform import Conform
from psf_runtime.guards.contracts.contract import Checked, Contract, Violations
from psf_runtime.guards.contracts.egress import ScreenEgress
from psf_runtime.guards.contracts.injection import ScreenInjection
from psf_runtime.guards.contracts.leak import ScreenLeak
from psf_runtime.guards.contracts.partial import PartialJson
from psf_runtime.guards.contracts.portability_report import PortabilityReport
from psf_runtime.guards.contracts.refusal import ScreenRefusal
from psf_runtime.guards.contracts.size import ScreenSize
from psf_runtime.guards.contracts.tool_schema import tool_from
from psf_runtime.guards.contracts.tools import ScreenTools
from psf_runtime.guards.contracts.unicode import ScreenUnicode

__all__ = [
    "Checked",
    "Conform",
    "Contract",
    "PartialJson",
    "PortabilityReport",
    "ScreenEgress",
    "ScreenInjection",
    "ScreenLeak",
    "ScreenRefusal",
    "ScreenSize",
    "ScreenTools",
    "ScreenUnicode",
    "Violations",
    "tool_from",
]
