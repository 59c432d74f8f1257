"""Webhooks: what the file may say, what is wrong with it, and what becomes of it."""

import subprocess
import sys

import pytest

from wampd.router.wiring.hooks import _rules

from .conftest import LISTENER, REALM

STORE = "store: {file: hooks.sqlite}\n"


def with_hooks(hooks: str, more: str = STORE) -> str:
    return REALM + f"    hooks: {hooks}\n" + LISTENER + more


def test_what_is_written_is_what_is_done(config):
    settings = config.load(
        with_hooks(
            "{topic_prefix: com.app.hook., ttl: 1 h, challenge: true, registrations: 1, registrations_per_key: 2,"
            " registrations_per_principal: 3, pending: 40, pending_per_hook: 4,"
            " pending_per_principal: 12, event_size: 1 KiB, size: 2 MiB,"
            " dead_letters: 5, logged: 6, deliveries: {timeout: 2 s, attempts: 7, refusals: 8, "
            "first_retry: 1 s, longest_retry: 3 s, at_once: 9,"
            " per_host: 10, failures: 11, pause: 4 s, longest_pause: 5 s}}"
        )
    )
    hooks = settings.realms[0].hooks
    assert (hooks.topic_prefix, hooks.ttl, hooks.challenge) == ("com.app.hook.", 3600.0, True)
    rules = _rules(hooks)
    patience, hosts, bounds = rules.patience, rules.hosts, rules.bounds
    assert (patience.first, patience.longest, patience.attempts, patience.refusals) == (1.0, 3.0, 7, 8)
    assert (hosts.concurrency, hosts.failures, hosts.pause, hosts.longest) == (10, 11, 4.0, 5.0)
    assert (bounds.in_all, bounds.per_key, bounds.per_owner) == (1, 2, 3)
    assert (rules.at_once, rules.timeout, rules.pending, rules.pending_per_hook, rules.pending_per_owner) == (
        9,
        2.0,
        40,
        4,
        12,
    )
    assert (rules.event_size, rules.size, rules.dead_letters, rules.logged) == (1024, 2 * 2**20, 5, 6)


@pytest.mark.parametrize(
    ("hooks", "expected"),
    [
        ("{topic_prefix: hook}", 'realms[0].hooks.topic_prefix: "hook" is not the beginning of topics'),
        ("{topic_prefix: wampd.x.}", 'realms[0].hooks.topic_prefix: "wampd.x." is not the beginning of topics'),
        ("{topic_prefix: wamp.}", "realms[0].hooks.topic_prefix: "),
        ("{topic_prefix: a..b.}", "realms[0].hooks.topic_prefix: "),
        ("{topic_prefix: .}", "realms[0].hooks.topic_prefix: "),
        ("{ttl: 0 s}", "realms[0].hooks.ttl: "),
        ("{event_size: 2 MiB, size: 1 MiB}", "realms[0].hooks.size: must be at least event_size"),
        ("{pending: 10}", "realms[0].hooks.pending: must be at least pending_per_hook"),
        (
            "{deliveries: {first_retry: 2 h}}",
            "realms[0].hooks.deliveries.longest_retry: must be at least as long as first_retry",
        ),
        ("{deliveries: {pause: 1 h}}", "realms[0].hooks.deliveries.longest_pause: must be at least as long as pause"),
        ("{deliveries: {attempts: 0}}", "realms[0].hooks.deliveries.attempts: "),
        ("{chalenge: true}", 'realms[0].hooks.chalenge: unknown key; did you mean "challenge"?'),
    ],
)
def test_what_cannot_be_is_reported(config, hooks, expected):
    assert expected in config.problem(with_hooks(hooks))


def test_webhooks_want_a_store(config):
    assert config.problem(with_hooks("{}", "")) == (
        'realms[0].hooks: there is no store; webhooks want "store: {file: wampd.sqlite}" beside "realms"'
    )


def test_realms_on_demand_have_none(config):
    text = with_hooks("{}").replace("name: realm1", "name: realm1.\n    match: prefix")
    assert "only realms that are always there" in config.problem(text)


PATH = "    http: {/hook: {type: hook, realm: realm1, role: anonymous, insecure: true}}\n"


def test_a_path_wants_a_realm_with_webhooks(config):
    assert config.load(REALM + "    hooks: {}\n" + LISTENER + PATH + STORE)
    assert config.problem(REALM + LISTENER + PATH) == (
        'listeners[0].http["/hook"].realm: the realm "realm1" has no hooks'
    )


def test_a_path_says_as_whom(config):
    text = REALM + "    hooks: {}\n" + LISTENER + PATH.replace(", insecure: true", "") + STORE
    assert "anybody could do this in the role" in config.problem(text)


def test_a_router_without_webhooks_loads_nothing_of_them(config):
    config.write(REALM + LISTENER)
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from twisted.internet.task import Clock\n"
        "from wampd.router.daemon import Daemon\n"
        "from wampd.router.settings import load\n"
        f"Daemon(Clock(), load(Path({str(config.directory / 'config.yaml')!r}), {{}}))\n"
        "print([name for name in sys.modules if name.startswith(('treq', 'wampd.router.hooks', 'wampd.router.outgoing'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
