"""Nodes and types → structs: all problems at once, each in one place; defaults; nothing but a SettingsError escapes."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wampd.router.settings import (
    GuestComponent,
    OnDemand,
    ProcessLimits,
    RealmLimits,
    Settings,
    SettingsError,
    TransportLimits,
    load,
)
from wampd.router.settings.problems import MOST, MOST_KNOWN, Place, Problem, did_you_mean, quote, show

from .conftest import LISTENER, PATH, REALM

GOOD = REALM + LISTENER


def test_all_problems_are_reported_at_once_in_the_order_of_the_file(config):
    text = """\
    realms:
      - name: realm1
        uri_chek: loose
        rolls: []
        auth: {anonymous: {role: x}}
      - name: realm 2
        strict_request_ids: yes
        roles:
          - name: a
            permissions: [{uri: a.b, allow: [call, cal]}, {allow: call}]
          - {}
        auth: {}
    listeners:
      - endpoint: tcp:x
        rawsocket:
      - {}
    components:
      - name: ${NO}
        command: [nonesuch]
    log: {level: loud}
    unheard_of: 1
    """
    assert config.problems(text) == [
        'config.yaml:3:5: realms[0].uri_chek: unknown key; did you mean "uri_check"?',
        'config.yaml:4:5: realms[0].rolls: unknown key; did you mean "roles"?',
        'config.yaml:6:11: realms[1].name: "realm 2" is not a URI (match: exact, uri_check: loose)',
        'config.yaml:7:25: realms[1].strict_request_ids: expected true or false, not "yes"',
        "config.yaml:10:48: realms[1].roles[0].permissions[0].allow[1]: expected one of call, force_reregister, publish,"
        ' register, subscribe, not "cal"; did you mean "call"?',
        "config.yaml:10:55: realms[1].roles[0].permissions[1].uri: this key is missing",
        "config.yaml:10:63: realms[1].roles[0].permissions[1].allow: expected a list; write [ ] around it",
        "config.yaml:11:9: realms[1].roles[1].name: this key is missing",
        "config.yaml:12:11: realms[1].auth: nobody can join: there is no authentication method; known are anonymous,"
        " ticket, cryptosign, tls, cookie, wampcra, scram, jwt",
        "config.yaml:14:15: listeners[0].endpoint: not a Twisted server endpoint string:"
        " 'x' is not a number of base 10",
        "config.yaml:15:15: listeners[0].rawsocket: expected a mapping; write {} for the defaults",
        "config.yaml:16:5: listeners[1].endpoint: this key is missing",
        "config.yaml:18:11: components[0].name: the environment variable NO is not set, and there is no default",
        'config.yaml:20:14: log.level: expected one of critical, debug, error, info, warn, not "loud"',
        "config.yaml:21:1: unheard_of: unknown key; known here: limits, store, outgoing, control, process",
    ]


def test_what_is_missing_altogether_is_reported(config):
    assert config.problems("{}") == [
        "config.yaml:1:1: realms: this key is missing",
        "config.yaml:1:1: listeners: this key is missing",
    ]


def test_rules_see_the_places_of_items_after_a_bad_one(config):
    roles = "[{nam: x}, {name: a, permissions: [5, {uri: a.b, allow: []}, {uri: a.b, allow: []}]}, {name: a}]"
    problems = config.problems(GOOD.replace("[{name: anonymous}]", roles))
    assert 'realms[0].roles[1].permissions[2]: there is another rule for "a.b" with match: exact' in "\n".join(problems)
    assert 'realms[0].roles[2].name: there is another role "a"' in "\n".join(problems)


def test_a_mistake_in_a_role_does_not_make_the_role_unknown(config):
    assert config.problem(GOOD.replace("{name: anonymous}", "{nam: anonymous}")) == (
        'realms[0].roles[0].nam: unknown key; did you mean "name"?'
    )


def test_a_list_of_actions_holds_each_once(config):
    rule = "{name: anonymous, permissions: [{uri: a.b, allow: [call, call]}]}"
    problem = config.problem(GOOD.replace("{name: anonymous}", rule))
    assert problem == 'realms[0].roles[0].permissions[0].allow[1]: "call" is here twice'


def test_the_defaults_are_those_that_are_promised(config):
    read = config.load(GOOD)
    assert read.limits == ProcessLimits(connections=50_000, spare_descriptors=32, drain=10.0, stop=30.0)
    assert read.realms[0].limits == RealmLimits(
        sessions=None,
        retained=10_000,
        subscriptions=10_000,
        registrations=10_000,
        pending_calls=10_000,
        testaments=100,
        definitions=1_000,
        uri_length=512,
        payload_size=None,
        depth=None,
        call_rate=None,
        publication_rate=None,
    )
    assert read.realms[0].on_demand == OnDemand(realms=1_000, opened_by=None, keep=3600.0)
    assert read.listeners[0].limits == TransportLimits(
        handshake_timeout=5.0,
        join_timeout=10.0,
        idle_timeout=10.0,
        close_timeout=5.0,
        ping_interval=30.0,
        ping_timeout=10.0,
        message_size=1024**2,
        fragments=1024,
        depth=64,
        header_size=16384,
        header_lines=100,
        send_queue=16 * 1024**2,
        send_stall=10.0,
        connections_per_address=None,
    )
    assert (read.realms[0].slow_consumer, read.realms[0].uri_check, read.realms[0].strict_request_ids) == (
        "disconnect",
        "loose",
        False,
    )
    assert (read.log.level, read.log.format, read.components) == ("info", "auto", ())


def test_by_default_websockets_take_pages_of_the_same_host_and_do_not_compress(config):
    path = config.load(GOOD + "    websocket: {/ws: {type: wamp}}").listeners[0].websocket["/ws"]
    assert (path.origins, path.compression, path.serializers) == (("same-host",), None, ("json", "msgpack", "cbor"))


def test_compression_keeps_no_context_and_a_small_window_unless_told(config):
    text = GOOD + "    websocket: {/ws: {type: echo, compression: {}}}"
    compression = config.load(text).listeners[0].websocket["/ws"].compression
    assert (compression.window_bits, compression.no_context_takeover) == (12, True)


def test_the_settings_cannot_be_changed(config):
    read = config.load(GOOD)
    with pytest.raises(AttributeError):
        read.log = None


def test_a_component_runs_in_the_directory_of_its_file_by_default(config):
    assert config.load(GOOD + "components: [{name: x, command: [sh]}]").components[0] == GuestComponent(
        name="x", command=("sh",), directory=config.directory
    )


def test_paths_are_absolute_even_if_the_file_was_named_relative(config, monkeypatch):
    config.write(GOOD + "    http: {/: {type: static, directory: site}}", "sub/config.yaml")
    (config.directory / "sub" / "site").mkdir()
    monkeypatch.chdir(config.directory)
    read = load(Path("sub/config.yaml"), {})
    assert read.listeners[0].http["/"].directory == config.directory / "sub" / "site"


def test_problems_name_the_file_as_it_was_named(config, monkeypatch):
    config.write(GOOD + "log: []", "sub/config.yaml")
    monkeypatch.chdir(config.directory)
    with pytest.raises(
        SettingsError, match=r"^sub/config\.yaml:8:6: log: expected a mapping; write {} for the defaults$"
    ):
        load(Path("sub/config.yaml"), {})


# --- messages ---


def test_paths_of_keys_are_written_as_people_write_them():
    assert show(("listeners", 0, "websocket", "/ws", "type")) == 'listeners[0].websocket["/ws"].type'
    assert show(("/ws",)) == '["/ws"]'
    assert show(()) == ""


def test_what_somebody_wrote_is_quoted_on_one_line_and_cut():
    assert quote('a"b\n\x1b[2J') == '"a\\"b\\n\\u001b[2J"'
    assert len(quote("x" * 1000)) == 62


def test_did_you_mean_takes_a_word_that_is_a_part_for_the_one_that_is_meant():
    assert did_you_mean("wamp-scram", ["wampcra", "scram"]) == '; did you mean "scram"?'
    assert did_you_mean("wamp-cra", ["wampcra", "scram"]) == '; did you mean "wampcra"?'


@pytest.mark.parametrize(
    ("word", "meant"), [("rolls", "roles"), ("Roles", "roles"), ("uri-check", "uri_check"), ("xyz", None)]
)
def test_did_you_mean_finds_the_word_that_looks_like_it(word, meant):
    hint = did_you_mean(word, ["name", "roles", "uri_check"])
    assert hint == (f'; did you mean "{meant}"?' if meant else "; known here: name, roles, uri_check")


def test_an_unknown_key_beside_all_known_ones_has_no_hint(config):
    assert (
        config.problem(GOOD + "log: {level: info, levels: {}, format: text, burst: 9, formt: text}")
        == "log.formt: unknown key"
    )


def test_problems_are_sorted_within_their_file_and_said_once():
    one, two = Path("one"), Path("two")
    problems = [
        Problem(Place(*at), (), "x") for at in ((one, 2, 1), (two, 1, 1), (one, 1, 9), (one, 2, 1), (one, 1, 10))
    ]
    assert [str(problem.place) for problem in SettingsError(problems).problems] == [
        "one:1:9",
        "one:1:10",
        "one:2:1",
        "two:1:1",
    ]


# --- very many of them ---


def unknown_keys(number: int) -> str:
    return "".join(f"unknown_{n}: 1\n" for n in range(number))


def steps(check: Callable[[], object]) -> int:
    """How much is done, by calls of functions and values that generators yield: no clock."""
    count = 0

    def step(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(step)
    try:
        check()
    finally:
        sys.setprofile(before)
    return count


def test_no_more_than_so_many_are_looked_for(config):
    file = config.write(unknown_keys(MOST + 1))
    with pytest.raises(SettingsError) as caught:
        load(file, PATH)
    assert len(caught.value.problems) == MOST
    assert caught.value.problems[-1].path == (f"unknown_{MOST - 1}",)
    last = str(caught.value).splitlines()[-1]
    assert last == f"these are {MOST} problems; there may be more, which were not looked for"


def test_one_less_is_all(config):
    shown = config.problems(unknown_keys(MOST - 3))  # and no realms, no listeners
    assert len(shown) == MOST - 1
    assert "there may be more" not in shown[-1]


def test_a_file_that_is_broken_everywhere_is_not_read_on(config):
    file = config.write("a: 1\n" * (MOST + 5))
    with pytest.raises(SettingsError) as caught:
        load(file, PATH)
    assert len(caught.value.problems) == MOST
    assert caught.value.has_more


def test_a_mistake_costs_the_same_however_much_is_wrong(config):
    def check(many: int) -> int:
        file = config.write(GOOD + unknown_keys(many))

        def wrong() -> None:
            with pytest.raises(SettingsError):
                load(file, PATH)

        return steps(wrong)

    assert check(2 * MOST) < 6 * check(MOST // 2)  # four times as many keys


def test_names_that_are_too_many_to_compare_with_are_not_listed_all():
    known = [f"name{number}" for number in range(2 * MOST_KNOWN)]
    hint = did_you_mean("zzz", known)
    assert hint.count(",") == MOST_KNOWN
    assert hint.endswith(f"{known[MOST_KNOWN - 1]}, …")


# --- laws ---

KEYS = ("realms", "name", "roles", "permissions", "auth", "ticket", "listeners", "endpoint", "websocket", "rawsocket")
VALUES = ("tcp:1", "wamp", "call", "type", "file", "uri", "allow", "${A}", "${NO}", "!include x", "5", "true", "")
SYNTAX = ("&a", "*a", "-", ":", ",", "{}", "[", "]")
words = st.sampled_from((*KEYS, *VALUES, *SYNTAX))
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=5),
    max_leaves=25,
)


@given(documents)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
def test_any_document_gives_settings_or_problems(config, document):
    import yaml

    only_problems(config, yaml.safe_dump(document, allow_unicode=True).encode())


@given(st.binary(max_size=60) | st.lists(words, max_size=12).map(lambda it: " ".join(it).encode()))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
def test_any_bytes_give_settings_or_problems(config, data):
    only_problems(config, data)


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
def test_a_good_file_with_one_change_gives_settings_or_problems(config, data):
    good = dedent(GOOD).encode()
    at = data.draw(st.integers(0, len(good)))
    only_problems(config, good[:at] + data.draw(st.binary(max_size=3)) + good[at + data.draw(st.integers(0, 3)) :])


def only_problems(config, data: bytes) -> None:
    file = config.write(data)
    try:
        result: Settings | SettingsError = load(file, {"A": "a"})
    except SettingsError as error:
        result = error
    if isinstance(result, SettingsError):
        assert result.problems
        assert all(it.place.line > 0 and it.place.column > 0 and it.message for it in result.problems)
    else:
        assert result.realms


def test_a_large_configuration_is_read_fast(config):
    rules = "".join(f"          - {{uri: com.example.n{i}., match: prefix, allow: [call]}}\n" for i in range(500))
    text = GOOD.replace("roles: [{name: anonymous}]", f"roles:\n      - name: anonymous\n        permissions:\n{rules}")
    config.load(text)
    started = time.process_time()
    config.load(text)
    assert time.process_time() - started < 1.0  # it takes a tenth of that; machines differ
