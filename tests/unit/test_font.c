/* SPDX-License-Identifier: MIT */
#include "base/font.h"

#include <stdint.h>

#include "base/macros.h"
#include "harness.h"

static uint64_t cells(char c)
{
	uint64_t all = 0;

	for (unsigned y = 0; y < GLINT_FONT_HEIGHT; y++)
		for (unsigned x = 0; x < GLINT_FONT_WIDTH; x++)
			all = all << 1 | glint_font_cell(c, x, y);
	return all;
}

static void test_a_letter_looks_as_it_should(void)
{
	static const char *const letter[GLINT_FONT_HEIGHT] = {
		"####.", "#...#", "#...#", "####.", "#.#..", "#..#.", "#...#",
	};

	for (unsigned y = 0; y < GLINT_FONT_HEIGHT; y++)
		for (unsigned x = 0; x < GLINT_FONT_WIDTH; x++)
			CU_ASSERT_EQUAL(glint_font_cell('R', x, y), letter[y][x] == '#');
}

static void test_all_characters_differ_and_only_space_is_empty(void)
{
	for (char a = ' '; a <= '~'; a++) {
		CU_ASSERT_EQUAL(cells(a) == 0, a == ' ');
		for (char b = (char)(a + 1); b <= '~'; b++)
			CU_ASSERT_NOT_EQUAL(cells(a), cells(b));
	}
}

static void test_what_the_font_lacks_is_a_question_mark(void)
{
	static const char unknown[] = { '\0', '\n', 31, 127, (char)0x80, (char)0xff };

	for (unsigned i = 0; i < ARRAY_SIZE(unknown); i++)
		CU_ASSERT_EQUAL(cells(unknown[i]), cells('?'));
}

/* clang-format off */
GLINT_TESTS("font",
	GLINT_TEST(test_a_letter_looks_as_it_should),
	GLINT_TEST(test_all_characters_differ_and_only_space_is_empty),
	GLINT_TEST(test_what_the_font_lacks_is_a_question_mark),
)
