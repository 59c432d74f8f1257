"""What is wrong with authenticators, factors and the tolerance for failed joins, where it stands."""

from __future__ import annotations

import pytest

from tests.settings.conftest import LISTENER, REALM
from wampd.auth.throttle import Tolerance
from wampd.router.wiring.doors import tolerance

GOOD = REALM + LISTENER
ASKING = """\
  - name: asking
    roles:
      - name: authenticator
        permissions: [{uri: com.auth., match: prefix, allow: [register]}]
    auth: {anonymous: {role: authenticator}}
"""


def asked(authenticator: str, method: str = "ticket", more: str = "") -> str:
    realm = REALM.replace("{anonymous: {}}", f"{{{method}: {{authenticator: {{{authenticator}}}}}{more}}}")
    return realm + ASKING + LISTENER


@pytest.mark.parametrize("method", ["ticket", "wampcra", "scram", "anonymous"])
def test_an_authenticator_may_be_in_another_realm(config, method):
    realm, _ = config.load(asked("procedure: com.auth.p, realm: asking, timeout: 500 ms", method)).realms
    authenticator = getattr(realm.auth, method).authenticator
    assert (authenticator.procedure, authenticator.realm) == ("com.auth.p", "asking")
    assert (authenticator.timeout, authenticator.pending_calls) == (0.5, 1000)


@pytest.mark.parametrize(
    ("authenticator", "problem"),
    [
        ("realm: asking", "procedure: this key is missing"),
        ("procedure: com.auth.p, realm: askin", 'realm: there is no realm "askin"; did you mean "asking"?'),
        ("procedure: com..p, realm: asking", 'procedure: "com..p" is not a URI (uri_check: loose)'),
        ("procedure: wamp.p, realm: asking", "procedure: nobody can register procedures under wamp."),
        (
            "procedure: com.p, realm: asking",
            'procedure: no role of the realm "asking" may register it; give one a rule with allow: [register]',
        ),
        (
            "procedure: com.auth.p",
            'procedure: no role of the realm "realm1" may register it; give one a rule with allow: [register]',
        ),
        ("procedure: com.auth.p, realm: asking, timeout: 0", "timeout: must be more than 0"),
        ("procedure: com.auth.p, realm: asking, pending_calls: 0", "pending_calls: must be at least 1"),
        ("procedur: com.auth.p", 'procedur: unknown key; did you mean "procedure"?'),
    ],
)
def test_an_authenticator_that_cannot_be_asked_is_reported(config, authenticator, problem):
    first = config.problems(asked(authenticator))[0].split(" ", 1)[1]
    assert first == f"realms[0].auth.ticket.authenticator.{problem}"


def test_an_authenticator_that_nobody_can_register_is_reported(config):
    text = asked("procedure: com.auth.p").replace(
        "[{name: anonymous}]", "[{name: backend, permissions: [{uri: com.auth.p, allow: [register]}]}]"
    )
    assert config.problem(text) == (
        'realms[0].auth.ticket.authenticator: nobody can come into the realm "realm1" to register it, as all of its'
        " methods ask authenticators there"
    )


def test_a_template_must_name_the_realm_of_its_authenticator(config):
    text = asked("procedure: com.auth.p").replace("name: realm1", "name: com.\n    match: prefix")
    assert config.problem(text) == (
        "realms[0].auth.ticket.authenticator.realm: there are many realms of a template: name the one that it is"
        " registered in"
    )


def test_principals_are_not_given_proofs_that_an_authenticator_judges(config):
    principals = ", principals: [{authid: joe, role: anonymous, ticket: hunter2}]"
    problem = config.problem(asked("procedure: com.auth.p, realm: asking", more=principals))
    assert problem == (
        "realms[0].auth.principals[0].ticket: no method uses this: who comes in by ticket is decided by the authenticator"
    )


def test_the_store_keeps_nobody_for_a_method_that_an_authenticator_judges(config):
    text = asked("procedure: com.auth.p, realm: asking", more=", store: true")
    assert config.problem(f"store: {{file: wampd.sqlite}}\n{text}") == (
        "realms[0].auth.store: no method uses this: who comes in by ticket is decided by the authenticator"
    )


def test_the_role_of_anonymous_sessions_is_said_by_their_authenticator(config):
    text = asked("procedure: com.auth.p, realm: asking", "anonymous").replace(
        "anonymous: {authenticator", "anonymous: {role: visitor, authenticator"
    )
    assert config.problem(text) == "realms[0].auth.anonymous.role: the role is said by the authenticator"


# ------------------------------------------------------------------------------------------------------------- factors


def with_factors(factors: str, auth: str = "ticket: {}, wampcra: {}") -> str:
    joe = f"{{authid: joe, role: anonymous, ticket: hunter2, wampcra: {{secret: hunter2}}, factors: {factors}}}"
    return GOOD.replace("{anonymous: {}}", f"{{{auth}, principals: [{joe}]}}")


@pytest.mark.spec("AUT-06")
def test_a_principal_may_have_to_pass_several_factors(config):
    (realm,) = config.load(with_factors("[wampcra, ticket]")).realms
    assert realm.auth.principals[0].factors == ("wampcra", "ticket")
    (realm,) = config.load(with_factors("[]")).realms
    assert realm.auth.principals[0].factors == ()


@pytest.mark.spec("AUT-06")
@pytest.mark.parametrize(
    ("factors", "problem"),
    [
        ("[ticket]", "factors: one factor is no more than a proof: name two at least, or none"),
        ("[ticket, wampcra, ticket]", 'factors[2]: "ticket" is here twice'),
        ("[ticket, wamcpra]", '"wamcpra" is no method that proves a principal of this list; did you mean "wampcra"?'),
        ("[ticket, anonymous]", '"anonymous" is no method that proves a principal of this list'),
        ("[ticket, scram]", "factors[1]: the realm's auth does not name scram"),
    ],
)
def test_factors_that_cannot_be_passed_are_reported(config, factors, problem):
    found = config.problem(with_factors(factors))
    assert found.startswith("realms[0].auth.principals[0].factors")
    assert problem in found


def test_a_factor_that_the_principal_cannot_prove_is_reported(config):
    assert config.problem(with_factors("[ticket, scram]", "ticket: {}, wampcra: {}, scram: {}")) == (
        "realms[0].auth.principals[0].factors[1]: nothing proves the principal by scram: give it password or scram"
    )


# ---------------------------------------------------------------------------------------------------------- the throttle


def failed_joins(text: str) -> str:
    return GOOD + f"limits: {{failed_joins: {text}}}\n"


@pytest.mark.spec("AUT-08")
def test_the_tolerance_for_failed_joins(config):
    settings = config.load(GOOD)
    assert tolerance(settings.limits.failed_joins) == Tolerance()
    settings = config.load(
        failed_joins("{pair: 3, address: null, window: 5 min, shared_addresses: [10.0.0.0/8, '::1']}")
    )
    found = tolerance(settings.limits.failed_joins)
    assert (found.of_pair, found.of_address, found.window) == (3, None, 300.0)
    assert [str(network) for network in found.shared] == ["10.0.0.0/8", "::1/128"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{pair: 0}", "pair: must be at least 1"),
        ("{delay: 0}", "delay: must be more than 0"),
        ("{delay: 60 s}", "longest_delay: must be at least as long as delay"),
        ("{remembered: 0}", "remembered: must be at least 1"),
        (
            "{shared_addresses: [localhost]}",
            'shared_addresses[0]: "localhost" is not an address, and not a network like 10.0.0.0/8',
        ),
        (
            "{shared_addresses: [10.0.0.1/8]}",
            'shared_addresses[0]: "10.0.0.1/8" is not an address, and not a network like 10.0.0.0/8',
        ),
        ("{pairs: 5}", 'pairs: unknown key; did you mean "pair"?'),
    ],
)
def test_a_tolerance_that_is_none_is_reported(config, text, problem):
    assert config.problem(failed_joins(text)) == f"limits.failed_joins.{problem}"


@pytest.mark.spec("AUT-04")
def test_clients_may_be_told_of_unknown_principals(config):
    assert config.load(GOOD).realms[0].auth.unknown_principals == "deny"
    told = GOOD.replace("{anonymous: {}}", "{anonymous: {}, unknown_principals: tell}")
    assert config.load(told).realms[0].auth.unknown_principals == "tell"
    wrong = GOOD.replace("{anonymous: {}}", "{anonymous: {}, unknown_principals: yes}")
    assert config.problem(wrong).startswith("realms[0].auth.unknown_principals: ")
