/* SPDX-License-Identifier: MIT */
#include "options_rig.h"

#include <unistd.h>

static char file_path[] = "/tmp/glint-test-options-XXXXXX";

static void write_file(const char *text, size_t size)
{
	int fd;

	strcpy(file_path + strlen(file_path) - 6, "XXXXXX");
	fd = mkstemp(file_path);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(write(fd, text, size), (ssize_t)size);
	close(fd);
}

/* Parse "--config FILE @line", FILE with @text; the file is gone afterwards. */
static void parse_file(struct parsed *parsed, const char *text, const char *line)
{
	char whole[300];

	write_file(text, strlen(text));
	snprintf(whole, sizeof(whole), "%s --config %s", line, file_path);
	parse(parsed, whole);
	unlink(file_path);
}

static void test_a_file_holds_options_without_dashes(void)
{
	struct parsed parsed;

	parse_file(&parsed,
		   "# lab 3\n"
		   "\n"
		   "  unix = /run/glint  \r\n"
		   "quality=70\n"
		   "\tpersistent\n"
		   "dv-timings = yes\n"
		   "format-swap-rgb = off\n"
		   "instance-id =\n"
		   "process-name-prefix = a # b = c",
		   "");
	CU_ASSERT_EQUAL_FATAL(parsed.outcome, GLINT_OPTIONS_RUN);
	CU_ASSERT_STRING_EQUAL(parsed.settings.net.unix_path, "/run/glint");
	CU_ASSERT_EQUAL(parsed.settings.encoder.quality, 70);
	CU_ASSERT_TRUE(parsed.settings.capture.persistent);
	CU_ASSERT_TRUE(parsed.settings.capture.dv_timings);
	CU_ASSERT_FALSE(parsed.settings.encoder.swap_rgb);
	CU_ASSERT_STRING_EQUAL(parsed.settings.net.instance_id, "");
	CU_ASSERT_STRING_EQUAL(parsed.settings.process_name_prefix, "a # b = c");
	CU_ASSERT_PTR_NULL(parsed.settings.net.host);
	drop(&parsed);
}

static void test_no_takes_back_what_an_earlier_line_has_set(void)
{
	struct parsed parsed;

	parse_file(&parsed, "unix = /x\nstrict\npersistent = yes\nstrict = no\n", "");
	CU_ASSERT_EQUAL_FATAL(parsed.outcome, GLINT_OPTIONS_RUN);
	CU_ASSERT_FALSE(parsed.settings.net.strict);
	CU_ASSERT_TRUE(parsed.settings.capture.persistent);
	drop(&parsed);
}

static void test_the_command_line_wins_wherever_the_file_is_named(void)
{
	struct parsed parsed;

	parse_file(&parsed, "quality = 70\nbuffers = 7\nunix = /x\n", "-q 60");
	CU_ASSERT_EQUAL(parsed.settings.encoder.quality, 60);
	CU_ASSERT_EQUAL(parsed.settings.capture.buffers, 7);
	drop(&parsed);
	parse_file(&parsed, "debug = yes\nunix = /x\n", "--log-level 0");
	CU_ASSERT_EQUAL(parsed.settings.log_level, 0);
	drop(&parsed);
}

static bool file_says(const char *text, unsigned line, const char *message)
{
	struct parsed parsed;
	char wanted[512];
	bool same;

	parse_file(&parsed, text, "-U /x");
	snprintf(wanted, sizeof(wanted), "glintd: %s:%u: %s\n", file_path, line, message);
	same = parsed.outcome == GLINT_OPTIONS_EXIT_ERROR && strcmp(parsed.output.err, wanted) == 0;
	if (!same)
		printf("#   %s", parsed.output.err ? parsed.output.err : "?\n");
	drop(&parsed);
	return same;
}

static void test_errors_in_a_file_name_file_and_line(void)
{
	CU_ASSERT_TRUE(
		file_says("# x\nquality = 0\n", 2, "quality '0': expected 1 to 100 (try --help)"));
	CU_ASSERT_TRUE(file_says("\n\nqual = 1\n", 3, "unknown option 'qual'"));
	CU_ASSERT_TRUE(file_says("--quality = 1\n", 1,
				 "unknown option '--quality'; did you mean quality?"));
	CU_ASSERT_TRUE(file_says("quality\n", 1, "expected = and a value after 'quality'"));
	CU_ASSERT_TRUE(file_says("persistent = 2\n", 1, "a flag is yes or no, not '2'"));
	CU_ASSERT_TRUE(file_says("config = /x\n", 1, "only for the command line: 'config'"));
	CU_ASSERT_TRUE(file_says("help\n", 1, "only for the command line: 'help'"));
	CU_ASSERT_TRUE(file_says(" = 3\n", 1, "expected an option, = and its value"));
}

static void test_a_value_may_stand_in_quotes(void)
{
	static const char login[] = "user = 'it is \"u\"'\n"
				    "passwd = \"'s = # \\n\"  \r\n";
	struct parsed parsed;
	char text[256];

	snprintf(text, sizeof(text),
		 "unix = \"/run/my lab \"\n"
		 "%s%s"
		 "quality = '70'\n"
		 "persistent = \"yes\"\n"
		 "process-name-prefix = 5\"",
		 IS_ENABLED(CONFIG_NET_AUTH) ? login : "",
		 IS_ENABLED(CONFIG_NET_STATIC) ? "static = \"\"\n" : "");
	parse_file(&parsed, text, "");
	CU_ASSERT_EQUAL_FATAL(parsed.outcome, GLINT_OPTIONS_RUN);
	CU_ASSERT_STRING_EQUAL(parsed.settings.net.unix_path, "/run/my lab ");
	if (IS_ENABLED(CONFIG_NET_AUTH)) {
		CU_ASSERT_STRING_EQUAL(parsed.settings.net.user, "it is \"u\"");
		CU_ASSERT_STRING_EQUAL(parsed.settings.net.password, "'s = # \\n");
	}
	CU_ASSERT_PTR_NULL(parsed.settings.net.static_dir);
	CU_ASSERT_EQUAL(parsed.settings.encoder.quality, 70);
	CU_ASSERT_TRUE(parsed.settings.capture.persistent);
	CU_ASSERT_STRING_EQUAL(parsed.settings.process_name_prefix, "5\"");
	drop(&parsed);
}

static void test_quotes_that_do_not_fit_are_refused_without_showing_the_value(void)
{
	static const char message[] =
		"a value that begins with a quote ends with the next one like it";

	CU_ASSERT_TRUE(file_says("passwd = \"my secret\n", 1, message));
	CU_ASSERT_TRUE(file_says("passwd = 'my secret\"\n", 1, message));
	CU_ASSERT_TRUE(file_says("passwd = \"\n", 1, message));
	CU_ASSERT_TRUE(file_says("passwd = \"my\" \"secret\"\n", 1, message));
	CU_ASSERT_TRUE(file_says("passwd = \"my secret\" # no\n", 1, message));
}

static void test_a_possible_password_is_not_shown(void)
{
	static const char expected[] = "expected an option, = and its value";
	char line[300], text[400];

	CU_ASSERT_TRUE(file_says("quality 1\n", 1, expected));
	CU_ASSERT_TRUE(file_says("# x\npasswd hunter2\n", 2, expected));
	CU_ASSERT_TRUE(file_says("hunter2\n", 1, expected));
	CU_ASSERT_TRUE(file_says("aHVudGVyMg==\n", 1, expected));
	if (!IS_ENABLED(CONFIG_NET_AUTH))
		return;
	CU_ASSERT_TRUE(file_says("passwd = hunter\0012\n", 1,
				 "passwd: control characters are not allowed (try --help)"));
	memset(line, 'x', 256);
	line[256] = '\0';
	snprintf(text, sizeof(text), "passwd = %s\n", line);
	CU_ASSERT_TRUE(file_says(text, 1, "passwd: expected up to 255 bytes (try --help)"));
}

static void test_a_mistyped_key_is_answered_with_what_was_meant(void)
{
	CU_ASSERT_TRUE(file_says("qualitty = 70\n", 1,
				 "unknown option 'qualitty'; did you mean quality?"));
	CU_ASSERT_TRUE(file_says("\nresolutoin = 640x480\n", 2,
				 "unknown option 'resolutoin'; did you mean resolution?"));
	CU_ASSERT_TRUE(file_says("swordfish = 1\n", 1, "unknown option 'swordfish'"));
}

static void test_a_byte_order_mark_is_skipped(void)
{
	struct parsed parsed;

	parse_file(&parsed, "\xef\xbb\xbfquality = 70\n", "-U /x");
	CU_ASSERT_EQUAL_FATAL(parsed.outcome, GLINT_OPTIONS_RUN);
	CU_ASSERT_EQUAL(parsed.settings.encoder.quality, 70);
	drop(&parsed);
	parse_file(&parsed, "\xef\xbb\xbf", "-U /x");
	CU_ASSERT_EQUAL(parsed.outcome, GLINT_OPTIONS_RUN);
	drop(&parsed);
	CU_ASSERT_TRUE(file_says("quality = 70\n\xef\xbb\xbfquality = 70\n", 2,
				 "expected an option, = and its value"));
}

/* Parse "--config - @line" with @text as standard input. */
static void parse_stdin(struct parsed *parsed, const char *text, const char *line)
{
	int saved = dup(STDIN_FILENO), ends[2];
	char whole[300];

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	CU_ASSERT_EQUAL(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
	close(ends[1]);
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	snprintf(whole, sizeof(whole), "%s --config -", line);
	parse(parsed, whole);
	dup2(saved, STDIN_FILENO);
	close(saved);
}

static void test_a_dash_is_standard_input(void)
{
	struct parsed parsed;

	parse_stdin(&parsed, "quality = 70\npersistent\n", "-U /x");
	CU_ASSERT_EQUAL_FATAL(parsed.outcome, GLINT_OPTIONS_RUN);
	CU_ASSERT_EQUAL(parsed.settings.encoder.quality, 70);
	CU_ASSERT_TRUE(parsed.settings.capture.persistent);
	drop(&parsed);
	parse_stdin(&parsed, "# x\nquality = 0\n", "-U /x");
	CU_ASSERT_EQUAL(parsed.outcome, GLINT_OPTIONS_EXIT_ERROR);
	CU_ASSERT_PTR_NOT_NULL(strstr(parsed.output.err, "glintd: standard input:2: quality '0'"));
	drop(&parsed);
}

static bool refuses_file(const char *content, size_t size)
{
	char line[200];
	bool refused;

	write_file(content, size);
	snprintf(line, sizeof(line), "-U /x --config %s", file_path);
	refused = refuses(line);
	unlink(file_path);
	return refused;
}

static void test_a_file_that_is_no_configuration_is_refused(void)
{
	static char newlines[65537];

	memset(newlines, '\n', sizeof(newlines));
	CU_ASSERT_TRUE(refuses_file(newlines, sizeof(newlines)));
	CU_ASSERT_TRUE(refuses_file("quality = 1\0 2", 14));
	CU_ASSERT_TRUE(
		says("-U /x --config /no/such", "--config '/no/such': No such file or directory"));
	CU_ASSERT_TRUE(says("-U /x --config /", "--config '/': Is a directory"));
	CU_ASSERT_TRUE(says("-U /x --config /dev/zero",
			    "--config '/dev/zero': too large for a configuration"));
}

static void test_a_file_that_may_be_missing_is_read_if_it_is_there(void)
{
	struct parsed parsed;
	char line[300];

	write_file("quality = 70\n", strlen("quality = 70\n"));
	snprintf(line, sizeof(line), "-U /x --config=-%s", file_path);
	CU_ASSERT_EQUAL(settings_of(&parsed, line)->encoder.quality, 70);
	drop(&parsed);
	unlink(file_path);
	CU_ASSERT_EQUAL(settings_of(&parsed, line)->encoder.quality, 80);
	drop(&parsed);
	CU_ASSERT_TRUE(says("-U /x --config=-/", "--config '/': Is a directory"));
}

/* clang-format off */
GLINT_TESTS("options_file",
	GLINT_TEST(test_a_file_holds_options_without_dashes),
	GLINT_TEST(test_no_takes_back_what_an_earlier_line_has_set),
	GLINT_TEST(test_the_command_line_wins_wherever_the_file_is_named),
	GLINT_TEST(test_errors_in_a_file_name_file_and_line),
	GLINT_TEST(test_a_value_may_stand_in_quotes),
	GLINT_TEST(test_quotes_that_do_not_fit_are_refused_without_showing_the_value),
	GLINT_TEST(test_a_possible_password_is_not_shown),
	GLINT_TEST(test_a_mistyped_key_is_answered_with_what_was_meant),
	GLINT_TEST(test_a_byte_order_mark_is_skipped),
	GLINT_TEST(test_a_dash_is_standard_input),
	GLINT_TEST(test_a_file_that_is_no_configuration_is_refused),
	GLINT_TEST(test_a_file_that_may_be_missing_is_read_if_it_is_there),
)
