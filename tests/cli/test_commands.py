"""The commands, called as functions and, where the process matters, as ``python -m wampd``."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

import wampd
from tests.support.process import Child, environment, wampd_command
from wampd.cli.configuration import packaged_default
from wampd.cli.main import COMMANDS, main

GOOD = packaged_default().read_text()


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WAMPD_PORT", raising=False)
    return tmp_path


def python(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONWARNINGS": "error", **environ}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False)


# --- check ---


def test_check_says_that_a_configuration_is_ok(here, capsys):
    (here / "my.yaml").write_text(GOOD)
    assert main(["check", "my.yaml"]) == 0
    assert capsys.readouterr() == ("my.yaml: ok\n", "")


def test_check_prints_all_problems_to_standard_error_and_exits_with_2(here, capsys):
    (here / "my.yaml").write_text(GOOD.replace("realms:", "realmes:") + "log: {level: 5}\n")
    assert main(["check", "my.yaml"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 2
    assert 'realmes: unknown key; did you mean "realms"?\n' in err


def test_check_without_a_file_takes_the_one_in_the_current_directory(here, capsys):
    (here / "config.yaml").write_text(GOOD)
    assert main(["check"]) == 0
    assert capsys.readouterr().out == "config.yaml: ok\n"


def test_check_without_any_file_takes_the_packaged_default(here, capsys):
    assert main(["check"]) == 0
    assert capsys.readouterr().out == f"{packaged_default()}: ok\n"


def test_a_directory_means_the_configuration_in_it(here, capsys):
    (here / "hello").mkdir()
    assert main(["check", "hello"]) == 2
    said = 'hello/config.yaml:1:1: cannot read "hello/config.yaml": No such file or directory\n'
    assert capsys.readouterr().err == said
    (here / "hello" / "config.yaml").write_text(GOOD)
    assert main(["check", "hello"]) == 0
    assert capsys.readouterr().out == "hello/config.yaml: ok\n"


def test_a_broken_link_named_config_yaml_is_reported_and_not_passed_over(here, capsys):
    (here / "config.yaml").symlink_to("nowhere")
    assert main(["check"]) == 2
    assert "No such file or directory" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_a_problem(here, capsys):
    assert main(["check", "none.yaml"]) == 2
    assert capsys.readouterr().err == 'none.yaml:1:1: cannot read "none.yaml": No such file or directory\n'


def test_check_reads_the_environment(here, capsys, monkeypatch):
    (here / "config.yaml").write_text(GOOD)
    monkeypatch.setenv("WAMPD_PORT", "http")
    assert main(["check"]) == 2
    assert "listeners[0].endpoint: " in capsys.readouterr().err


def test_check_starts_no_reactor_and_loads_no_daemon(here):
    program = (
        "import sys; from wampd.cli.main import COMMANDS, main; status = main(['check'])\n"
        "heavy = {'twisted.internet.reactor', 'wampd.router.daemon', 'websockets', 'cbor2'}\n"
        "print(heavy & set(sys.modules))\n"
        "sys.exit(status)"
    )
    done = python("-c", program, cwd=here)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1] == "set()"


# --- run ---


def test_run_with_a_wrong_configuration_starts_nothing_and_exits_with_2(here):
    (here / "config.yaml").write_text(
        GOOD + f"components: [{{name: x, command: [touch, {here}/started]}}]\nlogg: {{}}\n"
    )
    done = python("-m", "wampd", "run", cwd=here)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith('logg: unknown key; did you mean "log"?\n')
    assert not (here / "started").exists()


def test_run_says_which_configuration_it_follows(here):
    with Child(wampd_command("run"), here / "log", env=environment(WAMPD_PORT="0"), cwd=here) as wampd:
        wampd.wait_for_log(" is ready")
        assert (
            "wampd run: note: there is no config.yaml here; this router is for programs of this machine alone"
            in wampd.log()
        )
        assert f"wampd.router.daemon: the configuration is {packaged_default()}\n" in wampd.log()
    (here / "config.yaml").write_text(GOOD)
    with Child(wampd_command("run"), here / "own", env=environment(WAMPD_PORT="0"), cwd=here) as wampd:
        wampd.wait_for_log(" is ready")
        assert "note:" not in wampd.log()
        assert f"wampd.router.daemon: the configuration is {here / 'config.yaml'}\n" in wampd.log()


# --- the rest ---


def test_version_names_wampd_and_what_it_runs_on(here, capsys):
    assert main(["version"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"wampd {wampd.__version__}"
    assert any(line.startswith("twisted ") for line in lines)


def test_version_is_an_option_too(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"wampd {wampd.__version__}\n"


def test_version_is_told_to_programs(capsys):
    assert main(["version", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["wampd"], told["python"]) == (wampd.__version__, platform.python_version())


def test_help_names_all_commands_under_headings(capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"\n  {command} " in out for command in COMMANDS)
    assert all(f"\n{entry.section}:\n" in out for entry in COMMANDS.values())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_has_help(name, capsys):
    assert main([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: wampd {name} ")


def test_wampd_alone_shows_its_help_and_exits_with_2(capsys):
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Usage: wampd ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chekc"], "wampd: no such command 'chekc'; did you mean 'check'?"),
        (["xyz"], "wampd: no such command 'xyz'; see wampd --help"),
        (["check", "a", "b"], "wampd check: got unexpected extra argument (b); see wampd check --help"),
        (["run", "--nope"], "wampd run: no such option '--nope'; see wampd run --help"),
        (["run", "--hlp"], "wampd run: no such option '--hlp'; did you mean '--help'?"),
        (["version", "x"], "wampd version: got unexpected extra argument (x); see wampd version --help"),
        (["call", "com.x", "--realmm", "a"], "wampd call: no such option '--realmm'; did you mean '--realm'?"),
        (
            ["auth", "explain", "--realm", "a", "cal", "com.x"],
            "wampd auth explain: invalid value for 'ACTION': 'cal' is not one of 'call', 'register', 'publish', 'subscribe',"
            " 'force_reregister'; did you mean 'call'?",
        ),
        (
            ["completion", "zhs"],
            "wampd completion: no such command 'zhs'; did you mean 'zsh'?",
        ),
        (["user", "ad"], "wampd user: no such command 'ad'; did you mean 'add'?"),
        (["user", "add", "joe"], "wampd user add: missing option '--role'; see wampd user add --help"),
        (["key", "new"], "wampd key new: missing argument 'FILE'; see wampd key new --help"),
    ],
)
def test_a_wrong_command_line_exits_with_2_and_says_in_one_line_what_to_do(capsys, arguments, said):
    assert main(arguments) == 2
    assert capsys.readouterr() == ("", f"{said}\n")


@pytest.mark.parametrize("exclusive", [["--password", "--password-stdin"], ["--factor", "x", "--no-factors"]])
def test_options_that_exclude_each_other_are_not_given_together(capsys, exclusive):
    assert main(["user", "passwd", "joe", *exclusive]) == 2
    assert "not both; see wampd user passwd --help\n" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["xyz"], ["run", "--help"], ["user", "add", "--help"]])
def test_help_loads_neither_twisted_nor_settings(here, words):
    program = (
        f"import sys; from wampd.cli.main import COMMANDS, main; main({words!r})\n"
        "print({'twisted', 'msgspec', 'yaml', 'rich', 'asyncio', 'wampd.router', 'wampd.realms'} & set(sys.modules))\n"
    )
    done = python("-c", program, cwd=here)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "set()"


def test_who_interrupts_a_command_sees_no_traceback(capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("wampd.cli.configuration.chosen_file", interrupted)
    assert main(["check"]) == 130
    assert capsys.readouterr().err.strip() == "wampd: interrupted"


def test_the_module_is_the_command(here):
    done = python("-m", "wampd", "check", cwd=here)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{packaged_default()}: ok\n", "")


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e308"])
@pytest.mark.parametrize(
    "words", [("call", "com.example.a", "--timeout"), ("status", "--wait"), ("log", "level", "--for")], ids=" ".join
)
def test_a_time_is_a_number_that_one_can_wait_for(words, value, capsys):
    assert main([*words, value]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"wampd {words[0]}")
    assert err.count("\n") == 1
