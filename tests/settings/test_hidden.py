"""Files and directories that the user of the router may not look at: each is a problem with its place, and no error of ours.

A name that is longer than any file system takes fails as a directory does that somebody may not enter, also for root.
"""

import errno
import os

import pytest

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
