"""``wampd user``: principals that have certificates, and those that have to pass several methods."""

import json

import pytest

from tests.cli.conftest import CONFIG
from tests.support.authority import Authority, fingerprint
from tests.support.certificates import make_certificate
from wampd.router.stores import principals
from wampd.router.stores.sqlite import carry_out, open_store

KEY = "11" * 32
BOTH = ("--factor", "cryptosign", "--factor", "ticket")
SHOWN = CONFIG.replace("      cryptosign: {}\n", "      cryptosign: {}\n      tls: {}\n", 1).replace(
    "rawsocket: {}",
    "rawsocket: {}, tls: {certificate: localhost.crt, key: localhost.key,"
    " client_certificates: {authorities: authority.crt}}",
)


@pytest.fixture
def desk(user):
    """A realm of which clients may show certificates; its authority is ``desk.authority``."""
    make_certificate(user.directory)
    user.authority = Authority(user.directory)
    user.write(SHOWN)
    return user


# --- certificates ---


def test_certificates_are_taken_by_any_of_their_names_and_from_a_file(desk):
    ann = desk.authority.client("ann").certificate
    words = ["--certificate", "subject=CN=ann,O=Example", "--certificate", "san=email:ann@EXAMPLE.com"]
    words += ["--certificate", f"fingerprint={'AB' * 32}", "--certificate-file", str(ann)]
    assert desk.add("ann", *words) == (0, "", "ann was added to realm1 with the role user, for tls\n")
    named = ("subject:CN=ann,O=Example", "email:ann@example.com", f"sha256:{'ab' * 32}", f"sha256:{fingerprint(ann)}")
    account = desk.kept("ann").account
    assert account.certificates == named
    assert account.password is None
    assert json.loads(desk("list", "--json")[1])[0]["certificates"] == list(account.certificates)


def test_passwd_gives_other_certificates_and_leaves_the_rest(desk):
    desk.add("joe", "--key", KEY, "--certificate", "san=DNS:joe.example")
    status, _, err = desk("passwd", "joe", "--certificate", "san=DNS:joe2.example")
    assert (status, err) == (0, "what proves joe was changed; it comes in by cryptosign, tls\n")
    account = desk.kept("joe").account
    assert (account.certificates, [key.hex() for key in account.keys]) == (("DNS:joe2.example",), [KEY])


def test_a_certificate_is_of_one_principal_alone(desk):
    desk.add("joe", "--certificate", "san=DNS:joe.example")
    status, _, err = desk.add("ann", "--certificate", "san=DNS:JOE.example")
    assert (status, err) == (1, "wampd user add: another principal of the realm 'realm1' has the same certificate\n")
    assert desk.kept("ann") is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--certificate CN=joe", "a certificate is fingerprint=…, subject=…, san=…, not 'CN=joe'"),
        ("--certificate san=", "a certificate is fingerprint=…, subject=…, san=…, not 'san='"),
        ("--certificate fingerprint=abc", "not a SHA-256 fingerprint, which is 64 hex digits: 'abc'"),
        ("--certificate subject=joe", "not a subject; write it like CN=joe,O=Example (RFC 4514): 'joe'"),
        ("--certificate san=joe.example", "not a subject alternative name; write it like DNS:host"),
        ("--certificate-file none.pem", "cannot read none.pem: No such file or directory"),
        ("--certificate-file config.yaml", "config.yaml holds no certificate (PEM)"),
    ],
)
def test_what_is_no_certificate_is_told(desk, words, said):
    desk.add("ann", "--ticket")
    status, out, err = desk.add("joe", *words.split())
    assert (status, out) == (2, "")
    assert err.startswith(f"wampd user add: {said}")
    assert desk.kept("joe") is None


def test_a_realm_may_have_nothing_but_certificates_in_the_store(desk):
    desk.write(SHOWN.replace("auth: {cryptosign: {}, store: true}", "auth: {tls: {}, store: true}"))
    assert desk.add("joe", "--certificate", "san=DNS:joe.example", realm="keys")[0] == 0
    assert "the realm offers no method that takes a password" in desk.add("ann", realm="keys")[2]


# --- factors ---


def test_factors_are_kept_in_their_order_and_listed(user):
    status, out, err = user.add("joe", "--ticket", "--key", KEY, *BOTH)
    assert (status, len(out)) == (0, 44)
    assert err.splitlines()[0] == "joe was added to realm1 with the role user, for cryptosign and ticket"
    assert user.kept("joe").account.factors == ("cryptosign", "ticket")
    assert user("list")[1].splitlines()[1].split()[:5] == ["realm1", "joe", "user", "enabled", "cryptosign+ticket"]
    assert json.loads(user("list", "--json")[1])[0]["factors"] == ["cryptosign", "ticket"]


def test_factors_are_given_later_and_taken_again_and_nothing_is_asked_for(user):
    user.add("joe", "--ticket", "--key", KEY)
    before = user.kept("joe").account
    told = "what proves joe was changed; it comes in by cryptosign and ticket\n"
    assert user("passwd", "joe", *BOTH) == (0, "", told)
    account = user.kept("joe").account
    assert (account.factors, account.ticket, account.keys) == (("cryptosign", "ticket"), before.ticket, before.keys)
    told = "what proves joe was changed; it comes in by ticket, cryptosign\n"
    assert user("passwd", "joe", "--no-factors") == (0, "", told)
    assert user.kept("joe").account == before


def test_factors_stay_when_what_proves_one_of_them_changes(user):
    user.add("joe", "--ticket", "--key", KEY, *BOTH)
    assert user("passwd", "joe", "--ticket")[0] == 0
    assert user("passwd", "joe", "--key", "22" * 32)[0] == 0
    assert user.kept("joe").account.factors == ("cryptosign", "ticket")


@pytest.mark.parametrize(
    ("factors", "said"),
    [
        ("ticket", "ticket: one factor is no more than a proof: name two at least, or none"),
        ("ticket ticket", 'ticket, ticket: "ticket" is here twice'),
        (
            "ticket cryptosing",
            'ticket, cryptosing: "cryptosing" is no method that proves a principal of this list;'
            ' did you mean "cryptosign"?',
        ),
        (
            "ticket cookie",
            'ticket, cookie: "cookie" is no method that proves a principal of this list;'
            " known here: cryptosign, scram, ticket, tls, wampcra",
        ),
        ("ticket tls", "ticket, tls: the realm's auth does not name tls"),
        ("ticket scram", "ticket, scram: nothing proves the principal by scram: give it password or scram"),
    ],
)
def test_factors_that_cannot_be_passed_are_refused(user, factors, said):
    user.add("ann", "--ticket", "--key", KEY)
    words = [word for name in factors.split() for word in ("--factor", name)]
    added = user.add("joe", "--ticket", "--key", "22" * 32, *words)
    assert added == (2, "", f"wampd user add: the factors {said}\n")
    assert user("passwd", "ann", *words) == (2, "", f"wampd user passwd: the factors {said}\n")
    assert user.kept("joe") is None
    assert user.kept("ann").account.factors == ()


def test_what_a_factor_needs_is_not_lost(user):
    user.add("joe", "--password-stdin", "--key", KEY, "--factor", "scram", "--factor", "cryptosign")
    before = user.kept("joe")
    status, _, err = user("passwd", "joe", "--password-stdin", "--methods", "ticket", stdin="hunter2 new")
    assert (status, "the factors scram, cryptosign: nothing proves the principal by scram" in err) == (2, True)
    assert user.kept("joe") == before


def test_a_factor_that_the_realm_has_given_up_keeps_nobody_from_a_new_ticket(user):
    user.add("joe", "--ticket", "--key", KEY, *BOTH)
    user.write(CONFIG.replace("      cryptosign: {}\n", "", 1))
    status, out, err = user("passwd", "joe", "--ticket")
    assert (status, len(out)) == (0, 44)
    assert "note that the realm does not offer cryptosign" in err


def test_factors_that_another_process_gives_meanwhile_stay(user, monkeypatch):
    user.add("joe", "--ticket", "--key", KEY)

    def meanwhile(connection, work):
        monkeypatch.undo()
        monkeypatch.chdir(user.directory)
        assert user("passwd", "joe", *BOTH)[0] == 0
        return carry_out(connection, work)

    monkeypatch.setattr("wampd.cli.user.carry_out", meanwhile)
    assert user("passwd", "joe", "--ticket")[0] == 0
    assert user.kept("joe").account.factors == ("cryptosign", "ticket")


def test_with_the_store_alone_any_method_may_be_a_factor_that_is_proved(user):
    store = ("--store", "other.sqlite")
    words = ("--certificate", "san=DNS:joe.example", "--key", KEY, "--factor", "tls", "--factor", "cryptosign")
    assert user.add("joe", *words, *store)[0] == 0
    connection = open_store(user.directory / "other.sqlite")
    assert principals.get(connection, "realm1", "joe").account.factors == ("tls", "cryptosign")
    connection.close()
    assert user("passwd", "joe", "--factor", "tls", "--factor", "scram", *store)[0] == 2
