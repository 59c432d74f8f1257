"""Settings of the log: levels of subsystems, format, burst."""

from tests.settings.conftest import LISTENER
from tests.settings.conftest import REALM as ONE

REALM = ONE + LISTENER


def test_by_default_all_is_info_and_goes_where_standard_error_leads(config):
    log = config.load(REALM).log
    assert (log.level, log.format, log.burst) == ("info", "auto", 250)
    assert log.levels.sessions is None


def test_subsystems_have_levels_of_their_own(config):
    log = config.load(REALM + "log: {levels: {sessions: debug, http: warn}, burst: null}\n").log
    assert (log.levels.sessions, log.levels.http, log.levels.auth, log.burst) == ("debug", "warn", None, None)


def test_an_unknown_subsystem_an_unknown_level_and_an_unknown_format_are_located(config):
    said = config.problems(
        REALM + "log:\n  levels:\n    session: info\n    http: warning\n  format: syslog\n  burst: 0\n"
    )
    assert [problem.split(": ", 1)[1] for problem in map(str, said)] == [
        'log.levels.session: unknown key; did you mean "sessions"?',
        'log.levels.http: expected one of critical, debug, error, info, warn, not "warning"; did you mean "warn"?',
        'log.format: expected one of auto, journald, json, text, not "syslog"',
        "log.burst: must be at least 1",
    ]
