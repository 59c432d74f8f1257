"""Whatever Crossbar.io's schema allows: what is made of it is taken by wampd, or the import says why it is not.

What wampd does not take for reasons of the machine alone, such as files that are not there, it may say in its own words;
nothing else: that would be a translation that was never right.
"""

import re

from hypothesis import HealthCheck, given, settings

from tests.cli.crossbar.generating import nodes
from tests.cli.crossbar.importing import Result
from wampd.router.settings import SettingsError

OF_THE_MACHINE = re.compile(
    r"cannot read the file|there is no directory|there is no program|module|environment variable|cannot listen here"
    r"|cannot write into|there is no processor|is no program"
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
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
            assert OF_THE_MACHINE.search(line), (line, result.text)
