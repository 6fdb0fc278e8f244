# SPDX-License-Identifier: MIT
"""Robot Framework library: keywords for the screen of the device under test.

    *** Settings ***
    Library    GlintLibrary    /run/glint/lab.sock

    *** Test Cases ***
    The Board Boots
        ${mark}=    Mark
        Wait For Screen    change    since=${mark}    timeout=10
        Wait For Screen    still    stable=1    timeout=60
        Save Snapshot    booted.jpg    after=now

Errors are those of glint.py; their messages are shown by Robot Framework.
"""
import glint

DURATIONS = ("timeout", "stable", "start_timeout", "stable_timeout", "keep")


def _typed(options):
    """Robot Framework passes texts; durations are numbers of seconds."""
    return {name: float(value) if name in DURATIONS else value for name, value in options.items()}


class GlintLibrary:
    """One instance for each test suite; it holds no connection."""

    ROBOT_LIBRARY_SCOPE = "SUITE"

    def __init__(self, address=None):
        self.glint = glint.Glint(address)

    def wait_for_screen(self, *conditions, **options):
        """Wait until the screen is still, has changed, ...; return the verdict."""
        return self.glint.wait(*conditions, **_typed(options))

    def mark(self, name=None, **options):
        """Name the present moment; return it for after= and since=."""
        return self.glint.mark(name, **_typed(options))

    def save_snapshot(self, path, **options):
        """Write a picture to a file; return its receipt."""
        picture = self.glint.snapshot(**_typed(options))
        picture.save(path)
        return picture.receipt

    def screen_should_be_live(self):
        """Fail unless there is live video."""
        self.glint.snapshot()
