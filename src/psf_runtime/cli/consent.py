"""`psf consent`: who agreed to what: list, grant, withdraw, export, and sweep what is past its time."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from datetime import UTC, datetime

from psf_runtime.cli.exits import GOOD, CommandError
from psf_runtime.cli.output import write_json
from psf_runtime.cli.rights import add_common_options, is_in_memory, opened, refuse_memory, say_empty
from psf_runtime.client.client import Client
from psf_runtime.types.consent import ConsentRecord
from psf_runtime.types.consent_receipt import iso_time

_NEEDED: dict[str, tuple[str, ...]] = {"export": ("subject",), "withdraw": ("subject",)}
_NEEDED["grant"] = ("subject", "purpose", "recipient")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("action", choices=("list", "grant", "withdraw", "export", "sweep"), help="what to do")
    parser.add_argument("--subject", metavar="REF", help="whose data, by your own id")
    parser.add_argument("--purpose", metavar="NAME", help="what for")
    parser.add_argument("--recipient", metavar="NAME", action="append", help="a target or provider; may be repeated")
    parser.add_argument("--category", metavar="ENTITY", action="append", help="an entity it covers; may be repeated")
    parser.add_argument("--jurisdiction", metavar="PLACE", action="append", help="where data may go; may be repeated")
    parser.add_argument("--special", action="store_true", help="explicit consent to special categories too")
    parser.add_argument("--notice", metavar="ID", help="the privacy notice that was shown")
    parser.add_argument("--notice-version", metavar="V", help="its version")
    parser.add_argument("--language", metavar="TAG", help="the language it was shown in")
    parser.add_argument("--method", metavar="WORDS", help="how the person answered")
    parser.add_argument("--expires", metavar="DATE", help="when it ends, as 2027-03-31 (UTC, begin of the day)")
    parser.add_argument("--by", metavar="REF", help="who acted, when it was not the subject")
    parser.add_argument("--days", metavar="N", type=int, help="sweep: uses for --purpose older than N days go")
    parser.add_argument("--consent", metavar="ID", help="withdraw this one only")
    add_common_options(parser)


def run(options: argparse.Namespace) -> int:
    """Do one of the actions, on the state that the command names."""
    missing = [f"--{name}" for name in _NEEDED.get(options.action, ()) if not getattr(options, name)]
    if missing:
        raise CommandError(f"psf consent {options.action} needs {', '.join(missing)}", change="psf consent --help")
    with opened(options) as client:
        return _ACTIONS[options.action](client, options)


def _list(client: Client, options: argparse.Namespace) -> int:
    if is_in_memory(client):
        return say_empty(options, "consents", {"consents": []})
    records = _records(client, options)
    if options.json:
        write_json(sys.stdout, {"consents": [asdict(record) for record in records]})
        return GOOD
    for record in records:
        sys.stdout.write(_line(record) + "\n")
    if not records:
        sys.stdout.write("no consent is kept here; a first one: psf consent grant\n")
    return GOOD


def _records(client: Client, options: argparse.Namespace) -> tuple[ConsentRecord, ...]:
    """The records of a subject; without one, of all subjects of the tenant, who show as digests."""
    if options.subject:
        return client.consents.list(subject=options.subject, tenant=options.tenant)
    chains = client._core.state.consents
    names = chains.known_subjects(options.tenant)
    return tuple(record for name in names for record in chains.records_in(options.tenant, name))


def _grant(client: Client, options: argparse.Namespace) -> int:
    refuse_memory(client, "granted")
    record = client.consents.grant(
        subject=options.subject,
        purpose=options.purpose,
        recipients=options.recipient,
        tenant=options.tenant,
        expires=_seconds(options.expires),
        jurisdictions=options.jurisdiction or (),
        categories=options.category or (),
        special=options.special,
        notice=options.notice or "",
        notice_version=options.notice_version or "",
        language=options.language or "",
        method=options.method or "",
        by=options.by,
        on_behalf_of=options.subject if options.by else None,
    )
    if options.json:
        write_json(sys.stdout, asdict(record))
    else:
        sys.stdout.write(_line(record) + "\n")
    return GOOD


def _withdraw(client: Client, options: argparse.Namespace) -> int:
    refuse_memory(client, "withdrawn")
    count = client.consents.withdraw(
        options.consent, subject=options.subject, purpose=options.purpose, tenant=options.tenant, by=options.by
    )
    if options.json:
        write_json(sys.stdout, {"withdrawn": count})
    else:
        sys.stdout.write(f"withdrawn: {count}\n")
    return GOOD


def _export(client: Client, options: argparse.Namespace) -> int:
    if is_in_memory(client):
        return say_empty(options, "receipt", {"records": []})
    write_json(sys.stdout, client.consents.export(options.subject, tenant=options.tenant))
    return GOOD


def _sweep(client: Client, options: argparse.Namespace) -> int:
    if is_in_memory(client):
        return say_empty(options, "uses", {"removed": {}, "expired": 0})
    if (options.days is None) != (options.purpose is None):
        raise CommandError("--days and --purpose belong together", change="psf consent sweep --purpose NAME --days 30")
    swept = client.consents.sweep(retention_days=None if options.days is None else {options.purpose: options.days})
    if options.json:
        write_json(sys.stdout, swept.to_dict())
        return GOOD
    for purpose, count in sorted(swept.removed.items()):
        sys.stdout.write(f"removed {count} uses for {purpose}\n")
    sys.stdout.write(f"consents that had run out: {swept.expired}\n")
    return GOOD


def _line(record: ConsentRecord) -> str:
    until = "" if record.expires is None else f"  until {iso_time(record.expires)}"
    who = f"{record.id}  {record.subject[:10]}"
    return f"{who}  {record.state:<11}  {record.purpose}  {', '.join(record.recipients)}{until}"


def _seconds(day: str | None) -> float | None:
    if day is None:
        return None
    try:
        return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise CommandError("--expires is no date", change="--expires 2027-03-31") from None


_ACTIONS = {"list": _list, "grant": _grant, "withdraw": _withdraw, "export": _export, "sweep": _sweep}
