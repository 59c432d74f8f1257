"""Certificates: who comes in by them, and that nobody else does."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509

from tests.auth.door import ABORT, AUTHENTICATE, CHALLENGE, WELCOME, Client, hello, wamp_error, with_ticket
from tests.auth.test_certificates import JOE, der
from wampd.auth.accounts import Account
from wampd.auth.certificates import names_of
from wampd.auth.cryptosign import Cryptosign
from wampd.auth.door import RealmAuth
from wampd.auth.handshake import Abort, Accept
from wampd.auth.keys import SigningKey
from wampd.auth.methods import Challenge, Deny
from wampd.auth.roles import Role
from wampd.auth.ticket import Ticket
from wampd.auth.tls import Tls, TlsExchange
from wampd.realms.session import ProtocolViolation
from wampd.router.stores.accounts import FixedAccounts

DENIED = [ABORT, {"message": "authentication failed"}, wamp_error("authentication_denied")]
HOST = x509.DNSName("joe.example.com")
CERTIFICATE = der(JOE, HOST, x509.RFC822Name("ann@example.com"))
OTHER = der(x509.Name([]), x509.DNSName("other.example.com"))


class Channel:
    """TLS, as far as the method sees it."""

    def __init__(self, certificate: bytes | None) -> None:
        self.certificate = certificate

    def binding(self, kind: str) -> None:
        return None


def account(authid: str, *certificates: str) -> Account:
    return Account(authid=authid, role="member", certificates=certificates)


def client(certificate: bytes | None, *accounts: Account) -> Client:
    places = FixedAccounts([*accounts, with_ticket("bob", "member", "hunter2 of bob")])
    methods = [Tls(places), Ticket(places)]
    return Client({"realm1": RealmAuth(methods, [Role("member")])}, {"channel": Channel(certificate)})


def coming(**details: Any) -> list[Any]:
    return hello(authmethods=["tls"], **details)


@pytest.mark.spec("TLA-02", "AUT-05")
@pytest.mark.parametrize("name", [names_of(CERTIFICATE)[0], r"subject:CN=joe,O=Example\, Inc.", "DNS:joe.example.com"])
@pytest.mark.parametrize("details", [{}, {"authid": "joe"}])
def test_a_certificate_tells_who_its_owner_is(name, details):
    play = client(CERTIFICATE, account("joe", "DNS:elsewhere.example.com", name))
    play > coming(**details)
    play < [WELCOME, 1001]
    welcome = play.accepted.details()
    assert (welcome["authid"], welcome["authrole"]) == ("joe", "member")
    assert (welcome["authmethod"], welcome["authprovider"]) == ("tls", "static")


@pytest.mark.spec("TLA-02")
@pytest.mark.parametrize(
    "name",
    [
        names_of(OTHER)[0],
        names_of(CERTIFICATE)[0].removeprefix("sha256:"),
        "subject:CN=joe",
        r"subject:O=Example\, Inc.,CN=joe",
        "DNS:example.com",
        "DNS:*.example.com",
        "URI:joe.example.com",
        "DNS:",
        "",
    ],
)
def test_a_certificate_without_a_principal_is_denied(name):
    play = client(CERTIFICATE, account("joe", name))
    play > coming()
    play < DENIED
    assert "DNS:joe.example.com" in play.aborted.log


@pytest.mark.spec("TLA-02")
@pytest.mark.parametrize("authid", ["ann", "", "bob", "DNS:joe.example.com"])
def test_a_certificate_is_of_its_principal_alone(authid):
    play = client(CERTIFICATE, account("joe", "DNS:joe.example.com"), account("ann", "DNS:ann.example.com"))
    play > coming(authid=authid)
    play < DENIED


@pytest.mark.spec("TLA-02")
def test_of_several_principals_the_fingerprint_decides_or_the_authid():
    both = (account("joe", names_of(CERTIFICATE)[0]), account("ann", "email:ann@example.com"))
    for details, authid in (({}, "joe"), ({"authid": "joe"}, "joe"), ({"authid": "ann"}, "ann")):
        for accounts in (both, both[::-1]):
            play = client(CERTIFICATE, *accounts)
            play > coming(**details)
            play < [WELCOME]
            assert play.accepted.authid == authid


@pytest.mark.spec("TLA-02")
def test_a_certificate_whose_name_is_an_authid_is_not_that_principal():
    play = client(OTHER, account("DNS:other.example.com", "DNS:elsewhere.example.com"))
    play > coming()
    play < DENIED


@pytest.mark.spec("TLA-02", "AUT-02")
def test_without_a_certificate_the_method_serves_nobody_and_the_next_is_tried():
    for transport in ({"channel": Channel(None)}, {}):
        play = client(None, account("joe", "DNS:joe.example.com"))
        play.handshake._transport = transport
        play > coming(authid="joe")
        play < [ABORT]
        assert play.aborted.reason == wamp_error("no_matching_auth_method")
    play = client(None, account("joe", "DNS:joe.example.com"))
    play > hello(authmethods=["tls", "ticket"], authid="bob")
    play < [CHALLENGE, "ticket"]


@pytest.mark.spec("AUT-08")
def test_there_is_nothing_to_answer():
    play = client(OTHER)
    play > coming()
    play < DENIED
    with pytest.raises(ProtocolViolation):
        play > [AUTHENTICATE, "", {}]
    assert isinstance(TlsExchange(None, None, ()).authenticate("", {}), Deny)


@pytest.mark.spec("TLA-02", "AUT-06")
@pytest.mark.parametrize("offered", [["tls", "cryptosign"], ["cryptosign", "tls"]])
def test_certificate_and_key_can_both_be_demanded(offered):
    key, nonce = SigningKey(b"hunter2 of joe".ljust(32, b".")), bytes(range(32))
    joe = Account(
        authid="joe",
        role="member",
        keys=(key.public,),
        certificates=("DNS:joe.example.com",),
        factors=("tls", "cryptosign"),
    )
    places = FixedAccounts([joe])
    door = {"realm1": RealmAuth([Tls(places), Cryptosign(places, lambda: nonce)], [Role("member")])}
    for certificate, signer, is_welcome in ((CERTIFICATE, key, True), (OTHER, key, False), (CERTIFICATE, None, False)):
        play = Client(door, {"channel": Channel(certificate)})
        play > hello(authmethods=offered, authextra={"pubkey": key.public.hex()})
        if isinstance(play.outcome, Challenge):
            signature = signer.sign(nonce) if signer else bytes(64)
            play > [AUTHENTICATE, (signature + nonce).hex(), {}]
        assert isinstance(play.outcome, Accept if is_welcome else Abort)
        if is_welcome:
            assert play.accepted.authextra == {"authfactors": offered}


@pytest.mark.spec("TLA-02")
@pytest.mark.parametrize("names", [(), ("DNS:other.example.com",)])
def test_an_account_that_does_not_have_the_certificate_is_not_let_in_whoever_found_it(names):
    """A place that finds the wrong account, an authenticator say, opens no door with it."""
    play = client(CERTIFICATE)
    play.answer = lambda _: account("joe", *names)
    play > coming(authid="joe")
    play < DENIED
