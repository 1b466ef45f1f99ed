"""A provider that has no capacity: the fallback answers, and the decision shows both attempts."""

from psf_runtime import Client
from psf_runtime.testing import MockProvider, fault

busy = MockProvider(fault.rate_limit(retry_after=600), name="busy")  # longer than anybody wants to wait

with Client(busy, fallbacks=["mock:echo"]) as client:
    answer = client.complete("Dzień dobry, proszę o zwrot na rachunek PL61 1090 1014 0000 0712 1981 2874.")
    print(answer.text)
    print(f"degraded: {answer.degraded}")
    for attempt in answer.decision.route:
        print(f"{attempt.target}: {attempt.outcome}")
