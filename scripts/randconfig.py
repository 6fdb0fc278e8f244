#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes a random configuration where kconfiglib is the only Kconfig tool.

KCONFIG_CONFIG names the result; KCONFIG_SEED repeats one.
"""
import os
import random

import kconfiglib

seed = int(os.environ.get("KCONFIG_SEED") or str(random.randrange(1 << 32)), 0)
print(f"KCONFIG_SEED={seed:#x}")
rng = random.Random(seed)

kconf = kconfiglib.Kconfig("Kconfig")
for symbol in kconf.unique_defined_syms:
    symbol.set_value(rng.choice("ny"))
kconf.write_config()
