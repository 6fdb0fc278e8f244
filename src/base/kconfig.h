/* SPDX-License-Identifier: MIT */
/*
 * IS_ENABLED(CONFIG_X) is 1 if the option is on and 0 if it is off, in C expressions and in #if.
 * Prefer it in C expressions: the compiler then checks the code of both cases. The build includes
 * this file in every source file.
 *
 * An option that is on is defined as 1; an option that is off is not defined. GLINT_KCONFIG_ARG_
 * and the value are pasted: the result is "0," for 1, and an unknown word for an undefined option.
 * So GLINT_KCONFIG_SECOND() gets 1 as its second argument if the option is on, else 0.
 */
#ifndef GLINT_BASE_KCONFIG_H
#define GLINT_BASE_KCONFIG_H

#define GLINT_KCONFIG_ARG_1			0,
#define GLINT_KCONFIG_SECOND(ignored, val, ...) val
#define GLINT_KCONFIG_TEST(arg_or_junk)		GLINT_KCONFIG_SECOND(arg_or_junk 1, 0, 0)
#define GLINT_KCONFIG_PASTE(val)		GLINT_KCONFIG_TEST(GLINT_KCONFIG_ARG_##val)

#define IS_ENABLED(option) GLINT_KCONFIG_PASTE(option)

#endif
