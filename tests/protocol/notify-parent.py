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
    """How many come until it holds, and a little later: several may have become one."""
    count = 0
    while not condition():
        count += signal.sigtimedwait({signal.SIGUSR2}, 0.1) is not None
    while signal.sigtimedwait({signal.SIGUSR2}, 0.5) is not None:
        count += 1
    return count


@tap.test
def test_each_change():
    """it comes at the start, with the first frame, and then no more while nothing changes"""
    with tap.Service("--notify-parent") as service:
        wait_for_signal()
        signals_while(lambda: service.state()["source"]["online"])
        seen = service.state()["glint"]["frame"]["sequence"]
        assert signals_while(
            lambda: service.state()["glint"]["frame"]["sequence"] > seen + 20) == 0


@tap.test
def test_without_a_device():
    """it comes once for a device that is not there"""
    with tap.Service("--notify-parent", device=tap.MISSING) as service:
        wait_for_signal()
        service.wait_for(lambda state: state["glint"]["source"]["reason"] == "no-device")
        assert signals_while(lambda: True) == 0


@tap.test
def test_unasked():
    """it does not come without the option"""
    with tap.Service() as service:
        service.wait_until_live()
        assert signals_while(lambda: True) == 0


signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
tap.main()
