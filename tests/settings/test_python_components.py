"""Components in Python as they are configured: what can be seen of them before they run."""

import pytest

COMPONENT = "type: python, name: x, run: 'app:thing', realm: realm1, role: anonymous"
REST = """\
realms:
  - name: realm1
    roles: [{name: anonymous}]
    auth: {anonymous: {}}
listeners:
  - endpoint: tcp:8080
    rawsocket: {}
"""
TWISTED = "from autobahn.twisted.component import Component\nthing = Component()\n"
ASYNCIO = "from autobahn.asyncio.component import Component\nthing = Component()\n"
FUNCTION = "async def thing(session):\n    pass\n"


def written(more=""):
    return f"{REST}components: [{{{COMPONENT}{more}}}]\n"


@pytest.fixture
def with_module(config):
    def write(source, name="app.py"):
        config.write(source, name)
        return config

    return write


def test_a_component_for_twisted_may_run_inside_the_router(with_module):
    (component,) = with_module(TWISTED).load(written(", in_process: true")).components
    assert component.in_process
    (component,) = with_module(FUNCTION).load(written(", in_process: true, framework: twisted")).components
    assert component.framework == "twisted"


@pytest.mark.parametrize("source", [ASYNCIO, FUNCTION])
def test_what_is_for_asyncio_may_not(with_module, source):
    problem = with_module(source).problem(written(", in_process: true"))
    assert problem.startswith("components[0].run: it is for asyncio, which has no loop in the router's process")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 / 0\n", "importing app failed: ZeroDivisionError: division by zero ("),
        ("thong = 1\n", "there is no 'thing' in "),
        ("thing = 1\n", "app:thing is a int; it must be an autobahn Component"),
        ("import os\nos._exit(5)\n", "importing it ends with status 5"),
    ],
)
def test_what_cannot_be_imported_inside_is_reported_where_it_stands(with_module, source, expected):
    assert with_module(source).problem(written(", in_process: true")).startswith(f"components[0].run: {expected}")


def test_modules_are_found_as_they_are_when_it_runs(with_module, config):
    config.write("WORD = 1\n", "lib/library.py")
    config.write(f"import library\n{TWISTED}", "home/app.py")
    assert config.load(written(", in_process: true, directory: home, path: [lib]"))


def test_a_component_in_a_process_of_its_own_is_not_imported_to_be_checked(with_module):
    (component,) = with_module("1 / 0\n").load(written()).components
    assert not component.in_process


def test_an_extra_that_is_no_configuration_any_more_is_refused(config):
    problem = config.problem(written(f", extra: {'x' * 70_000}"))
    assert problem == "components[0].extra: is longer than 64 KiB as JSON; let it name a file"
