"""Whatever Crossbar.io's schema allows: what is made of it is taken by wampd, or the import says why it is not.

What wampd does not take for reasons of the machine alone, such as files that are not there and what a variable holds, it may
say in its own words, and what is asked for in a role that may not do it: Crossbar.io refuses that as well, each time.
Nothing else: that would be a translation that was never right.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.crossbar.generating import json_values, nodes
from tests.cli.crossbar.importing import Result
from wampd.router.settings import SettingsError

NO_TRANSLATION_S_FAULT = re.compile(
    r"cannot read|there is no directory|there is no program|module|environment variable|cannot listen here"
    r"|cannot write into|there is no processor|is no program"
    r'|the role "\w+" may not (publish to|call) "|expected \d+ octets in base64'
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(nodes)
def test_what_is_made_checks_or_the_import_says_why(tmp_path_factory, node):
    directory = tmp_path_factory.mktemp("law")
    try:
        result = Result(node, directory, IMPORTED_SECRET="hunter2 is long enough", IMPORTED_PORT="7999")
    except SettingsError as error:
        assert "Traceback" not in str(error)
        assert all(problem.place.line for problem in error.problems)
        return
    for line in result.lost:
        if "wampd check says" in line:
            assert NO_TRANSLATION_S_FAULT.search(line), (line, result.text)


@st.composite
def mistaken(draw: st.DrawFn) -> Any:
    """A configuration in which something stands that does not belong there."""
    node = copy.deepcopy(draw(nodes))  # parts of which are shared by all examples
    places = list(_places(node))
    if not places:
        return draw(json_values)
    holder, key = draw(st.sampled_from(places))
    holder[key] = draw(json_values)
    return node


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """All members of a value, each by what holds it, and its key."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield value, key
        yield from _places(inner)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(mistaken())
def test_whatever_stands_at_a_wrong_place_is_told_and_breaks_nothing(tmp_path_factory, node):
    try:
        result = Result(
            node, tmp_path_factory.mktemp("mistaken"), IMPORTED_SECRET="hunter2 is long enough", IMPORTED_PORT="7999"
        )
    except SettingsError as error:
        assert error.problems
    else:
        assert yaml.safe_load(result.text)["realms"]
