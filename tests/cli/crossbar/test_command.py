"""``wampd import-crossbar`` as a command: where it writes, what it says, its exit status."""

import json
import stat

import pytest

from tests.cli.crossbar.importing import node, rawsocket, role, router, template
from wampd.cli.main import main


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "node.json").write_text(
        json.dumps(node(router(realms=[{"name": "realm1", "roles": [role("anonymous", {"uri": "a"})]}])))
    )
    return tmp_path


def test_all_translated_is_status_0_and_the_file_is_for_nobody_else(here, capsys):
    assert main(["import-crossbar", "node.json"]) == 0
    assert capsys.readouterr() == ("config.yaml: written; see what is in it, then: wampd run config.yaml\n", "")
    assert stat.S_IMODE((here / "config.yaml").stat().st_mode) == 0o600
    assert main(["check", "config.yaml"]) == 0


def test_what_is_lost_is_status_1_and_told_with_its_place(here, capsys):
    mqtt = {"type": "mqtt", "endpoint": {"type": "tcp", "port": 1883}}
    text = json.dumps(node(router(transports=[rawsocket(), mqtt])), indent=1)
    (here / "node.json").write_text(text)
    assert main(["import-crossbar", "node.json"]) == 1
    line = 1 + text[: text.index('"mqtt"')].count("\n") - 1
    out, err = capsys.readouterr()
    assert err.startswith(f"node.json:{line}:5: workers[0].transports[1]: not translated: wampd speaks no MQTT")
    assert f"# * line {line}, workers[0].transports[1]: wampd speaks no MQTT" in (here / "config.yaml").read_text()
    assert out.startswith("config.yaml: written")


def test_a_wrong_input_is_status_2_and_nothing_is_written(here, capsys):
    (here / "node.json").write_text('{"workers": [{"type": "router", "realms": 5}, {"type": "guest"}]}')
    assert main(["import-crossbar", "node.json"]) == 2
    assert capsys.readouterr() == (
        "",
        "node.json:1:43: workers[0].realms: expected a list, not a whole number\n"
        'node.json:1:47: workers[1]: the key "executable" is missing\n',
    )
    assert not (here / "config.yaml").exists()
    assert main(["import-crossbar", "gone.json"]) == 2
    assert capsys.readouterr().err == "gone.json:1:1: cannot read the file: No such file or directory\n"
    unseen = "x" * 300  # which fails as what is in a directory that one may not enter
    assert main(["import-crossbar", unseen]) == 2
    assert capsys.readouterr().err == f"{unseen}:1:1: cannot read the file: File name too long\n"


def test_what_is_translated_already_is_said(here, capsys):
    ours = "realms: []\nlisteners:\n  - endpoint: tcp:8080\n"
    (here / "node.yaml").write_text(ours)
    assert main(["import-crossbar", "node.yaml"]) == 2
    said = "wampd import-crossbar: node.yaml is a configuration of wampd already; run it: wampd run node.yaml\n"
    assert capsys.readouterr() == ("", said)
    assert not (here / "config.yaml").exists()


def test_what_a_wrong_input_says_cannot_leave_its_line_either(here, capsys):
    (here / "node.json").write_text(
        json.dumps({"workers": [{"type": "\x9b2J\nrouter", "\x9b2J\n": 1}]}, ensure_ascii=False)
    )
    assert main(["import-crossbar", "node.json"]) == 2
    err = capsys.readouterr().err
    assert err.endswith("\n")
    assert err[:-1].isprintable()


def test_a_file_that_is_there_is_replaced_only_by_force(here, capsys):
    (here / "config.yaml").write_text("mine")
    assert main(["import-crossbar", "node.json"]) == 2
    assert "config.yaml is there already; say -o for another place, or --force to replace it" in capsys.readouterr().err
    assert (here / "config.yaml").read_text() == "mine"
    assert main(["import-crossbar", "node.json", "--force"]) == 0
    assert (here / "config.yaml").read_text() != "mine"
    assert sorted(file.name for file in here.iterdir()) == ["config.yaml", "node.json"]


def test_the_place_is_a_file_a_directory_or_standard_output(here, capsys):
    assert main(["import-crossbar", "node.json", "-o", "new/place/"]) == 0
    assert main(["import-crossbar", "node.json", "-o", "other.yaml"]) == 0
    written = (here / "new/place/config.yaml").read_text()
    assert written == (here / "other.yaml").read_text()
    capsys.readouterr()
    assert main(["import-crossbar", "node.json", "-o", "-"]) == 0
    assert capsys.readouterr().out == written


def test_paths_are_called_from_where_the_result_is(here):
    (here / "site" / ".crossbar").mkdir(parents=True)
    (here / "site" / "web").mkdir()
    (here / "site" / ".crossbar" / "config.json").write_text(json.dumps(template(8080, 8081)))
    assert main(["import-crossbar", "site", "-o", "out/"]) == 0
    assert "directory: ../site/web" in (here / "out" / "config.yaml").read_text().replace('"', "")
    (here / "elsewhere.json").write_text(json.dumps(template(8080, 8081)))
    assert main(["import-crossbar", "elsewhere.json", "--cbdir", "site/.crossbar", "-o", "site/"]) == 0
    assert "directory: web" in (here / "site" / "config.yaml").read_text()


def test_yaml_is_read_as_well(here):
    text = "version: 2\nworkers:\n- type: router\n  realms: [{name: realm1, roles: [{name: anonymous}]}]\n"
    (here / "node.yaml").write_text(text + "  transports: [{type: rawsocket, endpoint: {type: tcp, port: 8080}}]\n")
    assert main(["import-crossbar", "node.yaml"]) == 0


def test_a_place_that_cannot_be_written_is_told(here, capsys):
    (here / "file").touch()
    assert main(["import-crossbar", "node.json", "-o", "file/x.yaml"]) == 2
    assert capsys.readouterr().err.startswith("wampd import-crossbar: cannot make the directory file")


def test_the_command_needs_no_twisted(here):
    import subprocess
    import sys

    code = (
        "import sys; from wampd.cli.crossbar.importing import Imported; from pathlib import Path\n"
        "Imported(Path('node.json'), None, Path()).text(); print([m for m in sys.modules if m.startswith('twisted')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


def test_what_an_input_says_cannot_leave_its_line(here, capsys):
    said = "x\n- evil: true\x1b[2J\u2028\x9d"
    (here / "node.json").write_text(
        json.dumps(node(router(transports=[rawsocket()], **{said: {said: 1}, "components": []})))
    )
    service = {"type": "publisher", "realm": "realm1", "role": said}
    transport = {
        "type": "web",
        "endpoint": {"type": "tcp", "port": 8080},
        "paths": {"a": service, "b": {"type": "nodeinfo"}},
    }
    (here / "other.json").write_text(json.dumps(node(router(transports=[transport]))))
    for name in ("node.json", "other.json"):
        assert main(["import-crossbar", name, "--force"]) == 1
        err = capsys.readouterr().err
        text = (here / "config.yaml").read_text()
        for written in (err, text):
            assert "evil" in written
            assert all(character.isprintable() for character in written.replace("\n", ""))
            assert all("- evil" not in line[:8] for line in written.splitlines())
        assert main(["check", "config.yaml"]) == 0
        capsys.readouterr()
