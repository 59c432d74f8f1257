"""What runs the documentation: a broken block of any kind is found, and no block gets by without being run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.docs.pages import WORDS, blocks_of
from tests.docs.running import RUNNERS, run_page, typed
from tests.support.process import environment

ROUTER = """\
<!-- run: router -->
```yaml
listeners:
  - endpoint: tcp:8080:interface=127.0.0.1
    websocket: {/ws: {type: wamp}}
```
"""

REFERRING = """\
<!-- run: file=config.yaml with=principals.yaml=[] -->
```yaml
auth: {anonymous: {role: anonymous}, ticket: {}, files: [principals.yaml]}
```
"""

BROKEN = {
    "console, a command that fails": "```console\n$ echo one\none\n$ false\n```",
    "console, a command that is not there": "```console\n$ wampd-of-nobody\n```",
    "console, the first of a pipe": "```console\n$ false | cat\n```",
    "console, other output": "```console\n$ echo one\ntwo\n```",
    "console, less output": "```console\n$ printf 'one\\ntwo\\n'\none\n```",
    "console, another status": "<!-- run: status=2 -->\n```console\n$ exit 1\n```",
    "console, no command": "```console\nwampd check\n```",
    "console, in the background without a word": "<!-- run: background -->\n```console\n$ sleep 1\n```",
    "console, in the background, ending early": "<!-- run: background -->\n```console\n$ exit 3\nready\n```",
    "console, nobody serves": ROUTER + "```console\n$ wampd call com.example.nothing\n```",
    "output, of something else": "```console\n$ echo one\n```\n\n<!-- run: output -->\n```json\n[2]\n```",
    "yaml, no YAML": "```yaml\nrealms: [\n```",
    "yaml, an unknown key": "```yaml\nrealms: [{name: realm1, rolls: []}]\n```",
    "yaml, of no configuration": "```yaml\nsomething: else\n```",
    "yaml, a file that is not there": "```yaml\n/: {type: static, directory: nowhere}\n```",
    "yaml, a file of a configuration above": REFERRING
    + "<!-- run: file=principals.yaml -->\n```yaml\n- {rolls: []}\n```",
    "python, an exception": "```python\nraise SystemExit(1)\n```",
    "python, no Python": "<!-- run: syntax -->\n```python\nx = = 1\n```",
    "js, an exception": "```js\nthrow new Error()\n```",
    "js, no JavaScript": "<!-- run: syntax -->\n```js\nconst = 1;\n```",
    "sh, a line that fails": "```sh\nfalse\ntrue\n```",
    "json": "```json\n{'a': 1}\n```",
    "json, a line of several": "```json\n{}\n{]\n```",
    "toml": "```toml\na =\n```",
    "text, with a command": "```text\nwampd check config.yaml\n```",
    "text, that no router logs": "<!-- run: log -->\n```text\nready\n```",
    "no language": "```\n1 + 1\n```",
    "an unknown language": "```ruby\nputs 1\n```",
    "a block by indentation": "So:\n\n    $ false\n",
    "an unknown word": "<!-- run: skip -->\n```sh\nfalse\n```",
    "a fence that is not closed": "```sh\ntrue\n",
    "shown by a test that is not there": "<!-- run: shown-by=tests/docs/test_nothing.py -->\n```sh\nfalse\n```",
    "shown by a test that does not know": "<!-- run: shown-by=tests/spec/conftest.py -->\n```sh\nfalse\n```",
}

WORKING = (
    ROUTER
    + """\
<!-- run: background -->
```console
$ wampd register com.example.echo --echo
wampd register: serving com.example.echo; Ctrl-C ends it
```

1. In a list, on a page whose port is another here:

   ```console
   $ wampd call com.example.echo "$WAMP_URL" | tee said
   "ws://127.0.0.1:8080/ws"
   $ mkdir deeper
   $ cd deeper
   $ cat ../said
   …8080/ws"
   ```

<!-- run: terminal -->
```console
$ test -e said
```

<!-- run: file=said.py -->
```python
SAID = "said"
```

```python
from said import SAID
assert SAID == "said"
```

<!-- run: output -->
```text
```

<!-- run: status=3 -->
```sh
exit 3
```

<!-- run: type=hunter2 -->
```console
$ read -r -p "Password: " word; test "$word" = hunter2
```
"""
)


def page(directory: Path, text: str) -> Path:
    file = directory / "page.md"
    file.write_text(f"# A page\n\n{text}\n", encoding="utf-8")
    return file


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_block_is_found(name: str, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, ValueError, SyntaxError)):
        run_page(page(tmp_path, BROKEN[name]), tmp_path)


def test_every_language_has_a_broken_block() -> None:
    assert {name.split(",")[0] for name in BROKEN} >= set(RUNNERS)


def test_what_works_is_let_through(tmp_path: Path) -> None:
    assert run_page(page(tmp_path, WORKING), tmp_path) == set()


def test_what_needs_a_program_that_is_missing_is_left_out_and_told(tmp_path: Path) -> None:
    text = "<!-- run: needs=wampd-of-nobody -->\n```sh\nfalse\n```\n"
    assert run_page(page(tmp_path, text), tmp_path) == {"wampd-of-nobody"}
    (tmp_path / "again").mkdir()
    with pytest.raises(AssertionError):
        run_page(page(tmp_path, text + "\n```sh\nfalse\n```\n"), tmp_path / "again")


def test_the_words_of_a_block_are_read(tmp_path: Path) -> None:
    (block,) = blocks_of(page(tmp_path, "<!-- run: router env=A=1,B=2 type='a b' -->\n```yaml\n{}\n```"))
    assert block.words == {"router": "", "env": "A=1,B=2", "type": "a b"}
    assert set(block.words) < set(WORDS)


SLOW = """
import termios, time
mode = termios.tcgetattr(0)
mode[3] &= ~termios.ECHO
termios.tcsetattr(0, termios.TCSAFLUSH, mode)
print("Password: ", end="", flush=True)
time.sleep(0.5)
one = input()
termios.tcflush(0, termios.TCIFLUSH)  # what is typed before one is asked does not count: getpass(3)
print("\\nAgain: ", end="", flush=True)
print("\\ntyped:", one, input())
"""


def test_a_program_that_takes_its_time_is_answered_once_although_it_echoes_nothing(tmp_path: Path) -> None:
    status, seen = typed([sys.executable, "-c", SLOW], ["hunter2", "hunter3"], environment(), tmp_path)
    assert (status, seen.splitlines()[-1]) == (0, "typed: hunter2 hunter3")
