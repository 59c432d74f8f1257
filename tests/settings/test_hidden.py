"""Files and directories that the user of the router may not look at: each is a problem with its place, and no error of ours.

A name that is longer than any file system takes fails as a directory does that somebody may not enter, also for root.
"""

import errno
import os
import subprocess
import sys

import pytest

from tests.support.process import environment

from .conftest import LISTENER, REALM

WHERE = "x" * 300
HIDDEN = f"/tmp/{WHERE}/inside"
UNSEEN = f'cannot look at the directory "{HIDDEN}": {os.strerror(errno.ENAMETOOLONG)}'
ABOVE = UNSEEN.replace("/inside", "")
HTTP = LISTENER + "    http:\n      /a: "
PYTHON = "{name: one, type: python, run: 'a:b', realm: realm1, role: anonymous, "


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (LISTENER + f"store: {{file: {HIDDEN}}}", f"store.file: {ABOVE}"),
        (LISTENER + f"process: {{pid_file: {HIDDEN}}}", f"process.pid_file: {ABOVE}"),
        (LISTENER + f"    access_log: {{file: {HIDDEN}}}", f"listeners[0].access_log.file: {ABOVE}"),
        (HTTP + f"{{type: static, directory: {HIDDEN}}}", f'listeners[0].http["/a"].directory: {UNSEEN}'),
        (
            HTTP + f"{{type: upload, insecure: true, directory: {HIDDEN}}}",
            f'listeners[0].http["/a"].directory: {UNSEEN}',
        ),
        (
            HTTP + f"{{type: wsgi, application: 'a:b', directory: {HIDDEN}}}",
            f'listeners[0].http["/a"].directory: {UNSEEN}',
        ),
        (
            HTTP + f"{{type: page, realm: realm1, role: anonymous, insecure: true, templates: {HIDDEN}, "
            "pages: [{path: /, procedure: com.x, template: a.html}]}",
            f'listeners[0].http["/a"].templates: {UNSEEN}',
        ),
        (
            LISTENER + f"components: [{{name: one, command: [sh], directory: {HIDDEN}}}]",
            f"components[0].directory: {UNSEEN}",
        ),
        (
            LISTENER + f"components: [{PYTHON}path: [{HIDDEN}]}}]",
            f'components[0].path[0]: there is no directory "{HIDDEN}"',
        ),
        (
            LISTENER + f"components: [{PYTHON}python: {HIDDEN}}}]",
            f'components[0].python: "{HIDDEN}" is no program, and no virtual environment with bin/python',
        ),
    ],
)
def test_what_cannot_be_looked_at_is_said_where_it_is_named(config, lines, expected):
    assert config.problem(REALM + lines + "\n") == expected


def test_a_certificate_that_cannot_be_looked_at_is_said_where_it_is_named(config):
    lines = LISTENER + f"    tls: {{certificate: {HIDDEN}, key: {HIDDEN}}}\n"
    assert [problem.split(" ", 1)[1] for problem in config.problems(REALM + lines)] == [
        f'listeners[0].tls.certificate: cannot read the file "{HIDDEN}"',
        f'listeners[0].tls.key: cannot read the file "{HIDDEN}"',
    ]


def test_what_the_locale_has_no_bytes_for_is_said_where_it_is_written(config):
    """A program is given bytes; so are names of files."""
    parts = [
        "command: [echo, größer]",
        "command: [echo], environment: {A: größer}",
        "command: [echo], environment: {ß: a}",
        "command: [echo], directory: größer",
    ]
    components = "".join(f"  - {{name: c{number}, {part}}}\n" for number, part in enumerate(parts))
    file = config.write(REALM + LISTENER + f"components:\n{components}control: {{socket: größer.sock}}\n")
    # Without these two Python takes UTF-8 in the locale C (PEP 538, PEP 540).
    plain = environment(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    for command in ("check", "status"):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "wampd", command, file],
            env=plain,
            capture_output=True,
            check=False,
            timeout=60,
        )
        said = done.stderr.decode("ascii")
        assert "Traceback" not in said
        assert done.returncode == {"check": 2, "status": 3}[command]
        if command == "check":
            places = [line.split(": ", 2)[1] for line in said.splitlines()]
            assert places == [
                "components[0].command[1]",
                "components[1].environment.A",
                'components[2].environment["\\xdf"]',
                "components[3].directory",
            ]
            assert "ascii, the encoding of the locale, cannot write this; run the router with LC_ALL=C.UTF-8" in said
