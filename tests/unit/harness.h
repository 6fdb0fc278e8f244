/* SPDX-License-Identifier: MIT */
/*
 * A table of tests, run by CUnit and reported as TAP. A test file is a program:
 *
 *	#include "harness.h"
 *
 *	static void test_the_last_unref_releases_once(void)
 *	{
 *		struct rig r;
 *
 *		rig_open(&r);
 *		glint_frame_begin(&r.frame, 7, 0);
 *		CU_ASSERT_PTR_EQUAL_FATAL(glint_frame_ref(&r.frame), &r.frame);
 *		glint_frame_unref(&r.frame);
 *		CU_ASSERT_EQUAL(r.released, 0);
 *		glint_frame_unref(&r.frame);
 *		CU_ASSERT_EQUAL(r.released, 1);
 *	}
 *
 *	static void test_registered_buffers_are_used(void)
 *	{
 *		if (!has_io_uring())
 *			GLINT_SKIP("this kernel has no io_uring");
 *		...
 *	}
 *
 *	GLINT_TESTS("frame",
 *		GLINT_TEST(test_the_last_unref_releases_once),
 *		GLINT_TEST(test_registered_buffers_are_used),
 *	)
 *
 * Built as $(O)/tests/unit/test_frame, which takes [--list] [PATTERN]: PATTERN is a
 * part of a test's name, and only such tests run. It exits 1 when a test failed.
 *
 * CU_ASSERT_* goes on after a failure; CU_ASSERT_*_FATAL leaves the test, so it
 * leaks what the test held. A test without any assertion fails: it shows nothing.
 */
#ifndef GLINT_TESTS_HARNESS_H
#define GLINT_TESTS_HARNESS_H

#include <stddef.h>
#include <CUnit/CUnit.h>

struct glint_test {
	const char *name;
	void (*run)(void);
};

#define GLINT_TEST(function) { #function, function }

/* The table and main(); a comma after the last test is fine. */
#define GLINT_TESTS(suite, ...)                                                              \
	int main(int argc, char **argv)                                                      \
	{                                                                                    \
		static const struct glint_test tests[] = { __VA_ARGS__ };                    \
                                                                                             \
		return glint_tests_main(suite, tests, sizeof(tests) / sizeof(tests[0]), argc, \
					argv);                                               \
	}

/* Leaves a test function whose conditions are not met here. Takes a printf format. */
#define GLINT_SKIP(...)                        \
	do {                                   \
		glint_test_skip(__VA_ARGS__);  \
		return;                        \
	} while (0)

/*
 * The loop backend to test, "uring" or "epoll", from GLINT_TEST_LOOP; NULL means
 * the default. "make check-unit" runs a program that calls this once for each.
 */
const char *glint_test_loop(void);

void glint_test_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Returns what main() returns. */
int glint_tests_main(const char *suite, const struct glint_test *tests, size_t n_tests, int argc,
		     char **argv);

#endif
