"""What proves a principal, from the command line: a password that is typed or read, a ticket that is drawn, keys, certificates.

The rules:

* a password is typed twice without being shown, or comes from standard input: never from the command line, which others see;
* what is made of it is for the methods that the realm offers, or for those that are named; nothing else of it is kept;
* nobody is given factors that cannot be passed, or loses what one of them needs: the rules are those of the configuration.
"""

import getpass
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import structs

from wampd.auth.accounts import Account
from wampd.auth.certificates import names_of
from wampd.auth.hashes import LONGEST_PASSWORD, slow_hash
from wampd.auth.keys import SigningKey, read_public_key
from wampd.auth.passwords import saslprep
from wampd.auth.ticket import digest_of
from wampd.router.settings.auth import Auth, Certificate, Principal, ScramAuth, TicketAuth, WampcraAuth
from wampd.router.settings.auth_rules import METHODS as ALL_METHODS
from wampd.router.settings.auth_rules import factor_faults
from wampd.router.settings.key_rules import NOT_A_NAME, certificate_name
from wampd.router.settings.secret import Secret
from wampd.router.settings.values import others_can_read
from wampd.router.wiring.proofs import Proofs

from .user_words import METHODS
from .wanted import Wanted
from .where import Where, WrongError

SALT = 16
"""Octets (RFC 9106, section 3.1)."""


def prove(account: Account, chosen: Wanted, where: Where, secret: bytes) -> tuple[Account, str | None]:
    """The account with new proofs in place of those of the same kinds, and the ticket, if one was drawn.

    ``secret`` is for salts. Raise `WrongError`.
    """
    keys = tuple(dict.fromkeys([*map(_key, chosen.key), *map(key_in, map(Path, chosen.key_file))]))
    if keys:
        account = structs.replace(account, keys=keys)
    files = map(certificate_in, map(Path, chosen.certificate_file))
    certificates = tuple(dict.fromkeys([*map(_certificate, chosen.certificate), *files]))
    if certificates:
        account = structs.replace(account, certificates=certificates)
    ticket = None
    if chosen.ticket:
        ticket = secrets.token_urlsafe(32)
        account = structs.replace(account, ticket=digest_of(ticket))
    is_proved = keys or certificates or ticket or (_changes_factors(chosen) and any(methods_of(account)))
    if chosen.password or chosen.password_stdin or not is_proved:
        methods = _methods(chosen.methods, where)
        password = _read() if chosen.password_stdin else _ask(account.authid)
        account = _with_password(account, password, methods, where, secret)
    elif chosen.methods is not None:
        raise WrongError("--methods are for a password, and none is asked for")
    return with_factors(account, chosen, where), ticket


def methods_of(account: Account) -> Iterator[str]:
    """The methods by which a principal can come in, where they are offered."""
    if account.ticket is not None or account.password is not None:
        yield "ticket"
    if account.wampcra is not None:
        yield "wampcra"
    if account.scram:
        yield "scram"
    if account.keys:
        yield "cryptosign"
    if account.certificates:
        yield "tls"


def with_factors(account: Account, chosen: Wanted, where: Where) -> Account:
    """The account with the factors that are chosen, or with those that it has. Raise `WrongError` if it cannot pass them."""
    offered = ALL_METHODS  # a method that the realm has given up meanwhile must not keep anybody from a new password
    if _changes_factors(chosen):
        account = structs.replace(account, factors=tuple(chosen.factor))
        offered = ALL_METHODS if where.realms is None else tuple(where.offered())
    for _, why in factor_faults(list(enumerate(account.factors)), where.auth(), offered, set(methods_of(account))):
        raise WrongError(f"the factors {', '.join(account.factors)}: {why}")
    return account


def _changes_factors(chosen: Wanted) -> bool:
    return bool(chosen.factor) or chosen.no_factors


def key_in(file: Path) -> bytes:
    """The public key of the seed in a file. Raise `WrongError`."""
    trouble = others_can_read(file)
    if trouble:
        raise WrongError(trouble)
    try:
        return SigningKey.from_text(file.read_text().strip()).public
    except OSError as error:
        raise WrongError(f"cannot read {file}: {error.strerror}") from None
    except ValueError:
        raise WrongError(f"{file} holds no seed of an Ed25519 key, which is 64 hex digits") from None


def _key(text: str) -> bytes:
    key = read_public_key(text)
    if key is None:
        raise WrongError(f"not an Ed25519 public key, which is 64 hex digits: {text[:80]}")
    return key


def certificate_in(file: Path) -> str:
    """The fingerprint of the first certificate in a file. Raise `WrongError`."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
    except OSError as error:
        raise WrongError(f"cannot read {file}: {error.strerror}") from None
    except ValueError:
        raise WrongError(f"{file} holds no certificate (PEM)") from None
    return names_of(certificate.public_bytes(Encoding.DER))[0]


def _certificate(text: str) -> str:
    kind, _, value = text.partition("=")
    if kind not in NOT_A_NAME or not value:
        raise WrongError(f"a certificate is {', '.join(f'{kind}=…' for kind in NOT_A_NAME)}, not {text[:80]!r}")
    name = certificate_name(Certificate(**{kind: value}))
    if name is None:
        raise WrongError(f"{NOT_A_NAME[kind]}: {value[:80]!r}")
    return name


def _methods(named: str | None, where: Where) -> list[str]:
    """The methods that a password is for."""
    if named is None:
        offered = [method for method in METHODS if method in where.offered()]
        if not offered:
            raise WrongError("the realm offers no method that takes a password; give --key or --key-file, or --methods")
        return offered
    methods = [method.strip() for method in named.split(",")]
    for method in methods:
        if method not in METHODS:
            raise WrongError(f"--methods are of {','.join(METHODS)}, not {method!r}")
    return methods


def _with_password(account: Account, password: str, methods: list[str], where: Where, secret: bytes) -> Account:
    if not password or len(password.encode()) > LONGEST_PASSWORD:
        raise WrongError(f"a password has 1 to {LONGEST_PASSWORD} bytes")
    auth = where.auth()
    if auth.mock_secret is not None:
        secret = auth.mock_secret.reveal().encode()
    made = Auth(
        ticket=TicketAuth() if "ticket" in methods else None,
        wampcra=(auth.wampcra or WampcraAuth()) if "wampcra" in methods else None,
        scram=(auth.scram or ScramAuth()) if "scram" in methods else None,
    )
    try:
        if made.scram is not None:
            saslprep(account.authid, stored=False)
        principal = Principal(authid=account.authid, role=account.role, password=Secret(password))
        derived = Proofs(made, where.realm(), [account.role], secret).account(principal)
    except ValueError:
        message = "the method scram cannot take this name or password: SASLprep (RFC 4013) prohibits a character in it"
        raise WrongError(f"{message}; leave the method out with --methods") from None
    hashed = slow_hash(password, secrets.token_bytes(SALT)) if "ticket" in methods else None
    return structs.replace(account, password=hashed, wampcra=derived.wampcra, scram=derived.scram)


def _read() -> str:
    """The password on standard input, without the newline at its end."""
    try:
        text = sys.stdin.read(LONGEST_PASSWORD + 2)
    except UnicodeDecodeError:
        raise WrongError("the password on standard input is not text") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if "\n" in text:
        raise WrongError("the password on standard input has more than one line")
    return text


def _ask(authid: str) -> str:
    if not sys.stdin.isatty():
        raise WrongError("there is no terminal to ask for a password; give --password-stdin, --ticket or --key")
    password = getpass.getpass(f"New password of {authid}: ")
    if getpass.getpass("The same again: ") != password:
        raise WrongError("the two are not the same; nothing was changed")
    return password
