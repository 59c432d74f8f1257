"""The client commands as a shell gives them, against a router that runs: what they print, and how they end.

docs/client.md shows them.
"""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.client_support import CONFIG, Shell
from tests.support.process import START_TIMEOUT, running_wampd
from wampd.auth.keys import SigningKey

SEED = "5a" * 32


@pytest.fixture(scope="module")
def wampd(tmp_path_factory):
    directory = tmp_path_factory.mktemp("w")
    config = directory / "config.yaml"
    key = SigningKey(bytes.fromhex(SEED)).public.hex()
    config.write_text(CONFIG.format(directory=directory, key=key))
    config.chmod(0o600)
    with running_wampd(config, directory / "log") as (process, port):
        yield Shell(directory, port, process)


@pytest.fixture
def secret(tmp_path):
    def write(text, mode=0o600):
        file = tmp_path / "secret"
        file.write_text(text)
        file.chmod(mode)
        return file

    return write


@pytest.fixture
def serve(wampd):
    """Serve a procedure for the time of a test."""
    running = []

    def start(uri, *words):
        each = wampd.start("register", uri, *words)
        running.append(each)
        each.wait_for(f"serving {uri}")
        return each

    yield start
    for each in running:
        if each.process.poll() is None:
            assert each.end(signal.SIGTERM) == 143
        else:
            each.end()


# -------------------------------------------------------------------------------------------------- call and register


def test_arguments_are_json_or_text_and_so_is_what_is_printed(wampd, serve):
    serve("com.example.echo", "--echo")
    assert wampd("call", "com.example.echo", "five").value == "five"
    assert wampd("call", "com.example.echo", "--", "-5").value == -5
    assert wampd("call", "com.example.echo").value is None
    assert wampd("call", "com.example.echo", "1", '"2"', "[3]", "ü").value == [1, "2", [3], "ü"]
    named = wampd("call", "com.example.echo", "1", "-k", "a=2", "-k", "b=x=y")
    assert named.value == {"args": [1], "kwargs": {"a": 2, "b": "x=y"}}
    assert wampd("call", "com.example.echo", "1", "--full").value == {"args": [1], "kwargs": {}, "details": {}}
    assert wampd("call", "com.example.echo", "a b", "--raw").out == "a b\n"
    given = wampd("call", "com.example.echo", "--raw-json", "-", stdin='{"args": [1], "kwargs": {"a": null}}')
    assert given.value == {"args": [1], "kwargs": {"a": None}}


def test_bytes_are_as_wamp_has_them_in_json_whatever_is_spoken(wampd, serve):
    serve("com.example.bytes", "--echo", "--serializer", "msgpack")
    for serializer in ("json", "cbor"):
        done = wampd("call", "com.example.bytes", r'"\u0000AP8="', "--serializer", serializer, "--url", wampd.rs)
        assert done.out == '"\\u0000AP8="\n'


def test_control_characters_of_others_do_not_reach_a_terminal(wampd, serve):
    serve("com.example.control", "--result", r'"\u001b[2J\u009b2J"')
    assert wampd("call", "com.example.control").out == '"\\u001b[2J\\u009b2J"\n'


def test_a_program_has_the_call_on_its_input_and_its_output_is_the_result(wampd, serve):
    serve("com.example.program", "--command", "cat")
    told = wampd("call", "com.example.program", "1", "-k", "a=2").value
    assert (told["procedure"], told["args"], told["kwargs"]) == ("com.example.program", [1], {"a": 2})
    serve("com.example.text", "--command", "echo not json")
    assert wampd("call", "com.example.text").value == "not json"
    serve("com.example.ignorant", "--command", "exec <&-; echo 5")
    assert wampd("call", "com.example.ignorant", "x" * 100_000).value == 5


def test_what_a_caller_sends_is_never_part_of_a_command_line(wampd, serve, tmp_path):
    serve("com.example.harmless", "--command", "cat >/dev/null; echo 1")
    wampd("call", "com.example.harmless", f"$(touch {tmp_path}/broken)", f"; touch {tmp_path}/broken")
    assert not (tmp_path / "broken").exists()


def test_a_program_that_fails_is_an_error_and_only_what_it_chooses_is_told(wampd, serve):
    failing = serve("com.example.failing", "--command", "echo hidden; echo seen here >&2; exit 3")
    failed = wampd("call", "com.example.failing")
    assert (failed.status, failed.out) == (1, "")
    assert failed.err == "wampd call: wampd.error.command_failed: the program ended with status 3\n"
    failing.wait_for("seen here")
    serve("com.example.choosing", "--command", """echo '{"error": "com.example.bad", "args": [1, "x"]}'; exit 1""")
    assert wampd("call", "com.example.choosing").err == 'wampd call: com.example.bad: 1 "x"\n'
    told = wampd("call", "com.example.choosing", "--json")
    assert told.err == '{"error":"com.example.bad","args":[1,"x"],"kwargs":{}}\n'


def test_parts_of_a_result_are_lines(wampd, serve):
    serve("com.example.parts", "--progress", "--command", "echo 1; echo two; echo 3")
    assert wampd("call", "com.example.parts", "--progress").lines == [1, "two", 3]
    assert wampd("call", "com.example.parts").value == "1\ntwo\n3"


def programs_of(serving):
    """The processes that a callee has started."""
    return Path(f"/proc/{serving.process.pid}/task/{serving.process.pid}/children").read_text().split()


def test_a_call_that_takes_too_long_is_given_up_and_its_program_ended(wampd, serve):
    slow = serve("com.example.slow", "--command", "sleep 60")
    late = wampd("call", "com.example.slow", "--timeout", "0.5")
    assert (late.status, "no answer within 0.5 s" in late.err) == (4, True)
    bounded = serve("com.example.bounded", "--timeout", "0.2", "--command", "sleep 60")
    over = wampd("call", "com.example.bounded")
    assert (over.status, "longer than 0.2 s" in over.err) == (4, True)
    for serving in (slow, bounded):
        wampd.router.wait_until(lambda serving=serving: programs_of(serving) == [], "its program has ended")


def test_a_program_that_prints_without_end_is_ended(wampd, serve):
    serve("com.example.yes", "--command", "yes")
    assert "prints too much" in wampd("call", "com.example.yes", "--timeout", "30").err


def test_as_many_calls_run_at_once_as_is_said(wampd, serve):
    serving = serve("com.example.two", "--concurrency", "2", "--count", "2", "--command", "sleep 0.5; echo 1")
    both = [wampd.start("call", "com.example.two") for _ in range(2)]
    assert [(each.line(), each.end()) for each in both] == [("1\n", 0)] * 2
    assert serving.process.wait(START_TIMEOUT) == 0


def test_what_is_registered_already_is_said(wampd, serve):
    serve("com.example.taken", "--echo")
    second = wampd("register", "com.example.taken", "--echo")
    assert second.status == 1
    assert second.err.startswith("wampd register: wamp.error.procedure_already_exists")


def test_a_role_that_was_asked_for_and_not_given_is_said(wampd, serve):
    serve("com.example.roles", "--result", "1")
    done = wampd("call", "com.example.roles", "--role", "boss")
    assert (done.status, done.value) == (0, 1)
    assert done.err == "wampd call: note: the router gave the role 'guest', not 'boss'\n"


# ------------------------------------------------------------------------------------------------------- exit statuses


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["call", "com.example.nothing"], 1, "wamp.error.no_such_procedure"),
        (
            ["call", "com.other"],
            1,
            "wamp.error.not_authorized: this session may not call this URI (com.other, as guest in realm1",
        ),
        (["call", "com.example.a", "--timeout", "x"], 2, "invalid value for '--timeout': 'x' is not a number; see"),
        (["call"], 2, "missing argument"),
        (["call", "com.example.a", "--url", "x"], 2, "begins with none of"),
        (["call", "com.example.a", "--url", "127.0.0.1:1"], 2, "; did you mean ws://127.0.0.1:1/ws?"),
        (["call", "com.example.a", "-5"], 2, "no such option '-5'; numbers below zero come after --"),
        (["call", "com.example.a", "--authid", "joe"], 2, "nothing proves that you are joe: give --secret-file"),
        (["call", "com.example.a", "-k", "x"], 2, "not name=value"),
        (["call", "com.example.a", "1", "--raw-json", "-"], 2, "not from both"),
        (["call", "com.example.a", "--raw-json", "/nowhere"], 2, "cannot be read"),
        (["call", "com.example.a", "--auth", "ticket"], 2, "needs a secret"),
        (["call", "com.example.a", "--authid", "joe", "--secret-file", "/nowhere"], 2, "cannot read"),
        (["call", "com.example.a", "--url", "wss://127.0.0.1:1/ws", "--ca", "/nowhere"], 2, "cannot read /nowhere"),
        (["call", "com.example.a", "--profile", "none"], 2, "no profile"),
        (["profile", "show"], 2, "there are no profiles"),
        (["profile", "show", "none"], 2, "there is no profile 'none'"),
        (["call", "com.example.a", "--realm", "nowhere"], 3, "there is no realm 'nowhere'"),
        (["call", "com.example.a", "--url", "ws://127.0.0.1:1/ws"], 3, "nobody listens there; does the router run"),
        (["call", "com.example.a", "--url", "rs+unix:///no.sock"], 3, "there is no such socket; does the router run?"),
        (["call", "com.example.a", "--serializer", "ubjson"], 3, "wamp.2.cbor.batched; try another --serializer"),
        (
            ["call", "com.example.a", "--authid", "joe", "--secret-file", "-"],
            3,
            "(by ticket, which the router has chosen",
        ),
        (
            ["call", "com.example.a", "--auth", "ticket", "--authid", "joe", "--secret-file", "-"],
            3,
            "failed (by ticket)",
        ),
        (["call", "com.example.a", "--auth", "jwt", "--secret-file", "-"], 3, "not let into the realm"),
        (["register", "com.example.a"], 2, "one of --command, --echo, --result"),
        (["register", "com.example.a", "--result", "{"], 2, "not JSON"),
        (["publish", "--lines", "com.example.a", "1"], 2, "on standard input"),
        (["publish", "com.other.topic", "--ack"], 1, "wamp.error.not_authorized"),
        (["publish", "com.other.topic"], 1, "wamp.error.not_authorized: this session may not publish to this URI"),
        (["subscribe", "com.other.topic"], 1, "; wampd auth explain tells why)"),
        (["subscribe", "com.example.a", "--timeout", "0.1"], 4, "0 events within 0.1 s"),
        (["tail", "com.example.a", "--timeout", "0.1"], 4, "0 events within 0.1 s"),
        (["top"], 2, "no terminal to draw on"),
    ],
)
def test_scripts_are_told_by_the_status_what_went_wrong(wampd, words, status, said):
    done = wampd(*words, stdin="a-token\n")
    assert (done.status, done.out) == (status, "")
    assert said in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_who_is_interrupted_says_goodbye(wampd, number, status):
    running = wampd.start("register", "com.example.interrupted", "--echo")
    running.wait_for("serving")
    assert running.end(number) == status
    assert "Traceback" not in running.err
    again = wampd.start("register", "com.example.interrupted", "--echo")  # which is free again
    again.wait_for("serving")
    assert again.end(signal.SIGTERM) == 143


def test_the_wrong_door_is_told_from_the_wrong_key(wampd):
    place = wampd.url.removeprefix("ws://").removesuffix("/ws")
    for url, said in [
        (f"ws://{place}", "; is the path right? It often is /ws"),
        (f"wss://{place}/ws", "the handshake of TLS was cut off; if there is no TLS on that port"),
        (f"rss://{place}", "the handshake of TLS was cut off; if there is no TLS on that port"),
    ]:
        done = wampd("call", "com.example.a", "--url", url)
        assert (done.status, done.out) == (3, "")
        assert said in done.err


def test_who_waits_for_lines_can_be_interrupted(wampd):
    reader, writer = os.pipe()
    running = wampd.start("publish", "com.example.waits", "--lines", "--ack", stdin=reader)
    os.write(writer, b"1\n")
    assert running.line().strip().isdigit()  # it is there, and waits for the next line
    assert running.end(signal.SIGINT) == 130
    os.close(reader)
    os.close(writer)


def test_json_with_a_slip_is_sent_as_text_and_said(wampd, serve):
    serve("com.example.said", "--echo")
    done = wampd("call", "com.example.said", '{"a": 1', "-k", "b=[draft]")
    assert done.value == {"args": ['{"a": 1'], "kwargs": {"b": "[draft]"}}
    first, second = done.err.splitlines()
    assert first.startswith("""wampd call: note: '{"a": 1' is sent as text, for it is not JSON: """)
    assert first.endswith("""; in a shell JSON stands in quotes: '{"a": 1}'""")
    assert second.startswith("wampd call: note: '[draft]' is sent as text")


def test_what_a_terminal_cannot_show_is_escaped(wampd, serve):
    serve("com.example.wide", "--echo")
    done = wampd("call", "com.example.wide", '"\\u2192 \\ud83d\\ude00 a"', PYTHONIOENCODING="latin-1")
    assert (done.status, done.out) == (0, '"\\u2192 \\ud83d\\ude00 a"\n')
    assert done.value == "\u2192 \N{GRINNING FACE} a"
    assert wampd("register", "--help", PYTHONIOENCODING="latin-1").status == 0


def test_tail_ends_after_as_many_as_are_wanted(wampd):
    assert wampd("publish", "com.example.stays.a", '"on"', "--retain", "--ack").status == 0
    done = wampd("tail", "com.example.stays.", "--retained", "--count", "1")
    assert (done.status, done.out.split()[1:]) == (0, ["com.example.stays.a", '"on"'])


def test_who_reads_no_more_ends_it_quietly(wampd):
    line = f"{' '.join(wampd.command('tail', 'com.example.'))} | head -n 1"
    tail = subprocess.Popen(["bash", "-c", f"set -o pipefail; {line}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=wampd.env(), text=True)  # fmt: skip
    while tail.poll() is None:
        wampd("publish", "com.example.noise", "1", "--ack")
    out, err = tail.communicate()
    assert (tail.returncode, err) == (141, "")
    assert " com.example.noise 1" in out


# ------------------------------------------------------------------------------------------------ publish and subscribe


def listening(wampd, *words):
    """`wampd subscribe` that has subscribed: a retained event tells it."""
    wampd("publish", "com.example.begin", "--retain", "--ack")
    running = wampd.start("subscribe", "com.example.begin", *words, "--retained")
    assert '"com.example.begin"' in running.line()
    return running


def test_events_are_lines_of_json(wampd):
    running = listening(wampd, "com.example.news", "--count", "3")
    publication = wampd("publish", "com.example.news", "1", "-k", "a=[2]", "--ack").value
    wampd("publish", "com.example.news")
    lines = subprocess.run(["tail", "-n", "2"], stdin=running.process.stdout, capture_output=True, text=True)
    assert running.end() == 0
    first, second = map(json.loads, lines.stdout.splitlines())
    assert (first["topic"], first["args"], first["kwargs"]) == ("com.example.news", [1], {"a": [2]})
    assert first["publication"] == publication
    assert (second["args"], second["kwargs"]) == ([], {})


def test_one_event_is_acknowledged_and_many_only_if_that_is_asked_for(wampd):
    quiet = wampd("publish", "com.example.news", "1")
    assert (quiet.status, quiet.out, quiet.err) == (0, "", "")
    assert isinstance(wampd("publish", "com.example.news", "1", "--ack").value, int)
    assert wampd("publish", "com.other.topic", "1").status == 1
    unheard = wampd("publish", "com.other.topic", "1", "--option", "acknowledge=false")
    assert (unheard.status, unheard.err) == (0, "")
    assert wampd("publish", "com.other.topic", "--lines", stdin="1\n").status == 0
    assert wampd("publish", "com.other.topic", "--lines", "--ack", stdin="1\n").status == 1


def test_what_one_prints_another_publishes(wampd):
    running = listening(wampd, "com.example.lines", "--count", "5")
    lines = '[1, 2]\n"x"\n\n{"args": [3]}\n{"topic": "com.example.lines", "time": "", "publication": 1, "kwargs": {"a": 1}}\n'
    done = wampd("publish", "com.example.lines", "--lines", "--ack", stdin=lines)
    assert (done.status, len(done.lines)) == (0, 4)
    told = [json.loads(running.line()) for _ in range(4)]
    assert [(each["args"], each["kwargs"]) for each in told] == [([1, 2], {}), (["x"], {}), ([3], {}), ([], {"a": 1})]
    assert running.end() == 0


@pytest.mark.parametrize(
    ("line", "said"), [("{", "truncated"), ('{"arg": 1}', "expected a list"), ('{"topic": 5}', 'names no "topic"')]
)
def test_a_line_that_is_no_event_is_named(wampd, line, said):
    done = wampd("publish", "com.example.lines", "--lines", stdin=f"[]\n{line}\n")
    assert done.status == 2
    assert done.err.startswith("wampd publish: line 2 of standard input: ")
    assert said in done.err


def test_an_event_is_for_whom_it_is_said(wampd):
    running = listening(wampd, "com.example.chosen", "--count", "2")
    wampd("publish", "com.example.chosen", "1", "--ack", "--eligible-role", "user")
    wampd("publish", "com.example.chosen", "2", "--ack", "--exclude-role", "guest")
    wampd("publish", "com.example.chosen", "3", "--ack", "--eligible-role", "guest", "--eligible-role", "user")
    assert json.loads(running.line())["args"] == [3]
    assert running.end() == 0


def test_a_subscription_that_is_taken_away_is_told(wampd):
    running = listening(wampd, "com.example.revoked")
    subscription = wampd("call", "wamp.subscription.lookup", "com.example.revoked").out.strip()
    (subscriber,) = wampd("call", "wamp.subscription.list_subscribers", subscription).value
    assert wampd("call", "wamp.subscription.remove_subscriber", subscription, subscriber).err == ""
    running.wait_for("the router took the subscription to com.example.revoked away")
    assert running.end() == 3


def test_history_comes_first_and_nothing_twice(wampd):
    for number in range(4):
        wampd("publish", "com.example.kept", str(number), "--ack")
    done = wampd("subscribe", "com.example.kept", "--history", "3", "--count", "3")
    assert [each["args"] for each in done.lines] == [[1], [2], [3]]
    people = wampd.start("tail", "com.example.kept", "--match", "exact", "--history", "1")
    assert people.line().endswith(" com.example.kept 3\n")
    assert people.end(signal.SIGTERM) == 143


# --------------------------------------------------------------------------------------------------------- who one is


def test_secrets_come_from_files_input_and_the_environment(wampd, secret, serve):
    serve("com.example.who", "--command", "cat")
    file = secret("hunter2-ticket\n")
    ways = [
        (["--authid", "joe", "--secret-file", file], "", {}),
        (["--authid", "joe", "--secret-file", "-"], "hunter2-ticket\n", {}),
        (["--authid", "joe"], "", {"WAMPD_SECRET": "hunter2-ticket"}),
    ]
    for words, stdin, env in ways:
        assert wampd("call", "com.example.who", *words, stdin=stdin, **env).status == 0
    key = secret(SEED)
    assert wampd("call", "com.example.who", "--key-file", key).status == 0
    assert wampd("call", "com.example.who", "--authid", "joe", "--key-file", key).status == 3


def test_what_a_hosted_component_runs_comes_as_the_component(wampd, serve):
    serve("com.example.hosted", "--echo")
    env = {"WAMPD_REALM": "realm1", "WAMPD_AUTHID": "joe", "WAMPD_TICKET": "hunter2-ticket"}
    assert wampd("call", "com.example.hosted", "1", **env).value == 1
    wrong = {**env, "WAMPD_TICKET": "hunter2 not"}
    assert wampd("call", "com.example.hosted", "1", **wrong).status == 3
    assert wampd("call", "com.example.hosted", "1", "--url", wampd.rs, **wrong).status == 0  # another URL


def test_a_secret_that_others_can_read_is_not_used(wampd, secret):
    file = secret("hunter2-ticket", 0o644)
    done = wampd("call", "com.example.a", "--authid", "joe", "--secret-file", file)
    assert (done.status, "is open to other users" in done.err) == (2, True)


@pytest.fixture
def profiles(tmp_path):
    def write(text, mode=0o600):
        file = tmp_path / "wampd" / "profiles.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return {"XDG_CONFIG_HOME": str(tmp_path), "WAMPD_URL": None}

    return write


def test_a_profile_says_where_and_who(wampd, profiles, secret, serve):
    serve("com.example.profiled", "--echo")
    text = f"""
default: here
profiles:
  here: {{url: "{wampd.rs}", authid: joe, secret: {{file: {secret("hunter2-ticket")}}}, serializer: cbor}}
  gone: {{url: "ws://127.0.0.1:1/ws"}}
"""
    env = profiles(text, 0o644)  # it names a file, and holds no secret
    assert wampd("call", "com.example.profiled", "1", **env).value == 1
    assert wampd("call", "com.example.profiled", "--profile", "gone", **env).status == 3
    assert wampd("profile", "list", **env).out == f"* here  {wampd.rs}\n  gone  ws://127.0.0.1:1/ws\n"
    assert "secret: (not shown)" in wampd("profile", "show", **env).out
    assert wampd("profile", "show", "her", **env).err.endswith('did you mean "here"?\n')
    assert wampd("profile", "path", **env).out.endswith("/wampd/profiles.yaml\n")


def test_the_default_profile_is_not_for_a_url_that_is_named(wampd, profiles):
    env = profiles(f"default: x\nprofiles: {{x: {{url: '{wampd.url}', authid: joe, secret: hunter2-wrong}}}}\n")
    assert wampd("ping", "-c", "1", **env).status == 3
    assert wampd("ping", "-c", "1", "--url", wampd.url, **env).status == 0


def test_a_profile_that_is_wrong_is_shown_with_its_place(wampd, profiles):
    env = profiles("default: y\nprofiles:\n  x: {url: 'http://a/b', relm: z}\n")
    done = wampd("call", "com.example.a", **env)
    assert done.status == 2
    assert 'profiles.yaml:3:26: profiles.x.relm: unknown key; did you mean "realm"?' in done.err
    other = wampd("profile", "list", **profiles("default: y\nprofiles:\n  x: {url: 'http://a/b'}\n"))
    assert "profiles.yaml:3:12: profiles.x.url: http: is no transport here" in other.err
    third = wampd("profile", "list", **profiles("default: y\nprofiles:\n  x: {url: 'ws://a/b'}\n"))
    assert "profiles.yaml:1:10: default: there is no profile" in third.err


def test_a_profile_with_a_secret_is_for_its_owner_alone(wampd, profiles):
    env = profiles("profiles: {x: {url: 'ws://a/b', authid: joe, secret: hunter2}}\n", 0o640)
    done = wampd("profile", "list", **env)
    assert (done.status, "holds secrets, and others can read it" in done.err) == (2, True)


# ------------------------------------------------------------------------------------------------------ ping and bench


def test_ping_tells_how_long_the_way_in_and_round_trips_take(wampd, serve):
    done = wampd("ping", "-c", "3", "-i", "0")
    assert done.out.startswith("joined realm1 at ws://127.0.0.1:")
    assert "3 round trips: min " in done.out
    figures = wampd("ping", "--json", "-c", "4", "-i", "0", "--url", wampd.rs).value
    assert figures["count"] == 4
    assert 0 < figures["min"] <= figures["avg"] <= figures["max"]
    assert figures["min"] <= figures["p95"] <= figures["max"]
    serve("com.example.ping", "--echo")
    assert wampd("ping", "-c", "2", "-i", "0", "--call", "com.example.ping", "--arg", "1").status == 0
    assert wampd("ping", "-c", "2", "--call", "com.example.nothing").status == 1


@pytest.mark.parametrize("kind", ["call", "events"])
def test_bench_tells_what_was_carried(wampd, kind):
    words = ["bench", kind, "--clients", "2", "--processes", "2", "--duration", "0.4", "--warm-up", "0.1", "--json"]
    figures = wampd(*words).value
    assert (figures["kind"], figures["errors"]) == (kind, {})
    assert figures["count"] > 0
    latency = figures["latency_ms"]
    assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"] <= latency["max"]


def test_bench_that_is_ended_leaves_no_process(wampd, serve):
    serve("com.example.slow", "--command", "sleep 60")
    bench = wampd.start("bench", "call", "--procedure", "com.example.slow", "--clients", "2", "--processes", "2")
    children = Path(f"/proc/{bench.process.pid}/task/{bench.process.pid}/children")
    wampd.router.wait_until(lambda: len(children.read_text().split()) == 2, "both processes are there")
    started = [int(each) for each in children.read_text().split()]
    assert bench.end(signal.SIGTERM) == 143, bench.err
    assert [each for each in started if Path(f"/proc/{each}").exists()] == []


def test_bench_whose_router_goes_away_says_so(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.format(directory=tmp_path, key=SigningKey(bytes.fromhex(SEED)).public.hex()))
    config.chmod(0o600)
    with running_wampd(config, tmp_path / "log") as (process, port):
        shell = Shell(tmp_path, port, process)
        bench = shell.start("bench", "call", "--clients", "2", "--duration", "60", "--warm-up", "0")
        process.wait_until(lambda: process.log().count("joined realm1") == 3, "the callee and both callers are there")
    assert bench.end() == 3
    assert bench.err == "wampd bench: the session ended: wamp.close.system_shutdown\n"


def test_bench_of_what_is_refused_ends_with_that(wampd):
    done = wampd("bench", "call", "--procedure", "com.example.nothing", "--duration", "0.1", "--warm-up", "0")
    assert done.status == 1
    assert "wamp.error.no_such_procedure" in done.err
    assert wampd("bench", "call", "--prefix", "com.other").status == 1
    assert wampd("bench", "events", "--url", "rs://127.0.0.1:1").status == 3


# ----------------------------------------------------------------------------------------------------------- top, once


def test_top_prints_once_for_scripts(wampd):
    config, socket = wampd.directory / "config.yaml", wampd.directory / "control.sock"
    by_socket = wampd("top", "--once", "--socket", socket, "--view", "sessions", WAMPD_URL=None)
    assert by_socket.out.startswith("wampd ")
    assert "operator" in by_socket.out
    by_file = wampd("top", config, "--once", "--json", WAMPD_URL=None)
    assert by_file.err == ""
    by_file = by_file.value
    assert {"router", "process", "realms", "procedures", "sessions", "errors"} <= by_file.keys()
    by_url = wampd("top", "--once", "--json").value
    assert [each["name"] for each in by_url["realms"]] == ["realm1"]
    assert "operator" in wampd("top", config, "--once", "--view", "sessions").out  # whatever the environment says
    assert wampd("top", config, "--once", "--url", wampd.url).status == 2


def test_who_may_not_watch_is_told(wampd, secret):
    done = wampd("top", "--once", "--authid", "joe", "--secret-file", secret("hunter2-ticket"))
    assert (done.status, "not_authorized" in done.err) == (1, True)
