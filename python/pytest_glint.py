# SPDX-License-Identifier: MIT
"""pytest plugin: the fixture `screen`, and what was on the screen when a test failed.

    pytest -p pytest_glint --glint /run/glint/lab.sock --glint-artifacts failures/

    def test_boot(screen, power):
        mark = screen.mark()
        power.on()
        screen.wait("change", since=mark, timeout=10)
        screen.wait("still", stable=1, timeout=60)
        screen.compare("login.png", region="640x360+0+0", threshold=2)

When a test that uses the fixture fails, its report gets the receipt of its last picture, the events
since it began, and the picture of the moment of failure. The files of a test are in a folder of
their own below --glint-artifacts: failure.jpg, last.* (the last picture that the test took),
receipt.json and events.jsonl.
"""
from __future__ import annotations

import dataclasses
import json
import os
import re
from typing import Any, Iterator, List, Optional, Union

import pytest

import glint

EVENTS_MAX = 1000  # in a report


class Screen:
    """The screen of the device under test. glint: the service, for all that is not here."""

    def __init__(self, service: glint.Glint):
        self.glint = service
        self.last_picture: Optional[glint.Picture] = None
        self.last_verdict: Optional[glint.Verdict] = None
        with service.events() as events:
            self._began = events.last_id

    def snapshot(self, **options: Any) -> glint.Picture:
        """As glint.Glint.snapshot()."""
        self.last_picture = self.glint.snapshot(**options)
        return self.last_picture

    def mark(self, *args: Any, **options: Any) -> glint.Mark:
        """As glint.Glint.mark()."""
        return self.glint.mark(*args, **options)

    def wait(self, *conditions: str, **options: Any) -> glint.Verdict:
        """As glint.Glint.wait()."""
        try:
            self.last_verdict = self.glint.wait(*conditions, **options)
        except glint.NotMet as error:
            self.last_verdict = error.verdicts[0] if error.verdicts else None
            raise
        return self.last_verdict

    def compare(self, reference: Union[str, os.PathLike, bytes, glint.Picture], *, most: int = 0,
                **options: Any) -> glint.Comparison:
        """As glint.Glint.compare(); fails when more than @most pixels differ."""
        __tracebackhide__ = True  # pylint: disable=unused-variable
        found = self.glint.compare(reference, **options)
        self.last_picture = found.picture
        if found.differing > most:
            pytest.fail(f"{found.differing} of {found.pixels} pixels differ from the reference, "
                        f"within {found.box}")
        return found

    def events(self) -> List[glint.Event]:
        """What has happened since the test began."""
        events: List[glint.Event] = []
        newest = self.glint.state()["glint"]["events"]["last"]
        with self.glint.events(self._began) as stream:
            while len(events) < EVENTS_MAX and (not events or events[-1].seq < newest):
                try:
                    events.append(stream.get(1))
                except glint.NotMet:
                    break  # none since then
        return events


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("glint", "capture service of the device under test")
    group.addoption("--glint", metavar="ADDRESS", default=None,
                    help="unix socket, HOST:PORT or URL of the service; without it: as the command "
                         "glint finds it")
    group.addoption("--glint-artifacts", metavar="DIR", default=None,
                    help="folder for pictures, receipts and events of tests that fail")


@pytest.fixture
def screen(request: pytest.FixtureRequest) -> Iterator[Screen]:
    """The screen of the device under test, by the service of --glint."""
    with glint.Glint(request.config.getoption("--glint")) as service:
        yield Screen(service)


def _facts(shown: Screen) -> dict:
    picture, verdict = shown.last_picture, shown.last_verdict
    return {
        "receipt": dataclasses.asdict(picture.receipt) if picture else None,
        "verdict": dict(verdict.document) if verdict else None,
    }


def _line(event: glint.Event) -> str:
    return json.dumps(dataclasses.asdict(event))


def _suffix(picture: glint.Picture) -> str:
    return {"image/jpeg": "jpg", "image/png": "png",
            "image/x-portable-pixmap": "ppm"}.get(picture.type, "bin")


def _save(folder: str, shown: Screen, failure: glint.Picture, events: List[glint.Event]) -> None:
    os.makedirs(folder, exist_ok=True)
    failure.save(os.path.join(folder, "failure.jpg"))
    if shown.last_picture:
        name = f"last.{_suffix(shown.last_picture)}"
        shown.last_picture.save(os.path.join(folder, name))
    with open(os.path.join(folder, "receipt.json"), "w", encoding="utf-8") as file:
        json.dump({"failure": dataclasses.asdict(failure.receipt), "last": _facts(shown)}, file,
                  indent=2)
        file.write("\n")
    with open(os.path.join(folder, "events.jsonl"), "w", encoding="utf-8") as file:
        file.writelines(_line(event) + "\n" for event in events)


def _attach(report: pytest.TestReport, shown: Screen, artifacts: Optional[str]) -> None:
    failure = shown.glint.snapshot(any=True)
    events = shown.events()
    report.sections.append(("glint receipt", json.dumps(_facts(shown), indent=2)))
    report.sections.append(("glint events", "\n".join(_line(event) for event in events)))
    if artifacts:
        folder = os.path.join(artifacts, re.sub(r"[^\w.-]+", "_", report.nodeid))
        _save(folder, shown, failure, events)
        report.sections.append(("glint picture", os.path.join(folder, "failure.jpg")))
    else:
        text = f"{len(failure.data)} bytes; --glint-artifacts DIR keeps it as a file"
        report.sections.append(("glint picture", text))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    outcome = yield
    report = outcome.get_result()
    shown = getattr(item, "funcargs", {}).get("screen")
    if call.when != "call" or not report.failed or not isinstance(shown, Screen):
        return
    try:
        _attach(report, shown, item.config.getoption("--glint-artifacts"))
    except (glint.GlintError, OSError) as error:  # the failure of the test matters more
        report.sections.append(("glint", f"nothing can be attached: {error}"))
