"""What can stand under an HTTP path: each kind has its rules and what makes it."""

from typing import get_args

from wampd.router.settings.http import HttpPath
from wampd.router.settings.path_rules import PATH_RULES
from wampd.router.wiring.sites import MAKERS


def test_every_kind_of_path_is_made_and_has_rules():
    kinds = set(get_args(HttpPath))
    assert len(kinds) > 10
    assert set(MAKERS) == kinds
    assert kinds <= set(PATH_RULES)
