"""An action that needs a person: the call pauses with a ticket, and goes on without asking the model again."""

import re

from psf_runtime import ApprovalPending, Client, Policy, Purpose, ToolRule
from psf_runtime.policy import Oversight
from psf_runtime.testing import MockProvider, call

LETTER = "Please transfer the 412.50 euros that we agreed on to GB82 WEST 1234 5698 7654 32. Claim W-2041."


def pay_out(claim: str, iban: str, amount_eur: float) -> str:
    """Transfers the agreed amount to the claimant."""
    return f"{amount_eur:.2f} EUR for {claim} go to {iban}"


def model_answer(request):
    """What a model would do: call the tool with what it was given, which is a token in place of the account."""
    account = re.search(r"IBAN_\w+", request.messages[-1].text).group()
    return call("pay_out", claim="W-2041", iban=account, amount_eur=412.5)


policy = Policy.standard(
    oversight=Oversight(reviewers={"claims-leads": ["lee@example.com"]}),
    purposes={"claims": Purpose(owner="dana@example.com", lawful_basis="contract", tools=["pay_out"])},
    tools={"pay_out": ToolRule(approval="always", restore=["IBAN"])},
)
model = MockProvider(model_answer)
with Client(model, policy=policy) as client:
    try:
        client.complete(LETTER, tools=[pay_out], purpose="claims")
    except ApprovalPending as pending:
        ticket = pending.ticket.id
        print(f"ticket {ticket} is {pending.ticket.state}; nothing was paid")

    client.tickets.approve(ticket, by="lee@example.com", reason="invoice checked")
    answer = client.resume(ticket)
    for tool_call in answer.tool_calls:
        print(pay_out(**tool_call.arguments))
    print(f"the model was asked {len(model.calls)} time")
    print(answer.decision)
