/* SPDX-License-Identifier: MIT */
/*
 * A table of tests, run by CUnit and reported as TAP. A test file:
 *
 *	#include "harness.h"
 *
 *	static void test_the_last_unref_releases_once(void)
 *	{
 *		struct rig r;
 *
 *		rig_open(&r);
 *		glint_frame_begin(&r.frame, 7);
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
 * All test files are linked into one program, $(O)/tests/unit/all. The program runs the
 * file that its own name or its first argument names: $(O)/tests/unit/test_frame, a link,
 * runs test_frame.c. After that it takes [--list] [PATTERN]: PATTERN is a part of a
 * test's name, and only such tests run. The program exits 1 when a test failed.
 *
 * A file's functions and variables are static, because all files share one name space.
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

struct glint_test_file {
	const char *path;
	const char *title;
	const struct glint_test *tests;
	size_t n_tests;
	struct glint_test_file *next;
};

/* clang-format off */
#define GLINT_TEST(function) { #function, function }
/* clang-format on */

/* The table of a file; a comma after the last test is fine. */
#define GLINT_TESTS(suite, ...)                                                                    \
	static const struct glint_test glint_file_tests[] = { __VA_ARGS__ };                       \
	static struct glint_test_file glint_file = {                                               \
		.path = __FILE__,                                                                  \
		.title = (suite),                                                                  \
		.tests = glint_file_tests,                                                         \
		.n_tests = sizeof(glint_file_tests) / sizeof(glint_file_tests[0]),                 \
	};                                                                                         \
	static __attribute__((constructor)) void glint_file_add(void)                              \
	{                                                                                          \
		glint_test_file_add(&glint_file);                                                  \
	}

/* For GLINT_TESTS(). */
void glint_test_file_add(struct glint_test_file *file);

/* How many descriptors this process has open, and two or three more. */
unsigned glint_test_open_fds(void);

/* Leave a test function whose conditions are not met here. Takes a printf format. */
#define GLINT_SKIP(...)                                                                            \
	do {                                                                                       \
		glint_test_skip(__VA_ARGS__);                                                      \
		return;                                                                            \
	} while (0)

/*
 * The loop backend to test, "uring" or "epoll", from GLINT_TEST_LOOP; NULL means
 * the default. "make check-unit" runs a file that calls this once for each.
 */
const char *glint_test_loop(void);

void glint_test_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
