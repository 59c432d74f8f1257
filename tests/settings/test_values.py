"""What text becomes for the type of its key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampd.router.settings.scalars import BYTES, quantity, resolve, show_bytes

from .conftest import LISTENER, REALM

GOOD = REALM + LISTENER


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("", None), ("~", None), ("null", None), ("NULL", None), ("nUll", "nUll"),
        ("true", True), ("True", True), ("FALSE", False),
        ("on", "on"), ("off", "off"), ("yes", "yes"), ("no", "no"), ("y", "y"), ("N", "N"),
        ("0", 0), ("-12", -12), ("+12", 12), ("010", 10), ("0o10", 8), ("0x1F", 31),
        ("1_000", "1_000"), ("12:30", "12:30"), ("0b1", "0b1"), ("١", "١"), ("1" * 21, float("1" * 21)),
        ("1.5", 1.5), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0), ("-1E-2", -0.01), ("-.inf", float("-inf")),
        ("1.2.3", "1.2.3"), ("2001-01-01", "2001-01-01"), ("=", "="), ("1 000", "1 000"),
    ],
)  # fmt: skip
def test_plain_scalars_mean_what_the_core_schema_says(text, meaning):
    assert resolve(text) == meaning
    assert type(resolve(text)) is type(meaning)


@given(st.text(max_size=30))
def test_every_text_means_something(text):
    assert isinstance(resolve(text), bool | int | float | str | None)
    assert quantity(text, "bytes") is None or quantity(text, "bytes") >= 0


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("16 MiB", "bytes", 16 * 1024**2), ("16MiB", "bytes", 16 * 1024**2), ("64 kB", "bytes", 64_000),
        ("1.5 KiB", "bytes", 1536), ("0.1 B", "bytes", 0), ("2 GB", "bytes", 2 * 10**9), ("1  MiB", "bytes", None),
        ("1 mib", "bytes", None), ("MiB", "bytes", None), ("-1 MiB", "bytes", None), ("1 s", "bytes", None),
        ("10 s", "seconds", 10), ("500 ms", "seconds", 0.5), ("1.5min", "seconds", 90), ("2 h", "seconds", 7200),
        ("1 m", "seconds", None), ("9" * 400 + " h", "seconds", None),
    ],
)  # fmt: skip
def test_quantities_may_have_units(text, unit, value):
    assert quantity(text, unit) == value


@given(st.integers(min_value=0, max_value=2**40))
def test_a_size_that_is_shown_is_read_as_the_same_size(size):
    shown = show_bytes(size)
    assert (quantity(shown, "bytes") if shown.split()[-1] in BYTES else int(shown)) == size


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("limits: {message_size: 17 MiB}", "limits.message_size: must be at most 16 MiB"),
        ("limits: {message_size: 16777217}", "limits.message_size: must be at most 16 MiB"),
        ("limits: {message_size: 511}", "limits.message_size: must be at least 512"),
        ("limits: {message_size: 1.5}",
         'limits.message_size: expected a number of bytes, such as 16 MiB or 4096, not "1.5"'),
        ("limits: {message_size: true}",
         'limits.message_size: expected a number of bytes, such as 16 MiB or 4096, not "true"'),
        ("limits: {close_timeout: 0}", "limits.close_timeout: must be more than 0"),
        ("limits: {close_timeout: .inf}",
         'limits.close_timeout: expected a number of seconds, such as 10 s or 2.5, not ".inf"'),
        ("limits: {close_timeout: .nan}",
         'limits.close_timeout: expected a number of seconds, such as 10 s or 2.5, not ".nan"'),
        ("limits: {close_timeout: }",
         "limits.close_timeout: expected a number of seconds, such as 10 s or 2.5, not nothing"),
        ("limits: {ping_interval: -1}", "limits.ping_interval: must be at least 0"),
        ("limits: {fragments: '5'}", 'limits.fragments: expected a whole number, not "5"'),
        ("limits: {fragments: 5.0}", 'limits.fragments: expected a whole number, not "5.0"'),
        ("limits: {fragments: [5]}", "limits.fragments: expected a whole number, not a list"),
        ("limits: {fragments: {a: 5}}", "limits.fragments: expected a whole number, not a mapping"),
        ("limits: {connections_per_address: 0}", "limits.connections_per_address: must be at least 1"),
        ("limits: []", "limits: expected a mapping; write {} for the defaults"),
        ("limits:", "limits: expected a mapping; write {} for the defaults"),
        ("limits: [{connections: 5}]", 'limits: expected a mapping; what is in it has no "- " before it'),
        ("websocket:", "websocket: expected a mapping; write {} for an empty one"),
        ("websocket: {/ws: }", 'websocket["/ws"]: expected a mapping with "type": one of wamp, echo'),
        ("websocket: {/ws: wamp}", 'websocket["/ws"]: expected a mapping with "type": one of wamp, echo'),
        ("websocket: {/ws: {}}", 'websocket["/ws"].type: this key is missing; one of wamp, echo'),
        ("websocket: {/ws: {type: wampp}}", 'websocket["/ws"].type: unknown type; did you mean "wamp"?'),
        ("websocket: {/ws: {type: [wamp]}}", 'websocket["/ws"].type: unknown type'),
        ("websocket: {/ws: {type: echo, serializers: [json]}}",
         'websocket["/ws"].serializers: unknown key; known here: origins, compression'),
        ("websocket: {/ws: {type: wamp, serializers: []}}", 'websocket["/ws"].serializers: the list must not be empty'),
        ("websocket: {/ws: {type: wamp, serializers: json}}",
         'websocket["/ws"].serializers: expected a list; write [ ] around it'),
        ("websocket: {/ws: {type: wamp, serializers: {json: true}}}",
         'websocket["/ws"].serializers: expected a list; every item begins with "- "'),
        ("websocket: {/ws: {type: wamp, serializers: }}",
         'websocket["/ws"].serializers: expected a list; write [] for an empty one'),
        ("websocket: {/ws: {type: wamp, serializers: [jsn]}}",
         'websocket["/ws"].serializers[0]: expected one of cbor, flatbuffers, json, msgpack, ubjson,'
         ' not "jsn"; did you mean "json"?'),
        ("websocket: {/ws: {type: wamp, compression: {window_bits: 8}}}",
         'websocket["/ws"].compression.window_bits: must be at least 9'),
        ("tls: {certificate: x.pem}", "tls.key: this key is missing"),
    ],
)  # fmt: skip
def test_what_does_not_fit_its_type_is_reported(listener, lines, expected):
    assert listener(lines) == expected


def test_quantities_and_null_are_read(config):
    limits = (
        "message_size: 64 KiB, send_queue: 0.5 GiB, ping_interval: 0, close_timeout: 250 ms, connections_per_address: "
    )
    read = config.load(GOOD + "    limits: {" + limits + "}").listeners[0].limits
    assert (read.message_size, read.send_queue) == (65536, 536870912)
    assert (read.ping_interval, read.close_timeout, read.connections_per_address) == (0.0, 0.25, None)
    assert isinstance(read.ping_interval, float)


@pytest.mark.parametrize("plain", ["12", "1.5", "true", "null", "~", "-1e3", "0x1"])
def test_text_that_looks_like_something_else_must_be_in_quotes(config, plain):
    problem = config.problem(GOOD.replace("name: realm1", f"name: {plain}"))
    assert problem == f'realms[0].name: expected text; if that is what "{plain}" is to be, put it in quotes'
    assert config.load(GOOD.replace("name: realm1", f"name: '{plain}'")).realms[0].name == plain


@pytest.mark.parametrize("plain", ["on", "off", "yes", "no", "y"])
def test_the_booleans_of_old_are_text(config, plain):
    assert config.load(GOOD.replace("name: realm1", f"name: {plain}")).realms[0].name == plain
    assert "expected true or false" in config.problem(
        GOOD.replace("roles:", f"strict_request_ids: {plain}\n    roles:")
    )


def test_arguments_and_variables_of_components_are_what_is_written(config):
    text = (
        GOOD + "components: [{name: x, command: [sh, 5, 010, true, ], environment: {A: 08, B: no, C: null, D: 1e3}}]\n"
    )
    component = config.load(text).components[0]
    assert component.command == ("sh", "5", "010", "true")
    assert component.environment == {"A": "08", "B": "no", "C": "null", "D": "1e3"}


# --- secrets ---

TICKET = GOOD.replace(
    "auth: {anonymous: {}}", "auth: {ticket: {}, principals: [{authid: joe, role: anonymous, ticket: %s}]}"
)


def ticket_of(settings):
    return settings.realms[0].auth.principals[0].ticket


@pytest.mark.parametrize(
    "written", ["s3cret", "'s3cret'", '"${T}"', "{file: s}", "{file: '${F:-s}'}", "{file: sub/../s}"]
)
def test_a_secret_is_text_or_comes_from_a_variable_or_a_file(config, written):
    (config.directory / "sub").mkdir()
    config.write("s3cret\n", "s")
    settings = config.load(TICKET % written, T="s3cret")
    assert ticket_of(settings).reveal() == "s3cret"
    assert "s3cret" not in repr(settings)


def test_a_secret_of_digits_may_come_from_a_variable(config):
    assert ticket_of(config.load(TICKET % '"${T}"', T="0123")).reveal() == "0123"


@pytest.mark.parametrize(
    ("content", "secret"), [(b"a\r\n", "a"), (b"a\n\n", "a\n"), (b" a ", " a "), ("ä".encode(), "ä")]
)
def test_only_the_newline_at_the_end_of_a_file_is_not_part_of_the_secret(config, content, secret):
    config.write(content, "s")
    assert ticket_of(config.load(TICKET % "{file: s}")).reveal() == secret


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("12345", "expected a secret: text that is not empty (in quotes, or ${NAME}), or {file: PATH}"),
        ("''", "expected a secret: text that is not empty (in quotes, or ${NAME}), or {file: PATH}"),
        ("'${EMPTY}'", "expected a secret: text that is not empty (in quotes, or ${NAME}), or {file: PATH}"),
        ("[hunter2]", "expected a secret: text that is not empty (in quotes, or ${NAME}), or {file: PATH}"),
        ("{fil: hunter2}", "expected a secret: text, or a mapping with the one key file"),
        ("{file: [hunter2]}", "expected a secret: text, or a mapping with the one key file"),
        ("{file: none}", 'cannot read "none": No such file or directory'),
        ("{file: .}", 'cannot read "DIR": Is a directory'),
        ("{file: empty}", '"empty" is empty'),
        ("{file: binary}", '"binary" is not UTF-8'),
        ("{file: long}", '"long" is too long for a secret'),
        ("{file: open}", '"open" is open to other users (mode 0604); chmod o= it'),
    ],
)  # fmt: skip
def test_what_is_no_secret_is_reported_and_not_shown(config, written, expected):
    config.directory.chmod(0o700)
    config.write("\n", "empty")
    config.write(b"hunter2\xff", "binary")
    config.write("hunter2" * 10_000, "long")
    config.write("hunter2", "open", mode=0o604)
    problem = config.problem(TICKET % written, EMPTY="").replace(str(config.directory), "DIR")
    assert problem == "realms[0].auth.principals[0].ticket: " + expected


def test_a_secret_cannot_be_seen_or_pickled(config):
    import copy
    import pickle

    secret = ticket_of(config.load(TICKET % "s3cret"))
    assert {str(secret), repr(secret), f"{secret}", str.format("{}", secret)} == {"Secret(…)"}
    assert secret == ticket_of(config.load(TICKET % "s3cret"))
    assert secret != ticket_of(config.load(TICKET % "other"))
    assert len({secret, ticket_of(config.load(TICKET % "s3cret"))}) == 1
    for leak in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="cannot be pickled"):
            leak(secret)


def test_the_value_of_a_variable_is_not_shown_where_it_does_not_fit(config):
    text = GOOD + "limits: {connections: '${V}', drain: '${V}'}\nlog: {level: '${V}'}\n"
    problems = config.problems(text, V="hunter2")
    assert len(problems) == 3
    assert not any("hunter2" in problem for problem in problems)
