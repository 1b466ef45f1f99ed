"""A structured answer: checked in three layers, asked again once when it does not fit, and typed."""

from pydantic import BaseModel, Field

from psf_runtime import Client, Contract
from psf_runtime.testing import MockProvider


class Claim(BaseModel):
    """What a letter claims."""

    claimant: str
    amount_eur: float = Field(gt=0)
    reason: str


LETTER = "Dear team, the flood cost me 412.50 euros. Please write to j.kowalczyk@example.com. Yours, J. Kowalczyk"

claim = Contract(Claim, business=[lambda found: found.amount_eur <= 10_000 or "over the limit"], max_reasks=1)

# The first answer of this scripted model does not fit the schema, the second one does.
model = MockProvider(
    {"claimant": "J. Kowalczyk", "amount_eur": "a lot", "reason": "flood"},
    {"claimant": "J. Kowalczyk", "amount_eur": 412.5, "reason": "flood"},
)
with Client(model) as client:
    answer = client.complete(LETTER, output=claim)
    print(answer.value.amount_eur + 1)  # a float, not a text
    print(f"the model was asked {len(model.calls)} times")
    print(model.calls[0].wire)  # what it was sent the first time
    print(answer.decision)
