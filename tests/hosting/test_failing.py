"""Hosted components that crash, leak, flood, hang, stay, or cannot be imported: found, said so, and started again."""

import os
import re
import signal

from tests.hosting.outside import EITHER, HANGS, ask, python, with_class, write


@EITHER
def test_one_that_crashes_is_back(host, tmp_path, framework):
    with_class(tmp_path, framework)
    router = host(python("adder", "app:Adder"))
    pid, _ = ask(router, f"com.{framework}.who")
    ask(router, f"com.{framework}.crash")
    router.wait_for_log("component adder failed, exit status 3")
    assert ask(router, f"com.{framework}.add", 2, 3) == 5
    assert ask(router, f"com.{framework}.who")[0] != pid


@EITHER
def test_one_that_takes_too_much_memory_is_ended_and_is_back(host, tmp_path, framework):
    with_class(tmp_path, framework)
    router = host(python("adder", "app:Adder", "limits: {memory: 200 MiB}"))
    pid, _ = ask(router, f"com.{framework}.who")
    ask(router, f"com.{framework}.leak")
    router.wait_for_log("of memory, more than its 200 MiB")
    assert ask(router, f"com.{framework}.who")[0] != pid


@EITHER
def test_one_that_floods_its_output_serves_on(host, tmp_path, framework):
    with_class(tmp_path, framework)
    router = host(python("adder", "app:Adder"))
    before = ask(router, f"com.{framework}.who")
    assert ask(router, f"com.{framework}.flood") == "said"
    assert ask(router, f"com.{framework}.who") == before
    assert router.log().count("adder: spam") < 20_000


@EITHER
def test_what_a_procedure_raises_is_an_error_for_its_caller_and_no_end(host, tmp_path, framework):
    with_class(tmp_path, framework)
    router = host(python("adder", "app:Adder"))
    before = ask(router, f"com.{framework}.who")
    assert ask(router, f"com.{framework}.fail") == "wamp.error.runtime_error"
    assert ask(router, f"com.{framework}.who") == before


@EITHER
def test_one_that_blocks_its_loop_is_found_says_where_and_is_back(host, tmp_path, framework):
    with_class(tmp_path, framework)
    router = host(python("adder", "app:Adder", HANGS))
    assert ask(router, f"com.{framework}.add", 2, 3) == 5
    assert ask(router, f"com.{framework}.block") == "wamp.error.canceled"
    router.wait_for_log("component adder hangs: it does not answer pings")
    router.wait_for_log("component adder was ended: it does not answer pings")
    assert ask(router, f"com.{framework}.add", 2, 3) == 5
    assert re.search(r'adder: +File ".*/app.py", line \d+ in block', router.log())
    assert router.log().count("hangs") == 1


def test_one_that_is_frozen_is_found_and_is_back(host, tmp_path):
    with_class(tmp_path, "asyncio")
    router = host(python("adder", "app:Adder", HANGS))
    pid, _ = ask(router, "com.asyncio.who")
    os.kill(pid, signal.SIGSTOP)
    router.wait_for_log("component adder was ended: it does not answer pings")
    assert ask(router, "com.asyncio.who")[0] != pid


@EITHER
def test_one_that_works_hard_and_answers_is_left_alone(host, tmp_path, framework):
    with_class(tmp_path, framework)
    router = host(python("adder", "app:Adder", HANGS))
    before = ask(router, f"com.{framework}.who")
    assert ask(router, f"com.{framework}.work", 3.5) == "done"  # longer than a ping and its answer may take
    assert ask(router, f"com.{framework}.who") == before
    assert "hangs" not in router.log()


def test_without_pings_nobody_is_seen_to_hang(host, tmp_path):
    with_class(tmp_path, "asyncio")
    router = host(
        python("adder", "app:Adder", "hang: {ping_interval: 0}"),
        python("other", "app:Adder", HANGS + ", after: [adder], ready: started"),
    )
    pid, _ = ask(router, "com.asyncio.who")
    os.kill(pid, signal.SIGSTOP)
    router.wait_for_log("(other, backend, unix) joined")  # which cannot register what the first has
    router.wait_for_log("component other failed")
    os.kill(pid, signal.SIGCONT)
    assert ask(router, "com.asyncio.who")[0] == pid


def test_one_that_does_not_end_with_its_session_is_ended(host, tmp_path):
    source = """
        import threading, time
        async def serve(session):
            threading.Thread(target=time.sleep, args=(1000,)).start()
            session.leave()
    """
    write(tmp_path, "app.py", source)
    router = host(python("stays", "app:serve", "stop: {grace: 0.5 s}"))
    router.wait_for_log("component stays was ended: it goes on 0.5 s after its session")
    assert router.stop() == 0


def test_what_cannot_be_imported_is_one_line_and_not_tried_again_soon(host, tmp_path):
    write(tmp_path, "app.py", "import nothing_like_it\n")
    router = host(python("broken", "app:serve"), python("missing", "nowhere:serve"))
    router.wait_for_log("component broken cannot be imported")
    router.wait_for_log("component missing cannot be imported")
    router.wait_until(lambda: router.log().count("starts again in") >= 2, "it is said when they are tried again")
    log = router.log()
    where = f"({tmp_path / 'app.py'}:1)"
    assert f"broken: importing app failed: ModuleNotFoundError: No module named 'nothing_like_it' {where}" in log
    assert f"missing: there is no module 'nowhere' in {tmp_path}" in log
    pauses = [float(pause) for pause in re.findall(r"starts again in ([\d.]+) s", log)]
    assert len(pauses) == 2
    assert min(pauses) >= 15
