"""Components in Python as the router hosts them: real processes, called from outside."""

import pytest

from tests.hosting import bare
from tests.hosting.outside import EITHER, ask, details_of, operate, python, with_class, write
from tests.router.client import RESULT


@EITHER
def test_a_hosted_class_serves_callers_and_shows_who_let_it_in(host, tmp_path, framework):
    with_class(tmp_path, framework)
    router = host(python("adder", "app:Adder", "extra: {a: [1]}"))
    assert ask(router, f"com.{framework}.add", 2, 3) == 5
    pid, extra = ask(router, f"com.{framework}.who")
    assert extra == {"a": [1]}
    assert pid != router.pid
    found = details_of(router, "adder")
    assert (found["authrole"], found["authmethod"], found["authprovider"]) == ("backend", "ticket", "wampd")
    router.wait_for_log("adder: the adder is in")  # which it says when it has offered the last of its procedures
    assert router.stop() == 0
    assert "Traceback" not in router.log()


def test_instances_have_names_of_their_own(host, tmp_path):
    write(
        tmp_path,
        "app.py",
        "import os\nasync def serve(session):\n    print(os.environ['WAMPD_INSTANCE'], session.authid)\n",
    )
    router = host(python("many", "app:serve", "instances: 2"))
    router.wait_for_log("many.1: 1 many.1")
    router.wait_for_log("many.2: 2 many.2")
    assert router.stop() == 0


def test_a_component_has_an_interpreter_a_directory_and_a_path_of_its_own(host, tmp_path):
    bare.with_autobahn(tmp_path / "venv")
    (tmp_path / "home").mkdir()
    (tmp_path / "lib").mkdir()
    write(tmp_path, "lib/library.py", "WORDS = 'from the library'\n")
    source = """
        import importlib.util, os, sys, library
        async def serve(session):
            print(sys.prefix, os.getcwd(), library.WORDS, importlib.util.find_spec("wampd"), os.environ["COLOUR"])
    """
    write(tmp_path, "home/app.py", source)
    more = "python: venv, directory: home, path: [lib], environment: {COLOUR: blue}"
    router = host(python("own", "app:serve", more))
    router.wait_for_log(f"own: {tmp_path}/venv {tmp_path}/home from the library None blue")
    assert router.stop() == 0


@pytest.mark.parametrize("where", ["in_process: false", "in_process: true, framework: twisted"])
def test_a_component_may_send_large_messages(host, tmp_path, where):
    source = """
        async def serve(session):
            await session.register(lambda text: text, "com.echo")
            session.log.info("came back {size}", size=len(await session.call("com.echo", "x" * 3_000_000)))
    """
    write(tmp_path, "app.py", source)
    router = host(python("large", "app:serve", where))
    router.wait_for_log("came back 3000000")
    assert router.stop() == 0


def test_one_is_started_when_the_other_has_joined(host, tmp_path):
    write(
        tmp_path,
        "first.py",
        "import time\nasync def serve(session):\n    await session.register(lambda: 'yes', 'com.first')\n",
    )
    write(tmp_path, "second.py", "async def serve(session):\n    print('first?', await session.call('com.first'))\n")
    router = host(python("second", "second:serve", "after: [first]"), python("first", "first:serve"))
    router.wait_for_log("second: first? yes")
    log = router.log()
    assert log.index("(first, backend, unix) joined") < log.index("component second started")


def test_a_component_that_is_stopped_leaves_its_realm_first(host, tmp_path):
    source = """
        from autobahn.twisted.component import Component
        component = Component()

        @component.on_join
        def joined(session, details):
            print("here")

        @component.on_leave
        def left(session, details):
            print("left:", details.reason)
    """
    write(tmp_path, "app.py", source)
    router = host(python("polite", "app:component"))
    router.wait_for_log("polite: here")  # the router says that it has joined before it knows that itself
    assert operate(router, "wampd.component.stop", "polite")[0] == RESULT
    assert "polite: left: wamp.close.goodbye_and_out" in router.log()
    assert "(polite, backend, unix) left realm1: said goodbye" in router.log()
