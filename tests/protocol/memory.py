#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Memory that readers made the service hold is returned to the system after they leave.

Prints TAP. From the environment: GLINTD, BUILD.
"""
import contextlib

import tap

READERS = 30


def resident(process):
    """Returns the bytes of private memory of the process."""
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as file:
        fields = dict(line.split(":", 1) for line in file)
    return int(fields["RssAnon"].split()[0]) * 1024


def encoder_of(service):
    return service.state()["glint"]["encoder"]


@tap.test
def test_pictures_go_back():
    """the memory of pictures for slow readers is returned some seconds after they leave"""
    tap.needs("ENCODE_CPU")
    with tap.Service("--resolution", "1920x1080", "--encoder", "cpu", "--workers", "2",
                     "--server-timeout", "60") as service:
        with contextlib.ExitStack() as stack:
            for number in range(READERS):
                sock = stack.enter_context(service.connect())
                sock.sendall(tap.request("GET", "/stream").encode())
                # So that each reader is stuck with a different picture.
                service.wait_for(lambda state, number=number:
                                 state["glint"]["encoder"]["encoded"] > 2 * number)
            tap.until(lambda: encoder_of(service)["pictures_held"] >= READERS * 2 // 3)
            most, used = encoder_of(service), resident(service.process)
        assert most["pictures_bytes"] >= most["pictures_held"] * most["last_size"] // 2, most
        tap.until(lambda: encoder_of(service)["pictures"] == 0)
        least = encoder_of(service)
        assert least["pictures_held"] == 0 and least["pictures_bytes"] == 0, least
        back = used - resident(service.process)
        print(f"# {most['pictures']} pictures of {most['last_size']} bytes; {used} bytes "
              f"resident, {back} of them given back")
        if not tap.is_sanitized():
            assert back > most["pictures"] * most["last_size"] // 2, back
        # The service goes on.
        assert tap.jpeg_size(service.get("/snapshot").body) == (1920, 1080)


tap.main()
