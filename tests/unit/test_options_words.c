/* SPDX-License-Identifier: MIT */
/* The grammar of the command line. */
#include "options_rig.h"

/* Each option has a name, a letter, and a value in its range. */
static const char *good_value(const struct glint_option *option, char text[64])
{
	const struct glint_option_word *word = option->words;

	if (option->kind == GLINT_OPTION_SIZE)
		snprintf(text, 64, "%dx%d", (int)option->low[0], (int)option->low[1]);
	else if (option->kind == GLINT_OPTION_MODE)
		snprintf(text, 64, "%o", (unsigned)option->high[0]);
	else if (option->kind == GLINT_OPTION_NUMBER || option->kind == GLINT_OPTION_SECONDS)
		snprintf(text, 64, "%d", (int)option->high[0]);
	else if (option->kind == GLINT_OPTION_FORMAT || option->kind == GLINT_OPTION_CONTROL)
		snprintf(text, 64, "%s", word ? "default" : "auto");
	else if (option->kind == GLINT_OPTION_ASSIGN)
		snprintf(text, 64, "gain=7");
	else if (option->kind == GLINT_OPTION_TIMINGS)
		snprintf(text, 64, "720p50");
	else if (option->kind == GLINT_OPTION_SPAN)
		snprintf(text, 64, "500ms");
	else if (option->kind == GLINT_OPTION_CPUS)
		snprintf(text, 64, "0-1,3");
	else if (word)
		snprintf(text, 64, "%s", word->name);
	else if (option->kind == GLINT_OPTION_TEXT && option->range_text)
		/* A text of a form: its default, or the first of the possible words. */
		snprintf(text, 64, "%.*s", (int)strcspn(option->range_text, ", "),
			 option->fallback ? option->fallback : option->range_text);
	else
		snprintf(text, 64, "%s", option->kind == GLINT_OPTION_FILE ? "/dev/null" : "x");
	return text;
}

static bool testable(const struct glint_option *option)
{
	return option->name && option->kind != GLINT_OPTION_SHOW && !option->missing;
}

/* @between: what stands between a name and its value. */
static bool accepts_form(const struct glint_option *option, const char *between)
{
	bool password = strcmp(option->name, "passwd") == 0;
	bool value = glint_option_takes_value(option);
	char text[64], line[300];

	snprintf(line, sizeof(line), "--unix /x %s --%s%s%s", password ? "--user u" : "",
		 option->name, value ? between : "", value ? good_value(option, text) : "");
	return accepts(line);
}

static void test_each_option_has_its_long_form(void)
{
	for (const struct glint_option *option = glint_option_rows; option->help; option++) {
		if (!testable(option))
			continue;
		CU_ASSERT_TRUE(accepts_form(option, " "));
	}
}

static void test_each_value_may_follow_an_equals_sign_and_no_flag_may(void)
{
	for (const struct glint_option *option = glint_option_rows; option->help; option++) {
		char line[100];

		if (!testable(option))
			continue;
		snprintf(line, sizeof(line), "--unix /x --%s=1", option->name);
		if (glint_option_takes_value(option)) {
			CU_ASSERT_TRUE(accepts_form(option, "="));
		} else {
			CU_ASSERT_TRUE(refuses(line));
		}
	}
}

static void test_each_letter_stands_for_its_option(void)
{
	static const char wanted[] = "dirmatfbzTnIwqcgkKlUDMspSeRhv";
	unsigned found = 0;

	for (const struct glint_option *option = glint_option_rows; option->help; option++) {
		char text[64], line[200];

		if (!option->letter)
			continue;
		found++;
		CU_ASSERT_PTR_NOT_NULL(strchr(wanted, option->letter));
		if (!testable(option))
			continue;
		snprintf(line, sizeof(line), "-U /x -%c%s", option->letter,
			 glint_option_takes_value(option) ? good_value(option, text) : "");
		CU_ASSERT_TRUE(accepts(line));
	}
	CU_ASSERT_EQUAL(found, strlen(wanted));
}

static void test_a_missing_value_is_an_error_for_each_option(void)
{
	for (const struct glint_option *option = glint_option_rows; option->help; option++) {
		char line[100];

		snprintf(line, sizeof(line), "--unix /x --%s", option->name);
		if (!option->name || !glint_option_takes_value(option))
			continue;
		CU_ASSERT_TRUE(refuses(line));
	}
	CU_ASSERT_TRUE(says("-q", "--quality: a value is missing, expected 1 to 100 (try --help)"));
}

static bool has_limits(const struct glint_option *option)
{
	return testable(option) &&
	       (option->kind == GLINT_OPTION_NUMBER || option->kind == GLINT_OPTION_SECONDS);
}

static void test_each_number_is_kept_within_its_range(void)
{
	for (const struct glint_option *option = glint_option_rows; option->help; option++) {
		static const char *const garbage[] = {
			"x", "1x", "0x", "08", "1.5", "--", "99999999999999999999", "~"
		};
		char line[100];

		if (!has_limits(option))
			continue;
		snprintf(line, sizeof(line), "-U /x --%s %d", option->name, (int)option->low[0]);
		CU_ASSERT_TRUE(accepts(line));
		snprintf(line, sizeof(line), "-U /x --%s %d", option->name,
			 (int)option->low[0] - 1);
		CU_ASSERT_TRUE(refuses(line));
		snprintf(line, sizeof(line), "-U /x --%s %d", option->name,
			 (int)option->high[0] + 1);
		CU_ASSERT_TRUE(refuses(line));
		for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
			snprintf(line, sizeof(line), "-U /x --%s %s", option->name, garbage[i]);
			CU_ASSERT_TRUE(refuses(line));
		}
	}
}

static void test_ranges_are_those_of_ustreamer(void)
{
	CU_ASSERT_TRUE(refuses("-U /x -i 129") && accepts("-U /x -i 128"));
	CU_ASSERT_TRUE(refuses("-U /x -f 10001") && accepts("-U /x -f 10000"));
	CU_ASSERT_TRUE(refuses("-U /x -z 0") && accepts("-U /x -z 8192"));
	CU_ASSERT_TRUE(refuses("-U /x -b 33") && accepts("-U /x -b 1"));
	CU_ASSERT_TRUE(refuses("-U /x -w 0") && accepts("-U /x -w 32"));
	CU_ASSERT_TRUE(refuses("-U /x -q 0") && accepts("-U /x -q 100"));
	CU_ASSERT_TRUE(refuses("-U /x --device-timeout 61") &&
		       refuses("-U /x --device-error-delay 0"));
	CU_ASSERT_TRUE(refuses("-U /x --exit-on-no-clients 86401"));
	CU_ASSERT_TRUE(refuses("-U /x -r 159x120") && accepts("-U /x -r 160x120"));
	CU_ASSERT_TRUE(refuses("-U /x -r 640x8641") && accepts("-U /x -r 15360x8640"));
	CU_ASSERT_TRUE(refuses("-U /x --log-level 4") && refuses("-U /x --log-level -1"));
	CU_ASSERT_TRUE(refuses("-U /x --h264-bitrate 24") &&
		       refuses("-U /x --gpio-prog-running 257"));
}

static void test_a_message_names_option_value_and_range(void)
{
	CU_ASSERT_TRUE(says("--quality 999", "--quality '999': expected 1 to 100 (try --help)"));
	CU_ASSERT_TRUE(says("-r 10x10",
			    "--resolution '10x10': expected 160x120 to 15360x8640 (try --help)"));
	CU_ASSERT_TRUE(says("-a secam2",
			    "--tv-standard 'secam2': expected PAL, NTSC, SECAM (try --help)"));
	CU_ASSERT_TRUE(says("-M 888", "--unix-mode '888': expected octal, 0 to 777 (try --help)"));
	CU_ASSERT_TRUE(says("-n=1", "option '-=' is unknown (try --help)"));
	CU_ASSERT_TRUE(says("--persistent=1",
			    "--persistent takes no value, but there is ='1' (try --help)"));
	CU_ASSERT_TRUE(says("--qaulity=80", "option '--qaulity' is unknown; did you mean "
					    "--quality? (try --help)"));
	CU_ASSERT_TRUE(says("--bogus", "option '--bogus' is unknown (try --help)"));
	CU_ASSERT_TRUE(says("-nZ", "option '-Z' is unknown (try --help)"));
	CU_ASSERT_TRUE(says("--=3", "option '--' is unknown (try --help)"));
}

static void test_a_possible_password_is_not_shown(void)
{
	CU_ASSERT_TRUE(says("--pass-word=hunter2", "option '--pass-word' is unknown; did you mean "
						   "--passwd? (try --help)"));
	if (IS_ENABLED(CONFIG_NET_AUTH))
		CU_ASSERT_TRUE(says("--user u --passwd=hunter\0012",
				    "--passwd: control characters are not allowed (try --help)"));
}

static void test_a_message_is_one_line_whatever_the_value_is(void)
{
	struct parsed parsed;
	char word[2000];

	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	memcpy(word, "--quality=\n\033[31m", 16);
	parsed.argc = 2;
	parsed.argv[0] = parsed.argv[1] = word;
	parse_words(&parsed);

	CU_ASSERT_EQUAL_FATAL(parsed.outcome, GLINT_OPTIONS_EXIT_ERROR);
	CU_ASSERT_EQUAL(strncmp(parsed.output.err, "glintd: --quality '??[31maaa", 27), 0);
	CU_ASSERT_PTR_EQUAL(strchr(parsed.output.err, '\n'),
			    parsed.output.err + strlen(parsed.output.err) - 1);
	CU_ASSERT_TRUE(strlen(parsed.output.err) < 160);
	drop(&parsed);
}

static void test_unique_abbreviations_are_understood(void)
{
	struct parsed parsed;

	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x --qual 33")->encoder.quality, 33);
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x --qual=34")->encoder.quality, 34);
	CU_ASSERT_TRUE(settings_of(&parsed, "-U /x --dv")->capture.dv_timings);
	CU_ASSERT_TRUE(settings_of(&parsed, "--unix /x --unix-r")->net.unix_rm);
	CU_ASSERT_TRUE(accepts("-U /x --sink name")); /* exact, though others begin with it */
}

static void test_ambiguous_abbreviations_are_refused_with_the_choice(void)
{
	CU_ASSERT_TRUE(says("--fo 1", "option '--fo' is short for more than one: --format, "
				      "--format-swap-rgb, --force-log-colors (try --help)"));
	CU_ASSERT_TRUE(says("--unix-=/x", "option '--unix-' is short for more than one: "
					  "--unix-rm, --unix-mode (try --help)"));
}

static void test_our_own_options_take_no_abbreviation_from_ustreamer(void)
{
	struct parsed parsed;

	CU_ASSERT_EQUAL(
		settings_of(&parsed, "-U /x --con 7")->capture.controls[GLINT_CONTROL_CONTRAST].value,
		7);
	CU_ASSERT_EQUAL(
		settings_of(&parsed, "-U /x --con=8")->capture.controls[GLINT_CONTROL_CONTRAST].value,
		8);
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x --con 7 -q 5")->encoder.quality, 5);
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x --lo 2")->log_level, 2);
	CU_ASSERT_TRUE(says("--con", "--contrast: a value is missing, expected a number, default "
				     "(try --help)"));
	if (IS_ENABLED(CONFIG_LOOP_EPOLL)) {
		CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x --loo epoll")->loop, GLINT_LOOP_EPOLL);
	}
}

static void test_stray_words_are_ignored(void)
{
	struct parsed parsed;

	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x --persistent true --dv-timings ~ -q 12")
				->encoder.quality,
			12);
	CU_ASSERT_TRUE(settings_of(&parsed, "a b --format-swap-rgb 1 -U /x")->encoder.swap_rgb);
	CU_ASSERT_STRING_EQUAL(settings_of(&parsed, "a b - -U /x")->net.unix_path, "/x");
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x -- -q 3 --bogus")->encoder.quality, 80);
}

static void test_posixly_correct_changes_nothing(void)
{
	struct parsed parsed;

	setenv("POSIXLY_CORRECT", "1", 1);
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x --persistent true -q 12")->encoder.quality, 12);
	unsetenv("POSIXLY_CORRECT");
}

static void test_numbers_may_be_hexadecimal_or_octal_and_modes_are_octal(void)
{
	struct parsed parsed;

	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x -q 0x20")->encoder.quality, 32);
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x -q 020")->encoder.quality, 16);
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x -M 660")->net.unix_mode, 0660);
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x -M 0660")->net.unix_mode, 0660);
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x -r 0640X0480")->capture.height, 480);
}

static void test_the_last_of_several_wins(void)
{
	struct parsed parsed;

	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x -q 1 --quality=2 --qua 3")->encoder.quality, 3);
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x --debug --perf")->log_level, 1);
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x --no-log-colors")->log_color, 0);
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x --no-log-colors --force-log-colors")->log_color,
			1);
}

static void test_names_and_letters_are_unique(void)
{
	for (const struct glint_option *one = glint_option_rows; one->help; one++)
		for (const struct glint_option *two = one + 1; two->help; two++) {
			if (!one->name || !two->name)
				continue;
			CU_ASSERT_STRING_NOT_EQUAL(one->name, two->name);
			CU_ASSERT_TRUE(!one->letter || one->letter != two->letter);
		}
}

static void test_an_empty_argv_is_like_no_options(void)
{
	struct parsed parsed = { .argc = 0, .argv = { NULL } };

	parse_words(&parsed);
	CU_ASSERT_EQUAL(parsed.outcome,
			IS_ENABLED(CONFIG_NET_TCP) ? GLINT_OPTIONS_RUN : GLINT_OPTIONS_EXIT_ERROR);
	drop(&parsed);
}

/* clang-format off */
GLINT_TESTS("options_words",
	GLINT_TEST(test_each_option_has_its_long_form),
	GLINT_TEST(test_each_value_may_follow_an_equals_sign_and_no_flag_may),
	GLINT_TEST(test_each_letter_stands_for_its_option),
	GLINT_TEST(test_a_missing_value_is_an_error_for_each_option),
	GLINT_TEST(test_each_number_is_kept_within_its_range),
	GLINT_TEST(test_ranges_are_those_of_ustreamer),
	GLINT_TEST(test_a_message_names_option_value_and_range),
	GLINT_TEST(test_a_message_is_one_line_whatever_the_value_is),
	GLINT_TEST(test_unique_abbreviations_are_understood),
	GLINT_TEST(test_ambiguous_abbreviations_are_refused_with_the_choice),
	GLINT_TEST(test_our_own_options_take_no_abbreviation_from_ustreamer),
	GLINT_TEST(test_stray_words_are_ignored),
	GLINT_TEST(test_posixly_correct_changes_nothing),
	GLINT_TEST(test_numbers_may_be_hexadecimal_or_octal_and_modes_are_octal),
	GLINT_TEST(test_the_last_of_several_wins),
	GLINT_TEST(test_names_and_letters_are_unique),
	GLINT_TEST(test_an_empty_argv_is_like_no_options),
	GLINT_TEST(test_a_possible_password_is_not_shown),
)
