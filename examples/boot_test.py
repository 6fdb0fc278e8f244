#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A boot test in Python: switch the board on, wait until its screen has settled, keep the picture.

    GLINT_SOCKET=/run/glint/lab.sock POWER_ON="power-switch on" examples/boot_test.py booted.jpg

Before, this was:

    subprocess.run(power_on, shell=True, check=True)
    time.sleep(45)    # too short on a bad day, too long on all others
    urllib.request.urlretrieve("http://bench:8080/snapshot", "booted.jpg")

POWER_ON: the command that switches the board on. BOOT_TIMEOUT: seconds. REGION: the part of the
screen that stays when the board has booted; leave out a clock or a cursor. Exit status 4: the board
did not boot in time; 2: the bench failed.
"""
import os
import subprocess
import sys
import time

import glint


def main(path):
    timeout = float(os.environ.get("BOOT_TIMEOUT", "120"))
    with glint.Glint() as lab:
        pressed_ns = time.monotonic_ns()
        subprocess.run(os.environ["POWER_ON"], shell=True, check=True)
        lab.wait("live", timeout=timeout)
        still = lab.wait("still", stable=0.5, region=os.environ.get("REGION"), timeout=timeout)
        lab.snapshot(after=still.first).save(path)
        # The frame since which nothing has moved, so without the half second of looking at it.
        settled_ns = still.first.complete_ns - pressed_ns
        print(f"settled {settled_ns / 1e9:.3f} s after power on, {still.seen} frames were judged, "
              f"{still.missed} missed")


try:
    main(sys.argv[1])
except glint.NotMet as error:
    print(f"the board does not boot: {error}", *error.verdicts, file=sys.stderr)
    sys.exit(4)
except glint.GlintError as error:
    print(f"the bench fails: {error}", file=sys.stderr)
    sys.exit(2)
