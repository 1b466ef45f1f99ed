"""Domain 07, resilience: kill switch, route, attempts, breaker, budget."""

from psf_runtime.guards.resilience.attempt import Retry
from psf_runtime.guards.resilience.breaker import BreakerRules
from psf_runtime.guards.resilience.budget import Allowance, Budget
from psf_runtime.guards.resilience.error_actions import ERROR_ACTIONS, action_for
from psf_runtime.guards.resilience.halt import Halt, HaltWatch
from psf_runtime.guards.resilience.price import cost_of, price_of
from psf_runtime.guards.resilience.route import Route
from psf_runtime.guards.resilience.switches import AnySwitch, EnvironmentSwitch, FunctionSwitch

__all__ = [
    "ERROR_ACTIONS",
    "Allowance",
    "AnySwitch",
    "BreakerRules",
    "Budget",
    "EnvironmentSwitch",
    "FunctionSwitch",
    "Halt",
    "HaltWatch",
    "Retry",
    "Route",
    "action_for",
    "cost_of",
    "price_of",
]
