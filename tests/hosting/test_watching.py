"""Files of components: which are looked at, and what is restarted when they change."""

import os

import pytest
from twisted.internet.defer import maybeDeferred

from tests.hosting.house import House, guest
from wampd.router.hosting.runs import Program
from wampd.router.hosting.watching import MOST, FileWatches, Place, difference, look, place_of
from wampd.router.settings.components import PythonComponent, Watch


def write(directory, name, text=""):
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def names(directory, seen):
    return sorted(os.path.relpath(path, directory) for path in seen)


def test_files_are_found_by_names_at_any_depth_and_by_paths(tmp_path):
    for name in ("a.py", "b.js", "src/c.py", "src/deep/d.py", "src/e.js", "__pycache__/f.py", ".git/g.py", "src/.h.py"):
        write(tmp_path, name)
    seen = look(Place((str(tmp_path),), Watch(paths=("*.py", "src/*.js"))))
    assert names(tmp_path, seen) == ["a.py", "src/c.py", "src/deep/d.py", "src/e.js"]


def test_links_that_lead_round_end(tmp_path):
    write(tmp_path, "a.py")
    (tmp_path / "again").symlink_to(tmp_path)
    assert names(tmp_path, look(Place((str(tmp_path),), Watch()))) == ["a.py"]


def test_no_more_than_so_many_entries_are_looked_at(tmp_path):
    for number in range(40):
        write(tmp_path, f"{number // 10}/{number}.py")
    assert MOST >= 1000
    assert len(look(Place((str(tmp_path), str(tmp_path)), Watch()))) == 40


def test_a_directory_that_is_not_there_has_no_files(tmp_path):
    assert look(Place((str(tmp_path / "nowhere"),), Watch())) == {}


def test_changed_new_and_gone_files_are_differences(tmp_path):
    place = Place((str(tmp_path),), Watch())
    a = write(tmp_path, "a.py", "1")
    first = look(place)
    assert difference(first, look(place)) is None
    a.write_text("22")
    second = look(place)
    assert difference(first, second) == str(a)
    b = write(tmp_path, "b.py")
    third = look(place)
    assert difference(second, third) == str(b)
    a.unlink()
    assert difference(third, look(place)) == str(a)


@pytest.mark.parametrize(
    ("component", "everything", "is_watched"),
    [
        (guest("a"), False, False),
        (guest("a"), True, False),
        (guest("a", watch=Watch()), False, False),
        (guest("a", watch=Watch()), True, True),
        (guest("a", watch=Watch(always=True)), False, True),
        (PythonComponent(name="a", run="m:f"), False, False),
        (PythonComponent(name="a", run="m:f"), True, True),
    ],
)
def test_files_are_looked_at_in_development_or_where_it_says_always(component, everything, is_watched):
    assert (place_of(Program(component, ("x",)), everything=everything) is not None) is is_watched


class Watched:
    """Components whose files are looked at, on a clock."""

    def __init__(self, directory):
        self.house = House()
        self.directory = directory
        self.files = FileWatches(self.house.clock, self.house.hosting, maybeDeferred, everything=True)

    def have(self, *names):
        components = []
        for name in names:
            (self.directory / name).mkdir(exist_ok=True)
            components.append(guest(name, directory=self.directory / name, watch=Watch()))
        self.house.have(*components)
        self.files.follow([Program(component, ("x",)) for component in components])

    def starts(self):
        return [run.instance.name for run in self.house.runs]


@pytest.fixture
def watched(tmp_path):
    return Watched(tmp_path)


def test_a_change_restarts_what_it_belongs_to_and_nothing_else(watched, tmp_path):
    watched.have("a", "b")
    watched.house.advance(5)
    assert watched.starts() == ["a", "b"]
    write(tmp_path, "a/new.py")
    watched.house.advance(1)
    assert watched.starts() == ["a", "b", "a"]
    watched.house.advance(5)
    assert watched.starts() == ["a", "b", "a"]


def test_many_changes_are_one_restart_when_they_are_over(watched, tmp_path):
    watched.have("a")
    for number in range(8):
        write(tmp_path, f"a/{number}.py")
        watched.house.advance(0.25)
    before = len(watched.starts())
    watched.house.advance(2)
    assert (before, len(watched.starts())) == (1, 2)


def test_who_was_stopped_by_hand_stays_so(watched, tmp_path):
    watched.have("a")
    watched.house.hosting.stop_one("a")
    write(tmp_path, "a/new.py")
    watched.house.advance(5)
    assert watched.starts() == ["a"]


def test_one_that_rests_is_started_at_once_by_better_code(watched, tmp_path):
    watched.have("a")
    for _ in range(4):
        watched.house.run_of("a").end(1)
        watched.house.advance(8)
    watched.house.run_of("a").end(1)
    starts = len(watched.starts())
    write(tmp_path, "a/new.py")
    watched.house.advance(1)
    assert len(watched.starts()) == starts + 1


def test_files_of_components_that_are_gone_are_not_looked_at(watched, tmp_path):
    watched.have("a")
    watched.have()
    write(tmp_path, "a/new.py")
    watched.house.advance(5)
    assert watched.starts() == ["a"]
    assert watched.house.clock.getDelayedCalls() == []
