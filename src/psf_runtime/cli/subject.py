"""`psf subject`: the rights of a person whose data it is: export, erase, restrict."""

from __future__ import annotations

import argparse
import sys

from psf_runtime.cli.exits import GOOD
from psf_runtime.cli.output import write_json
from psf_runtime.cli.rights import add_common_options, is_in_memory, opened, refuse_memory, say_empty
from psf_runtime.client.client import Client
from psf_runtime.types.consent_erasure import ErasureReceipt


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("action", choices=("export", "erase", "restrict"), help="what to do")
    parser.add_argument("subject", metavar="REF", help="whose data, by your own id")
    parser.add_argument("--lift", action="store_true", help="with restrict: let calls run again")
    add_common_options(parser)


def run(options: argparse.Namespace) -> int:
    """Do one of the actions, on the state that the command names."""
    with opened(options) as client:
        return _ACTIONS[options.action](client, options)


def _export(client: Client, options: argparse.Namespace) -> int:
    if is_in_memory(client):
        return say_empty(options, "data", {"consents": {}, "values": [], "tickets": []})
    write_json(sys.stdout, client.subjects.export(options.subject, tenant=options.tenant).to_dict())
    return GOOD


def _erase(client: Client, options: argparse.Namespace) -> int:
    receipt = client.subjects.erase(options.subject, tenant=options.tenant)
    if options.json:
        write_json(sys.stdout, receipt.to_dict())
    else:
        _show(receipt)
    if is_in_memory(client):
        sys.stderr.write("psf: consents of applications that run now are in their own memory: erase there too\n")
    return GOOD


def _restrict(client: Client, options: argparse.Namespace) -> int:
    refuse_memory(client, "restricted")
    changed = client.subjects.restrict(options.subject, tenant=options.tenant, lifted=options.lift)
    state = "calls run again" if options.lift else "no new call about this subject runs"
    if options.json:
        write_json(sys.stdout, {"restricted": not options.lift, "changed": changed})
    else:
        sys.stdout.write(f"{state}{'' if changed else ' (as before)'}\n")
    return GOOD


def _show(receipt: ErasureReceipt) -> None:
    rows = [("erased", f"{store} {count}") for store, count in receipt.erased.items()]
    rows += [("kept", f"{store} {count}, without a way back to the person") for store, count in receipt.kept.items()]
    rows += [("not reached", line) for line in receipt.not_reached]
    rows += [("backups", receipt.backups), ("signature", f"{receipt.algorithm} {receipt.signature}")]
    for label, text in rows:
        sys.stdout.write(f"{label:<12}{text}\n")


_ACTIONS = {"export": _export, "erase": _erase, "restrict": _restrict}
