/* SPDX-License-Identifier: MIT */
#include "options_rig.h"
#include "random.h"

static struct random fuzz;

/* A piece of a command line: mostly of known words, so that parsing gets far. */
static void fuzz_append(char *word, size_t size)
{
	/* clang-format off */
	static const char *const pieces[] = { "-",   "--", "=", "1",	"80",  "0x", "auto", "default",
					      "640", "x",  "q", "unix", "/tmp/x", "\xff", "\n", "%s" };
	/* clang-format on */
	size_t length = strlen(word);
	unsigned rows = 0;

	while (glint_option_rows[rows].help)
		rows++;
	if (random_below(&fuzz, 3) == 0) {
		const char *name = glint_option_rows[random_below(&fuzz, rows)].name;

		snprintf(word + length, size - length, "--%.*s", (int)random_below(&fuzz, 30),
			 name ? name : "");
	} else {
		snprintf(word + length, size - length, "%s",
			 pieces[random_below(&fuzz, sizeof(pieces) / sizeof(pieces[0]))]);
	}
}

static void fuzz_once(unsigned *outcomes)
{
	char words[WORDS_MAX][100];
	struct parsed parsed;

	parsed.argc = 1 + (int)random_below(&fuzz, 8);
	for (int i = 0; i < parsed.argc; i++) {
		words[i][0] = '\0';
		for (unsigned n = random_below(&fuzz, 4); n > 0; n--)
			fuzz_append(words[i], sizeof(words[i]));
		parsed.argv[i] = words[i];
	}
	parsed.argv[parsed.argc] = NULL;
	parse_words(&parsed);
	outcomes[parsed.outcome]++;
	/* One line for an error, a text for --help: never nothing, never both. */
	CU_ASSERT_EQUAL(parsed.outcome == GLINT_OPTIONS_EXIT_OK, parsed.output.out != NULL);
	CU_ASSERT_TRUE(parsed.outcome != GLINT_OPTIONS_EXIT_ERROR || parsed.output.err);
	drop(&parsed);
}

static void test_no_command_line_is_too_strange(void)
{
	unsigned outcomes[3] = { 0 };

	fuzz = random_begin();
	for (int i = 0; i < 20000; i++)
		fuzz_once(outcomes);
	for (int i = 0; i < 3; i++) /* otherwise parsing ended at once */
		CU_ASSERT_TRUE(outcomes[i] > 0);
}

/* clang-format off */
GLINT_TESTS("options_fuzz",
	GLINT_TEST(test_no_command_line_is_too_strange),
)
