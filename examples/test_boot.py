# SPDX-License-Identifier: MIT
"""A boot test for pytest: when it fails, the report has the screen, its receipt and the events.

    POWER_ON="power-switch on" pytest -p pytest_glint --glint /run/glint/lab.sock \\
        --glint-artifacts failures/ examples/test_boot.py

Before, this was:

    def test_boot(power):
        power.on()
        time.sleep(45)    # too short on a bad day, too long on all others
        assert looks_booted(camera.read())

POWER_ON: the command that switches the board on. BOOT_TIMEOUT: seconds. REGION: the part of the
screen that stays when the board has booted; leave out a clock or a cursor.
"""
import os
import subprocess

TIMEOUT = float(os.environ.get("BOOT_TIMEOUT", "120"))
REGION = os.environ.get("REGION")


def test_boot(screen):
    subprocess.run(os.environ["POWER_ON"], shell=True, check=True)
    screen.wait("live", timeout=TIMEOUT)
    still = screen.wait("still", stable=0.5, region=REGION, timeout=TIMEOUT)
    screen.wait("nonblack", region=REGION, timeout=1)
    picture = screen.snapshot(after=still.first)
    assert picture.receipt.seq > still.first.seq
