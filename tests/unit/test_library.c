/* SPDX-License-Identifier: MIT */
/* Libraries that are loaded on demand. */
#include "harness.h"

#include <stddef.h>

#include "base/library.h"

static void test_a_library_and_its_functions_are_found(void)
{
	static const char *const names[] = { "cos", "sin" };
	void *cosine = NULL, *sine = NULL;
	void **const functions[] = { &cosine, &sine };

	CU_ASSERT_TRUE(glint_library_load("libm.so.6", "", names, functions, 2));
	CU_ASSERT_PTR_NOT_NULL(cosine);
	CU_ASSERT_PTR_NOT_NULL(sine);
	CU_ASSERT_PTR_NOT_EQUAL(cosine, sine);
}

static void test_an_absent_library_or_function_is_no_success(void)
{
	static const char *const names[] = { "cos", "no_such_function" };
	void *cosine = NULL, *absent = NULL;
	void **const functions[] = { &cosine, &absent };

	CU_ASSERT_FALSE(glint_library_load("libm.so.6", "for a test", names, functions, 2));
	CU_ASSERT_PTR_NULL(absent);
	CU_ASSERT_FALSE(glint_library_load("libabsent.so.0", "for a test", names, functions, 2));
}

/* clang-format off */
GLINT_TESTS("library",
	GLINT_TEST(test_a_library_and_its_functions_are_found),
	GLINT_TEST(test_an_absent_library_or_function_is_no_success),
)
