"""The generator's command line and what is made of its output; and the generator itself where a C compiler is."""

import subprocess

import pytest

from bench import generator, toolchain
from bench.cells import select
from bench.environments import UnavailableError
from bench.generator import Load, arguments, measure, read_outcome
from bench.processes import stop
from bench.routers import Floor

needs_compiler = pytest.mark.needs("cc")


def test_the_last_word_of_the_generator_is_one_json_object():
    assert read_outcome('note\n{"ops_s": 5}\n', "") == {"ops_s": 5}


def test_a_generator_that_prints_nothing_is_an_outcome_too():
    assert read_outcome("", "a\nrefused\n") == {"error": "the generator printed no result: refused"}
    assert read_outcome("", "") == {"error": "the generator printed no result: nothing"}


def test_a_compiler_that_is_missing_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(toolchain, "ENVIRONMENTS", tmp_path)
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(UnavailableError, match="no C compiler"):
        toolchain.compiled(generator.SOURCE)


@needs_compiler
def test_source_that_does_not_compile_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(toolchain, "ENVIRONMENTS", tmp_path / "bin")
    source = tmp_path / "wrong.c"
    source.write_text("int main(void) { return nothing; }\n")
    with pytest.raises(UnavailableError, match=r"wrong\.c does not compile"):
        toolchain.compiled(source)


@pytest.fixture
def floor():
    running = Floor().start(None)
    yield running
    stop(running)


@needs_compiler
def test_the_command_line_says_cell_router_and_load(floor):
    [cell] = select(["fan-100/ws-cbor-16"])
    line = " ".join(arguments(cell, floor, Load(2.0, 0.5, 3)))
    assert line.endswith(
        f"pubsub --pubs 1 --subs 100 --topics 1 --inflight 8 --url {floor.urls['ws']} --ser cbor --payload 16 "
        f"--dur 2.0 --warm 0.5 --pid {floor.pid} --pin 3"
    )


@needs_compiler
def test_patterns_are_written_as_the_router_writes_them(floor):
    floor.patterns = "fox"
    assert "--style fox" in " ".join(arguments(select(["patterns"])[0], floor, Load()))


@needs_compiler
def test_the_generator_refuses_addresses_beyond_loopback():
    program = toolchain.compiled(generator.SOURCE)
    done = subprocess.run(
        [str(program), "rpc", "--url", "ws://192.0.2.1:80/ws"], capture_output=True, text=True, timeout=5
    )
    assert done.returncode == 2
    assert "not a loopback address" in read_outcome(done.stdout, done.stderr)["error"]


@needs_compiler
@pytest.mark.parametrize(
    "key", ["rpc-8x32/ws-json-16", "rpc-8x32/ws-json-65536", "fan-10/ws-json-16", "fan-100/ws-json-16"]
)
def test_every_call_and_every_event_comes_through_the_floor(floor, key):
    outcome = measure(select([key])[0], floor, Load(0.3, 0.05))
    assert outcome.get("error") is None
    assert outcome["ops"] > 0
    assert (outcome["lost"], outcome["errors"], outcome["bad"], outcome["dups"]) == (0, 0, 0, 0)
    assert outcome["router_cpu_us_per_op"] > 0
