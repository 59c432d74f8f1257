"""What is said of an interpreter that no component in Python can run on."""

import sys

import pytest

from wampd.hosted.finding import no_autobahn


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ((3, 8), 'is Python 3.8; name one from 3.9 on with "python" of the component'),
        ((3, 9), f"has no autobahn: {sys.executable} -m pip install 'autobahn'"),
    ],
)
def test_an_interpreter_that_is_too_old_needs_another_and_not_a_package(version, said):
    assert str(no_autobahn(ImportError(name="autobahn"), version)) == f"{sys.executable} {said}"
