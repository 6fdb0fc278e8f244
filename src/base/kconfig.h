/* SPDX-License-Identifier: MIT */
/*
 * IS_ENABLED(CONFIG_X) is 1 when the option is on and 0 when it is off, in C
 * expressions and in #if alike. Prefer it in C: the compiler then checks the
 * code of both cases. The build includes this file everywhere by itself.
 *
 * An option that is on is defined as 1, one that is off is not defined. Pasting
 * the value to GLINT_KCONFIG_ARG_ gives "0," for 1 and some unknown word for
 * anything else; so the second argument is 1 in the one case and 0 in the other.
 */
#ifndef GLINT_BASE_KCONFIG_H
#define GLINT_BASE_KCONFIG_H

#define GLINT_KCONFIG_ARG_1 0,
#define GLINT_KCONFIG_SECOND(ignored, val, ...) val
#define GLINT_KCONFIG_TEST(arg_or_junk) GLINT_KCONFIG_SECOND(arg_or_junk 1, 0, 0)
#define GLINT_KCONFIG_PASTE(val) GLINT_KCONFIG_TEST(GLINT_KCONFIG_ARG_##val)

#define IS_ENABLED(option) GLINT_KCONFIG_PASTE(option)

#endif
