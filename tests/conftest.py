"""What holds for all tests: a missing component must not pass for a passed test.

With SPLITBRAIN_REQUIRE set, a skip is a failure. The public corpus alone may be absent: it is no part of
this repository.
"""

import os

import pytest

CORPUS = "corpus"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    return _required(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    return _required(report)


def _required(report):
    if not os.environ.get("SPLITBRAIN_REQUIRE") or not report.skipped or hasattr(report, "wasxfail"):
        return report
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if CORPUS not in reason:
        report.outcome = "failed"
        report.longrepr = f"SPLITBRAIN_REQUIRE is set, so this must run: {reason}"
    return report
