/* SPDX-License-Identifier: MIT */
/* Mistyped words and the nearest known words. */
#include "harness.h"

#include <string.h>

#include "base/macros.h"
#include "base/similar.h"

static const char *meant(const char *word)
{
	static const char *const words[] = { "state",	"snapshot", "stream", "devices", "help",
					     "quality", "unix",	    NULL,     "" };
	struct glint_similar similar;

	glint_similar_begin(&similar, word, strlen(word));
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		glint_similar_try(&similar, words[i]);
	return similar.best ? similar.best : "";
}

static void test_a_letter_missing_wrong_swapped_or_too_many_is_forgiven(void)
{
	CU_ASSERT_STRING_EQUAL(meant("stte"), "state");
	CU_ASSERT_STRING_EQUAL(meant("stxte"), "state");
	CU_ASSERT_STRING_EQUAL(meant("tsate"), "state");
	CU_ASSERT_STRING_EQUAL(meant("statee"), "state");
	CU_ASSERT_STRING_EQUAL(meant("sanpshot"), "snapshot");
	CU_ASSERT_STRING_EQUAL(meant("qualtiy"), "quality");
	CU_ASSERT_STRING_EQUAL(meant("uinx"), "unix");
	CU_ASSERT_STRING_EQUAL(meant("stream"), "stream");
}

static void test_the_nearest_is_taken(void)
{
	CU_ASSERT_STRING_EQUAL(meant("steam"), "stream");
	CU_ASSERT_STRING_EQUAL(meant("snapshots"), "snapshot");
}

static void test_what_is_another_word_resembles_none(void)
{
	CU_ASSERT_STRING_EQUAL(meant("dance"), "");
	CU_ASSERT_STRING_EQUAL(meant("loud"), "");
	CU_ASSERT_STRING_EQUAL(meant("s"), "");
	CU_ASSERT_STRING_EQUAL(meant(""), "");
	CU_ASSERT_STRING_EQUAL(meant("\xff\xfe\xfd"), "");
}

static void test_a_word_of_any_length_is_bounded(void)
{
	char word[4096];

	memset(word, 's', sizeof(word));
	for (size_t len = 0; len < sizeof(word); len += len < 64 ? 1 : 64) {
		struct glint_similar similar;

		glint_similar_begin(&similar, word, len);
		glint_similar_try(&similar, "ssssssssssssssssssssssssssssssss");
		glint_similar_try(&similar, "sssssssssssssssssssssssssssssss");
		CU_ASSERT_EQUAL(similar.best != NULL, len >= 24 && len <= 31);
	}
}

/* clang-format off */
GLINT_TESTS("similar",
	GLINT_TEST(test_a_letter_missing_wrong_swapped_or_too_many_is_forgiven),
	GLINT_TEST(test_the_nearest_is_taken),
	GLINT_TEST(test_what_is_another_word_resembles_none),
	GLINT_TEST(test_a_word_of_any_length_is_bounded),
)
