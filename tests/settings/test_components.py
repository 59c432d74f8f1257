"""Components: what may be said of programs and of Python code that the router runs, and what is wrong with it."""

import os
import sys

import pytest

from wampd.router.settings import GuestComponent, PythonComponent
from wampd.router.settings.component_rules import authids, interpreter
from wampd.router.settings.components import ReadyByLog

from .conftest import LISTENER, REALM

GOOD = REALM + LISTENER


def components(*written):
    return GOOD + f"components: [{', '.join(written)}]\n"


def test_a_component_without_type_is_a_guest(config):
    old, new = config.load(components("{name: a, command: [sh]}", "{type: guest, name: b, command: [sh]}")).components
    assert isinstance(old, GuestComponent)
    assert isinstance(new, GuestComponent)


def test_what_nobody_writes_down_has_its_defaults(config):
    (component,) = config.load(components("{name: a, command: [sh]}")).components
    assert (component.instances, component.after, component.ready, component.realm) == (1, (), None, None)
    assert (component.restart.policy, component.restart.first, component.restart.longest) == (None, 0.5, 30.0)
    assert (component.stop.signal, component.stop.grace, component.watch) == ("TERM", 5.0, None)
    assert (component.hang.ping_interval, component.hang.ping_timeout) == (10.0, 30.0)


def test_a_component_in_python_says_what_runs_and_where_it_joins(config):
    (config.directory / "src").mkdir()
    written = (
        "{type: python, name: w, run: 'shop.w:Main', realm: realm1, role: anonymous, path: [src], extra: {a: [1]}}"
    )
    (component,) = config.load(components(written)).components
    assert isinstance(component, PythonComponent)
    assert (component.run, component.framework, component.in_process) == ("shop.w:Main", "auto", False)
    assert (component.path, component.extra) == ((config.directory / "src",), {"a": [1]})


@pytest.mark.parametrize(
    ("written", "expected"),
    [("joined", "joined"), ("exited", "exited"), ("{log: listening}", ReadyByLog(log="listening")), ("null", None)],
)
def test_when_a_component_is_ready_is_a_word_or_what_it_prints(config, written, expected):
    text = components(f"{{name: a, command: [sh], realm: realm1, role: anonymous, ready: {written}}}")
    assert config.load(text).components[0].ready == expected


def test_instances_are_numbered_if_there_are_several(config):
    one, two = config.load(components("{name: a, command: [sh]}", "{name: b, command: [sh], instances: 2}")).components
    assert (authids(one), authids(two)) == (["a"], ["b.1", "b.2"])


def test_the_interpreter_may_be_a_program_or_a_virtual_environment(config):
    (config.directory / "env" / "bin").mkdir(parents=True)
    os.symlink(sys.executable, config.directory / "env" / "bin" / "python")
    text = components(
        "{type: python, name: a, run: 'm:f', realm: realm1, role: anonymous, python: env}",
        f"{{type: python, name: b, run: 'm:f', realm: realm1, role: anonymous, python: {sys.executable}}}",
    )
    one, two = config.load(text).components
    assert str(interpreter(one.python)) == str(config.directory / "env" / "bin" / "python")
    assert str(interpreter(two.python)) == sys.executable


PYTHON = "type: python, name: x, run: 'm:f', realm: realm1, role: anonymous"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{name: x, run: 'm:f'}", 'type: this key is missing; "run" is for type: python'),
        ("{type: pyton, name: x, run: 'm:f'}", 'type: unknown type; did you mean "python"?'),
        ("{name: a.b, command: [sh]}", 'name: "a.b" has a dot, a space or # in it, or is too long'),
        ("{name: 'a b', command: [sh]}", 'name: "a b" has a dot, a space or # in it, or is too long'),
        ("{name: x, command: [sh], realm: realm1}", "role: this key is missing: there is a realm"),
        ("{name: x, command: [sh], role: anonymous}", "realm: this key is missing: there is a role"),
        (
            "{name: x, command: [sh], realm: realm2, role: a}",
            'realm: there is no realm "realm2"; did you mean "realm1"?',
        ),
        (
            "{name: x, command: [sh], realm: realm1, role: anonymos}",
            'role: the realm "realm1" has no role "anonymos"; did you mean "anonymous"?',
        ),
        ("{name: x, command: [sh], ready: joined}", "ready: it has no realm to join"),
        ("{name: x, command: [sh], ready: soon}", 'ready: expected one of exited, joined, started, not "soon"'),
        ("{name: x, command: [sh], ready: {logs: a}}", 'ready.logs: unknown key; did you mean "log"?'),
        (
            "{name: x, command: [sh], ready: exited, restart: {policy: always}}",
            "restart.policy: it is to end, and would always be started again",
        ),
        ("{name: x, command: [sh], restart: {longest: 100 ms}}", "restart.longest: must be at least as long as first"),
        (
            "{name: x, command: [sh], stop: {signal: KILL}}",
            "stop.signal: expected one of HUP, INT, QUIT, TERM, USR1, USR2",
        ),
        (
            "{name: x, command: [sh], watch: {paths: [../x]}}",
            "watch.paths[0]: a pattern is of names below the directory",
        ),
        ("{name: x, command: [sh], watch: {paths: []}}", "watch.paths: the list must not be empty"),
        ("{name: x, command: [sh], limits: {memory: 1}}", "limits.memory: must be at least 1 MiB"),
        ("{name: x, command: [sh], limits: {nice: 20}}", "limits.nice: must be at most 19"),
        ("{name: x, command: [sh], limits: {cpu: []}}", "limits.cpu: the list must not be empty"),
        ("{name: x, command: [sh], limits: {cpu: [9999]}}", "limits.cpu[0]: there is no processor 9999 for us"),
        ("{name: x, command: [sh], limits: {files: 9223372036854775808}}", "limits.files: is more than the system can"),
        ("{name: x, command: [sh], limits: {processes: 10000000000000000000}}", "limits.processes: is more than"),
        ("{name: x, command: [sh], limits: {address_space: 9999999999 GiB}}", "limits.address_space: is more than"),
        ("{name: x, command: [sh], instances: 0}", "instances: must be at least 1"),
        ("{name: x, command: [sh], after: [x]}", 'after: they would wait for each other: "x" waits for "x"'),
        ("{name: x, command: [sh], after: [y]}", 'after[0]: there is no component "y"'),
        ('{name: x, command: [sh], environment: {"A=B": c}}', 'environment["A=B"]: this is no name of a variable'),
        ("{name: x, command: [sh], environment: {WAMPD_RUN: a}}", "environment.WAMPD_RUN: the router says this itself"),
        (
            "{name: x, command: [sh], realm: realm1, role: anonymous, environment: {WAMPD_TICKET: a}}",
            "environment.WAMPD_TICKET: the router says this itself",
        ),
        ("{type: python, name: x, run: 'm:f'}", "realm: this key is missing: a component in Python joins a realm"),
        (f"{{{PYTHON.replace('m:f', 'm.f')}}}", 'run: "m.f" is not like "module:object"'),
        (f"{{{PYTHON}, path: [nowhere]}}", 'path[0]: there is no directory "'),
        (f"{{{PYTHON}, python: nowhere}}", 'python: "'),
        (
            f"{{{PYTHON}, in_process: true, framework: asyncio}}",
            "framework: asyncio has no loop in the router's process",
        ),
        (
            f"{{{PYTHON}, in_process: true, limits: {{files: 9}}}}",
            "limits: it has no meaning in the router's own process",
        ),
    ],
)
def test_what_cannot_be_is_reported_where_it_stands(config, written, expected):
    assert config.problem(components(written)).startswith(f"components[0].{expected}")


def test_components_that_would_wait_for_each_other_are_a_problem_once(config):
    text = components(
        "{name: a, command: [sh], after: [b]}",
        "{name: b, command: [sh], after: [c]}",
        "{name: c, command: [sh], after: [a, d]}",
        "{name: d, command: [sh]}",
    )
    problem = config.problem(text)
    assert "they would wait for each other: " in problem
    cycle = problem.partition("other: ")[2]
    assert cycle in {
        '"a" waits for "b" waits for "c" waits for "a"',
        '"b" waits for "c" waits for "a" waits for "b"',
        '"c" waits for "a" waits for "b" waits for "c"',
    }


def test_an_instance_is_no_component_of_uris_that_a_role_wants_it_to_be(config):
    text = components("{name: a, command: [sh], realm: realm1, role: anonymous, instances: %d}").replace(
        "[{name: anonymous}]",
        "[{name: anonymous, permissions: [{uri: 'com.{authid}.', match: prefix, allow: [register]}]}]",
    )
    assert config.load(text % 1).components[0].instances == 1
    assert config.problem(text % 2).startswith('components[0].role: its authid would be "a.2": not one component')
