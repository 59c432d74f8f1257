"""Components in the router's own process, as a user has them."""

import json

import pytest

from tests.hosting.outside import ask, details_of, operate, python, with_class, write
from tests.router.client import RESULT, Session

INSIDE = "in_process: true"


def test_a_component_inside_serves_callers_as_a_session_like_any_other(host, tmp_path):
    with_class(tmp_path, "twisted")
    router = host(python("adder", "app:Adder", f"{INSIDE}, extra: 7"))
    assert ask(router, "com.twisted.add", 2, 3) == 5
    assert ask(router, "com.twisted.who") == [router.pid, 7]
    found = details_of(router, "adder")
    assert (found["authrole"], found["authmethod"], found["authprovider"]) == ("backend", "ticket", "wampd")
    assert found["transport"]["type"] == "memory"
    router.wait_for_log("adder: the adder is in")
    assert router.stop() == 0
    assert "(adder, backend, inside) left realm1: said goodbye" in router.log()


@pytest.mark.parametrize("run", ["main", "component"])
def test_what_a_component_inside_raises_ends_its_session_and_not_the_router(host, tmp_path, run):
    source = """
        from autobahn.twisted.component import Component

        async def main(reactor, session):
            raise ValueError("not today")

        component = Component()

        @component.on_join
        async def joined(session, details):
            raise ValueError("not today")
    """
    write(tmp_path, "app.py", source)
    router = host(python("raises", f"app:{run}", INSIDE))
    router.wait_until(lambda: router.log().count("component raises failed, exit status 1") >= 2, "it is tried again")
    assert "raises: setting up failed: ValueError: not today" in router.log()
    with Session(router.port):
        pass
    assert router.stop() == 0
    assert "Unhandled" not in router.log()


def test_a_component_inside_that_was_sent_away_is_back(host, tmp_path):
    with_class(tmp_path, "twisted")
    router = host(python("adder", "app:Adder", INSIDE))
    assert ask(router, "com.twisted.fail") == "wamp.error.runtime_error"
    first = details_of(router, "adder")["session"]
    with Session(router.port) as session:
        session.call("wamp.session.kill", first)
        assert session.receive()[0] == RESULT
    router.wait_for_log("component adder failed, exit status 1")
    assert ask(router, "com.twisted.add", 2, 3) == 5
    assert details_of(router, "adder")["session"] != first


def test_a_component_inside_is_stopped_and_started_by_operators(host, tmp_path):
    with_class(tmp_path, "twisted")
    router = host(python("adder", "app:Adder", INSIDE))
    assert ask(router, "com.twisted.add", 2, 3) == 5
    assert operate(router, "wampd.component.stop", "adder")[0] == RESULT
    with Session(router.port) as session:
        session.call("com.twisted.add", 2, 3)
        assert session.receive()[4] == "wamp.error.no_such_procedure"
    assert operate(router, "wampd.component.start", "adder")[0] == RESULT
    assert ask(router, "com.twisted.add", 2, 3) == 5


def test_what_operators_see_of_components_in_python(host, tmp_path):
    with_class(tmp_path, "twisted")
    router = host(python("adder", "app:Adder", INSIDE), python("other", "app:Adder", "ready: started"))
    router.wait_for_log("(adder, backend, inside) joined")
    listed = {row["name"]: row for row in operate(router, "wampd.component.list")[3][0]}
    assert listed["adder"]["pid"] is None
    assert json.dumps(listed).count("hunter2") == 0
