"""``wampd init``: what it writes, what it asks, and what it never does."""

import io
import itertools
import shlex
import socket
import stat
import subprocess
import sys

import pytest

from tests.cli.terminal import Terminal
from tests.support.process import environment, free_port, wampd_command
from wampd.cli.configuration import load_or_complain
from wampd.cli.main import main

AUTHS = ("anonymous", "ticket", "wampcra")
LANGUAGES = ("python-asyncio", "python-twisted", "node", None)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def init(*words, language="python-asyncio"):
    component = ("--no-component",) if language is None else ("--language", language)
    return main(["init", "--yes", *component, *words])


def files(directory):
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())


# --- what it does not do ---


def test_nothing_is_overwritten_and_what_is_there_is_told(here, capsys):
    (here / "README.md").write_text("mine")
    (here / "web").mkdir()
    (here / "web" / "app.js").symlink_to("nowhere")
    assert init() == 1
    said = (
        "wampd init: web/app.js, README.md: there already, nothing was written; --force keeps what is there as NAME.bak"
    )
    assert capsys.readouterr() == ("", f"{said}\n")
    assert files(here) == ["README.md"]


def test_force_keeps_what_was_there_each_time_anew(here, capsys):
    assert init() == 0
    for round_, aside in ((1, "config.yaml.bak"), (2, "config.yaml.bak2")):
        (here / "config.yaml").write_text(f"mine {round_}")
        assert init("--force") == 0
        assert (here / aside).read_text() == f"mine {round_}"
        assert f"kept  {aside}\n" in capsys.readouterr().out
    assert load_or_complain(here / "config.yaml") is not None


def test_what_cannot_be_written_whole_is_taken_back(here):
    (here / "config.yaml").write_text("mine")
    limited = f"ulimit -f 2; exec {shlex.join(map(str, wampd_command('init', '--yes', '--force')))}"  # 2 KiB a file
    tried = subprocess.run(
        ["bash", "-c", limited], cwd=here, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert (tried.returncode, tried.stdout) == (1, "")
    assert tried.stderr == "wampd init: cannot write web/wamp.js: File too large; nothing was written\n"
    assert files(here) == ["config.yaml"]
    assert (here / "config.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--port", "0"], "invalid value for '--port': 0 is not in the range 1<=x<=65535.; see wampd init --help"),
        (["--auth", "none"], "invalid value for '--auth': 'none' is not one of"),
        (["--realm", "a b"], "'a b' cannot be the name of a realm"),
        (["--realm", "wampd.mine"], "'wampd.mine' cannot be the name of a realm"),
        (["--no-component", "--language", "node"], "give --language or --no-component, not both"),
    ],
)
def test_what_cannot_be_is_told_in_one_line_and_nothing_is_written(here, capsys, words, said):
    assert main(["init", "--yes", *words]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("wampd init: ")
    assert said.replace(".;", ";") in err
    assert files(here) == []


def test_without_a_terminal_nothing_is_asked(here, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert main(["init"]) == 2
    said = "wampd init: there is no terminal to ask; give --yes, and options for what is to differ\n"
    assert capsys.readouterr() == ("", said)
    assert files(here) == []


def test_a_directory_that_cannot_be_written_is_told(here, capsys):
    (here / "file").write_text("")
    assert init("file/below") == 1
    assert capsys.readouterr().err.startswith("wampd init: cannot write file/below")


# --- what it does ---


@pytest.mark.parametrize(
    ("words", "heading"), [([], "# A router, a component and a page"), (["--no-component"], "# A router and a page")]
)
def test_its_page_says_what_there_is(here, words, heading):
    assert main(["init", "--yes", *words]) == 0
    assert (here / "README.md").read_text().startswith(f"{heading}\n")


def test_what_is_secret_or_grows_is_kept_out_of_version_control(here):
    assert main(["init", "--yes"]) == 0
    assert {"secrets/", "*.sqlite*", "*.bak"} <= set((here / ".gitignore").read_text().split())


def test_by_default_it_writes_a_component_and_a_page(here, capsys):
    assert main(["init", "--yes", "new/hello"]) == 0
    assert files(here / "new" / "hello") == [
        ".gitignore", "README.md", "config.yaml", "hello.py", "web/app.js", "web/index.html", "web/wamp.js",
    ]  # fmt: skip
    out = capsys.readouterr().out
    assert "wrote new/hello/config.yaml\n" in out
    assert "\n  cd new/hello\n" in out
    assert out.index("cd new/hello") < out.index("wampd run\n") < out.index("open http://127.0.0.1:8080/")


@pytest.mark.parametrize(
    ("auth", "language"),
    [
        pytest.param(auth, language, marks=pytest.mark.needs("node") if language == "node" else ())
        for auth, language in itertools.product(AUTHS, LANGUAGES)
    ],
)
def test_whatever_is_chosen_the_configuration_is_right_and_closed(here, capsys, auth, language):
    assert init("--auth", auth, "--port", "8181", "--realm", "com.ex-ample", language=language) == 0
    capsys.readouterr()
    assert main(["check"]) == 0
    settings = load_or_complain(here / "config.yaml")
    (realm,) = settings.realms
    (listener,) = settings.listeners
    assert realm.name == "com.ex-ample"
    assert listener.endpoint == "tcp:8181:interface=127.0.0.1"
    assert (realm.auth.anonymous is not None) == (auth == "anonymous")
    granted = {(role.name, each.uri, each.match, *each.allow) for role in realm.roles for each in role.permissions}
    assert granted == {
        ("visitor", "com.example.hello", "exact", "call"),
        ("visitor", "com.example.greeted", "exact", "subscribe"),
        ("backend", "com.example.hello", "exact", "register"),
        ("backend", "com.example.greeted", "exact", "publish"),
    }
    wanted = {"visitor"} if auth != "anonymous" else set()
    wanted |= {"backend"} if language is None else set()
    assert {each.authid for each in realm.auth.principals} == wanted
    assert len(settings.components) == (language is not None)


def test_secrets_are_drawn_and_their_owner_alone_can_read_them(here, capsys):
    for name in ("one", "two"):
        assert init(name, "--auth", "wampcra", language=None) == 0
    secrets = [here / name / "secrets" / who for name in ("one", "two") for who in ("visitor", "backend")]
    drawn = [file.read_text().strip() for file in secrets]
    assert len(set(drawn)) == 4
    assert min(map(len, drawn)) >= 24
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets} == {0o600}
    assert stat.S_IMODE((here / "one" / "secrets").stat().st_mode) == 0o700
    shown = capsys.readouterr()
    elsewhere = [path.read_text() for path in here.rglob("*") if path.is_file() and path not in secrets]
    assert not any(secret in text for secret in drawn for text in [shown.out, shown.err, *elsewhere])
    assert "secrets/" in (here / "one" / ".gitignore").read_text()


@pytest.mark.parametrize(
    "realm", ["true", "1.5", "null", "a'b\"c", "ä.</script>.x", "{x}", "-.a", "y: z".replace(" ", "")]
)
def test_any_name_of_a_realm_stays_that_name(here, capsys, realm):
    assert init("--realm", realm) == 0
    assert [each.name for each in load_or_complain(here / "config.yaml").realms] == [realm]
    assert "</script>" not in (here / "web" / "app.js").read_text()


def test_a_port_that_is_taken_and_an_autobahn_that_is_missing_are_noted(capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert init("--port", str(port)) == 0
    out, err = capsys.readouterr()
    assert err == f"note: something listens on port {port} already; another one: --port\n"
    assert f"  {sys.executable} -m pip install 'autobahn>=24.4'\n" in out


@pytest.mark.parametrize("language", ["python-asyncio", "python-twisted"])
def test_the_component_is_python_that_compiles(here, language):
    assert init(language=language) == 0
    source = (here / "hello.py").read_text()
    compile(source, "hello.py", "exec")
    assert f"autobahn.{language.removeprefix('python-')}.wamp" in source


def test_free_ports_are_no_note(capsys):
    assert init("--port", str(free_port())) == 0
    assert capsys.readouterr().err == ""


# --- at a terminal ---


def test_it_asks_what_is_not_said_and_asks_again_for_what_cannot_be(here):
    with Terminal(here, "init", "mine", "--auth", "ticket") as terminal:
        terminal.answer("Port of the router [8080]: ", "http")
        terminal.answer("Port of the router [8080]: ", "8181")
        terminal.answer("Name of the realm [realm1]: ", "wamp.mine")
        terminal.answer("Name of the realm [realm1]: ", "")
        terminal.answer("[python-asyncio]: ", "python-twisted")
        assert terminal.end() == 0
    assert "How visitors" not in terminal.shown
    assert "cannot be the name of a realm" in terminal.shown
    settings = load_or_complain(here / "mine" / "config.yaml")
    assert (settings.listeners[0].endpoint, settings.realms[0].name) == ("tcp:8181:interface=127.0.0.1", "realm1")
    assert "autobahn.twisted" in (here / "mine" / "hello.py").read_text()


def test_who_interrupts_the_questions_has_nothing_written(here):
    with Terminal(here, "init") as terminal:
        terminal.answer("Port of the router [8080]: ", "")
        terminal.see("Name of the realm")
        assert terminal.interrupt() == 130
    assert "Traceback" not in terminal.shown
    assert terminal.shown.rstrip().endswith("wampd: interrupted")
    assert files(here) == []
