#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""--notify-parent: SIGUSR2 whenever the video comes or goes, or its size changes.

Prints TAP. From the environment: GLINTD, BUILD.
"""
import signal

import tap


def wait_for_signal():
    number = signal.sigtimedwait({signal.SIGUSR2}, tap.PATIENCE)
    assert number is not None, "there is no SIGUSR2"


def signals_while(condition):
    """Counts signals until @condition holds, and shortly after: several may merge into one."""
    count = 0
    while not condition():
        count += signal.sigtimedwait({signal.SIGUSR2}, 0.1) is not None
    while signal.sigtimedwait({signal.SIGUSR2}, 0.5) is not None:
        count += 1
    return count


@tap.test
def test_each_change():
    """SIGUSR2 comes at the start and with the first frame, and not again without a change"""
    with tap.Service("--notify-parent") as service:
        wait_for_signal()
        signals_while(lambda: service.state()["source"]["online"])
        seen = service.state()["glint"]["frame"]["sequence"]
        assert signals_while(
            lambda: service.state()["glint"]["frame"]["sequence"] > seen + 20) == 0


@tap.test
def test_without_a_device():
    """SIGUSR2 comes once when the device is missing"""
    with tap.Service("--notify-parent", device=tap.MISSING) as service:
        wait_for_signal()
        service.wait_for(lambda state: state["glint"]["source"]["reason"] == "no-device")
        assert signals_while(lambda: True) == 0


@tap.test
def test_unasked():
    """SIGUSR2 does not come without the option"""
    with tap.Service() as service:
        service.wait_until_live()
        assert signals_while(lambda: True) == 0


signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
tap.main()
