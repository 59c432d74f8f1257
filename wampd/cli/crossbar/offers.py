"""``auth`` of a way in → what it offers: methods, principals, authenticators, each as neutral values.

Sources: ``check_transport_auth`` of Crossbar.io's ``checkconfig.py`` and its documentation of each method. Without ``auth``
everybody comes in, in the role ``anonymous``.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from .document import Expanded, Rows, Table, Value
from .drafts import Draft, Way
from .reading import Item
from .section import Section, choice

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""What Crossbar.io replaces in tickets and secrets: the whole text is one variable (``maybe_from_env``)."""
_HEX_KEY = re.compile(r"[0-9a-fA-F]{64}")
LONGEST_AUTHID = 255


@dataclass(frozen=True)
class Proof:
    """A principal, and what proves it by one method."""

    method: str
    authid: str
    role: str
    item: Item
    key: str
    value: Value
    realm: str | None = None


@dataclass(frozen=True)
class Asked:
    """Somebody to be asked who comes in by a method."""

    method: str
    procedure: Item
    realm: Item | None


@dataclass
class Offers:
    """What one way in offers."""

    way: Way
    anonymous: tuple[str, Item] | None = None
    methods: dict[str, Item] = field(default_factory=dict)
    proofs: list[Proof] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    cookie: Item | None = None


def offers_of(way: Way, draft: Draft) -> Offers:
    """Read the authentication of a way in."""
    offers = Offers(way)
    if way.auth is None:
        offers.anonymous = ("anonymous", way.item)
        return offers
    section = draft.section(way.auth)
    for method, inner in section.entries():
        read = _METHODS.get(method)
        if read is None:
            draft.report.lost(inner.item, "there is no such method here; nobody comes in by it")
        else:
            read(inner, offers, draft)
    return offers


def _anonymous(section: Section, offers: Offers, draft: Draft) -> None:
    if _is_dynamic(section, "anonymous", offers, draft):
        return
    offers.anonymous = (section.string("role", "anonymous"), section.item)
    section.end()


def _ticket(section: Section, offers: Offers, draft: Draft) -> None:
    for authid, principal, role in _principals(section, "ticket", "principals", offers, draft):
        ticket = principal.need_text("ticket")
        principal.end()
        if ticket is not None and role is not None and _not_empty(ticket, draft):
            offers.proofs.append(Proof("ticket", authid, role, principal.item, "ticket", secret_of(ticket, draft)))


def _wampcra(section: Section, offers: Offers, draft: Draft) -> None:
    for authid, principal, role in _principals(section, "wampcra", "users", offers, draft):
        secret, salt = principal.need_text("secret"), principal.text("salt")
        iterations, keylen = principal.number("iterations"), principal.number("keylen")
        principal.end()
        if secret is None or role is None or not _not_empty(secret, draft):
            continue
        proof = Table()
        if salt is None:
            proof.put("secret", secret_of(secret, draft), secret)
        else:
            _derived(proof, secret, salt, iterations, keylen, draft)
        if proof:
            offers.proofs.append(Proof("wampcra", authid, role, principal.item, "wampcra", proof))


def _derived(
    proof: Table, secret: Item, salt: Item, iterations: Item | None, keylen: Item | None, draft: Draft
) -> None:
    """A key that a password was derived to; Crossbar.io's defaults are 1000 iterations and 32 octets."""
    length = 32 if keylen is None else int(str(keylen.value))
    times = 1000 if iterations is None else int(str(iterations.value))
    value = secret_of(secret, draft)
    if not isinstance(value, Expanded) and len(_octets(str(secret.value))) != length:
        draft.report.lost(secret, f"with a salt this is the derived key: base64 of {length} octets, which it is not")
    elif not 16 <= length <= 64 or times < 1:
        draft.report.lost(secret, "keys are 16 to 64 octets long here, and take one iteration at least")
    else:
        proof.put("key", value, secret)
        proof.put_item("salt", salt)
        proof.put("iterations", times, iterations)
        if length != 32:
            proof.put_item("keylen", keylen)


def _scram(section: Section, offers: Offers, draft: Draft) -> None:
    for authid, principal, role in _principals(section, "scram", "principals", offers, draft):
        kdf = choice(principal.need_text("kdf"), ("argon2id-13", "pbkdf2"), draft.report)
        iterations, memory, salt = principal.need("iterations"), principal.number("memory"), principal.need_text("salt")
        stored, server = principal.need_text("stored-key"), principal.need_text("server-key")
        principal.end()
        if kdf is None or iterations is None or salt is None or stored is None or server is None or role is None:
            continue
        proof = Table()
        proof.put("kdf", kdf)
        proof.put_item("salt", salt)
        proof.put_item("iterations", iterations)
        if kdf != "pbkdf2" and memory is not None:
            proof.put_item("memory", memory)
        keys = {"stored_key": stored, "server_key": server}
        if not 8 <= len(_octets(str(salt.value))) <= 64:
            draft.report.lost(salt, "a salt is base64 of 8 to 64 octets; make the keys anew with one")
            continue
        bad = [item for item in keys.values() if not _HEX_KEY.fullmatch(str(item.value))]
        for item in bad:
            draft.report.lost(item, "a key is 32 octets in hexadecimal")
        if not bad:
            for key, item in keys.items():
                proof.put(key, _base64(str(item.value)), item)
            draft.secrets = True
            offers.proofs.append(Proof("scram", authid, role, principal.item, "scram", proof))


def _cryptosign(section: Section, offers: Offers, draft: Draft) -> None:
    for authid, principal, role in _principals(section, "cryptosign", "principals", offers, draft):
        keys = Rows()
        for key in principal.texts("authorized_keys"):
            if _HEX_KEY.fullmatch(str(key.value)):
                keys.add(str(key.value).lower(), key)
            else:
                draft.report.lost(key, "a public key is 32 octets in hexadecimal; this one is left out")
        realm = principal.text("realm")
        principal.end()
        if keys.members and role is not None:
            where = None if realm is None else str(realm.value)
            offers.proofs.append(Proof("cryptosign", authid, role, principal.item, "keys", keys, where))


def _tls(section: Section, offers: Offers, draft: Draft) -> None:
    if not any(it.tls is not None and "client_certificates" in it.tls for it in draft.listeners):
        section.pass_over("type", "authenticator", "authenticator-realm", "expose_controller", "principals")
        section.end()
        draft.report.lost(section.item, "no listener asks clients for certificates: give one ca_certificates")
        return
    if _is_dynamic(section, "tls", offers, draft):
        return
    message = "give principals of the realm certificates (fingerprint, subject or san); see docs/authentication.md, tls"
    section.lost(message, "principals")
    section.end()
    draft.report.lost(
        section.item, "nobody comes in by a certificate as yet: name them under certificates of principals"
    )


def _cookie(section: Section, offers: Offers, draft: Draft) -> None:  # noqa: ARG001  # as all of them
    section.pass_over("type")
    section.end()
    offers.cookie = section.item


_METHODS: Mapping[str, Callable[[Section, Offers, Draft], None]] = {
    "anonymous": _anonymous,
    "ticket": _ticket,
    "wampcra": _wampcra,
    "scram": _scram,
    "cryptosign": _cryptosign,
    "tls": _tls,
    "cookie": _cookie,
}

FOR_PROXIES = ("anonymous-proxy", "cryptosign-proxy", "scram-proxy")
"""Methods of proxy workers, which come from within the node."""


def _principals(
    section: Section, method: str, key: str, offers: Offers, draft: Draft
) -> "Iterator[tuple[str, Section, str | None]]":
    """The principals of a static method, with their roles; nothing, if somebody is asked instead."""
    if _is_dynamic(section, method, offers, draft):
        return
    offers.methods.setdefault(method, section.item)
    if key not in section:
        draft.report.wrong(section.item, f'the key "{key}" is missing')
    for authid, principal in section.named(key):
        role = principal.text("role")
        if role is None:
            draft.report.lost(principal.item, f'"{authid}" has no role here: add it to the principals, with one')
        if not authid or len(authid) > LONGEST_AUTHID:
            draft.report.lost(principal.item, f"an authid has 1 to {LONGEST_AUTHID} characters")
            role = None
        yield authid, principal, None if role is None else str(role.value)
    section.end()


def _is_dynamic(section: Section, method: str, offers: Offers, draft: Draft) -> bool:
    """Whether a method is not for principals that stand in the file; then see to what it is for."""
    kind = choice(section.text("type"), ("static", "dynamic", "function"), draft.report) or "static"
    if kind == "static":
        return False
    if kind == "function":
        section.pass_over("create", "create-authenticator")
        draft.report.lost(
            section.item, "no code runs in the router to judge: register it as an authenticator (dynamic)"
        )
        section.end()
        return True
    procedure, realm = section.need_text("authenticator"), section.text("authenticator-realm")
    section.pass_over("authenticator_realm", "expose_controller", "expose-controller", "principals", "users")
    section.end()
    if procedure is not None:
        offers.asked.append(Asked(method, procedure, realm))
    return True


def too_short(item: Item, least: int) -> bool:
    """Whether a secret has fewer characters; of one in a variable nobody knows yet."""
    return len(str(item.value)) < least and not _VARIABLE.fullmatch(str(item.value))


def secret_of(item: Item, draft: Draft) -> Value:
    """A secret as it stands there: itself, or the variable that holds it."""
    text = str(item.value)
    if found := _VARIABLE.fullmatch(text):
        draft.report.note(item, f"comes from the environment variable {found[1]}, which has to be set here, too")
        return Expanded(text)
    draft.secrets = True
    return text


def _not_empty(item: Item, draft: Draft) -> bool:
    if item.value == "":
        draft.report.lost(item, "a secret must not be empty")
    return item.value != ""


def _octets(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return b""


def _base64(text: str) -> str:
    return b64encode(bytes.fromhex(text)).decode()
