"""The words that name a number: `passport no.`, `Kontonummer`, `order`. What stands next to a number says what it is.

Sources: the usual names on forms of the countries concerned, written down for this table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# Each family in lower case. A word matches from its beginning; what ends in a blank must end there. `order` names what
# is no personal data.
FAMILIES: dict[str, tuple[str, ...]] = {
    "phone": (
        "phone", "telephone", "telefon", "teléfono", "telefono", "téléphone", "telephone", "telefone", "telefoon",
        "tel", "tél", "mobile", "mobil", "mobiel", "móvil", "movil", "cell", "celular", "cellulare", "komórka",
        "handy", "portable", "fax", "call", "dial", "ring me", "text me", "sms", "whatsapp", "whats app", "reach me",
        "reach us", "reach him", "reach her", "rufnummer", "hotline", "landline", "contact number", "numer telefonu",
        "anrufen", "erreichbar", "appeler", "llámame", "chiamami", "contact no ",
    ),
    "order": (
        "order", "invoice", "ticket", "tracking", "batch", "serial", "sku", "isbn", "ean", "part", "version", "ref ",
        "reference", "case", "product", "item", "bestellung", "bestellnummer", "rechnung", "commande", "facture",
        "pedido", "factura", "ordine", "fattura", "zamówienie", "faktura", "artikel", "build", "commit", "timestamp",
        "amount", "total", "price", "sendung", "parcel", "shipment", "model", "issue", "pull request", "request id",
        "transaction", "barcode", "upc", "asin", "revision", "population", "revenue",
    ),
    "ssn": ("ssn", "social security", "social sec", "soc sec"),
    "itin": ("itin", "individual taxpayer", "taxpayer", "tax id"),
    "ein": ("ein ", "employer identification", "employer id", "fein "),
    "passport": (
        "passport", "pasaporte", "passeport", "reisepass", "passnummer", "passaporto", "paspoort", "paszport",
        "passaporte", "pass-nr", "pass nr",
    ),
    "licence": (
        "driver license", "driver's license", "drivers license", "driver licence", "driver's licence",
        "driver’s license", "driver’s licence", "driving licence", "driving license", "dl number", "dl no", "dl#",
        "führerschein", "fuehrerschein", "permis de conduire", "permiso de conducir", "carnet de conducir", "patente",
        "rijbewijs", "prawo jazdy", "carteira de motorista", "cnh ", "license number", "licence number", "driving lic",
    ),
    "account": (
        "account number", "account no", "account #", "account:", "acct", "a/c", "bank account", "account is",
        "my account", "konto", "kontonummer", "compte", "cuenta", "conto", "rekening", "conta ", "rachunek",
        "rachunku", "routing", "checking", "savings", "debit", "aba ", "sort code",
    ),
    "medical": (
        "mrn", "medical record", "patient id", "patient number", "patient no", "patient identifier", "health record",
        "chart number", "hospital number", "krankenversichertennummer", "versichertennummer", "patientennummer",
        "member id", "health insurance", "insurance id", "medical id", "dossier patient", "historia clínica",
        "cartella clinica", "patiëntnummer", "health plan",
    ),
    "dea": ("dea", "medical certificate", "medical license", "prescriber"),
    "nhs": ("nhs", "national health service", "health services authority"),
    "nino": ("national insurance", "nino", "ni number", "ni no"),
    "utr": ("utr", "unique taxpayer", "self assessment", "tax reference"),
    "de_tax": ("steuer-id", "steuerid", "steueridentifikationsnummer", "identifikationsnummer", "idnr", "steuer-ident",
               "steuerliche", "tin", "tax id", "tax number", "steuernummer", "steuer id", "id-nr"),
    "de_id": ("personalausweis", "ausweis", "identity card", "id card"),
    "nir": ("sécurité sociale", "securite sociale", "numéro de sécu", "nir", "insee", "sécu", "num secu"),
    "es": ("dni", "nif", "nie", "documento", "identidad"),
    "pesel": ("pesel",),
    "nip": ("nip", "tax"),
    "bsn": ("bsn", "burgerservicenummer", "sofinummer", "sofi-nummer", "citizen service"),
    "aadhaar": ("aadhaar", "aadhar", "adhaar", "uidai", "uid"),
    "pan": ("pan", "permanent account"),
    "tfn": ("tfn", "tax file"),
    "medicare": ("medicare",),
    "abn": ("abn", "australian business"),
    "cpf": ("cpf", "cadastro de pessoas"),
    "cnpj": ("cnpj", "cadastro nacional"),
    "sin": ("sin ", "sin:", "sin#", "social insurance", "assurance sociale", "nas"),
    "nric": ("nric", "fin ", "identity"),
    "card": ("card", "visa", "mastercard", "maestro", "amex", "kreditkarte", "karte", "carte", "tarjeta", "carta"),
    "birth": (
        "dob", "d.o.b", "date of birth", "birth date", "birthdate", "birthday", "born on", "born", "geboren",
        "geburtsdatum", "geb.", "geburtstag", "né le", "née le", "date de naissance", "naissance", "nacido", "nacida",
        "nacimiento", "nato il", "nata il", "data di nascita", "nascita", "geboortedatum", "data urodzenia",
        "urodzony", "urodzona", "ur.", "data de nascimento", "nascido", "nascida", "nascimento",
    ),
    "ip": ("ip", "ipv4", "ipv6", "host", "server", "address"),
}  # fmt: skip
BEFORE = 56  # characters before a number in which a word counts
_AFTER = 18


def alternatives(words: Iterable[str]) -> str:
    """A pattern for any of some words that shares their beginnings: a search tries each letter once."""
    tails: dict[str, list[str]] = {}
    ends = False
    for word in words:
        if word:
            tails.setdefault(word[0], []).append(word[1:])
        else:
            ends = True
    if not tails:
        return ""
    parts = [re.escape(first) + alternatives(rest) for first, rest in sorted(tails.items())]
    joined = parts[0] if len(parts) == 1 and not ends else "(?:" + "|".join(parts) + ")"
    return joined + "?" if ends else joined


_OF: dict[str, tuple[str, ...]] = {}
for _family, _words in FAMILIES.items():
    for _word in _words:
        _OF[_word.rstrip()] = (*_OF.get(_word.rstrip(), ()), _family)
_WHOLE = frozenset(
    word.rstrip() for words in FAMILIES.values() for word in words if word.endswith(" ") or len(word.rstrip()) <= 3
)
_LONG = alternatives(sorted({word for word in _OF if word not in _WHOLE}))
_SHORT = alternatives(sorted(_WHOLE))
_NAMED = re.compile(rf"(?<![^\W_])(?:({_LONG})|({_SHORT})(?![^\W_]))")


def named(lowered: str, start: int, end: int) -> tuple[str, ...]:
    """The families of the words that stand before a number, and shortly behind it; the nearest before comes last.

    `lowered` is the text in lower case; the number stands at `start:end`.
    """
    found: list[str] = []
    for match in _NAMED.finditer(lowered, end, end + _AFTER):
        found += [family for family in _OF[match.group()] if family == "phone"]
    begin = start - BEFORE if start > BEFORE else 0
    for match in _NAMED.finditer(lowered, begin, start):
        found += _OF[match.group()]
    return tuple(found)
