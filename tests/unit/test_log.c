/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "harness.h"

static const struct glint_log_topic topic = { "test" };

/* stderr goes into a pipe meanwhile. */
struct tape {
	int saved, read_end;
	char text[4096];
};

static void tape_start(struct tape *tape)
{
	int ends[2];

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	tape->saved = dup(STDERR_FILENO);
	tape->read_end = ends[0];
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
}

/* Returns what was written: all of it, or one read(2) of it. */
static const char *tape_stop(struct tape *tape)
{
	ssize_t length;

	dup2(tape->saved, STDERR_FILENO);
	close(tape->saved);
	length = read(tape->read_end, tape->text, sizeof(tape->text) - 1);
	close(tape->read_end);
	tape->text[length < 0 ? 0 : length] = '\0';
	return tape->text;
}

static void test_a_line_says_level_time_topic_and_message(void)
{
	unsigned long seconds, ms;
	struct tape tape;
	char level[16] = "", message[32] = "";
	const char *text;
	int fields;

	glint_log_setup(GLINT_LOG_INFO, 0);
	tape_start(&tape);
	glint_log_warn(&topic, "hello %d", 5);
	text = tape_stop(&tape);
	fields = sscanf(text, "-- %15s [%lu.%3lu test] %31[^\n]", level, &seconds, &ms, message);
	CU_ASSERT_EQUAL(fields, 4);
	CU_ASSERT_STRING_EQUAL(level, "WARN");
	CU_ASSERT_STRING_EQUAL(message, "hello 5");
	CU_ASSERT_EQUAL(text[strlen(text) - 1], '\n');
}

static void test_an_error_is_told_with_its_reason_and_returned(void)
{
	struct tape tape;
	const char *text;

	glint_log_setup(GLINT_LOG_INFO, 0);
	tape_start(&tape);
	errno = ERANGE;
	CU_ASSERT_EQUAL(glint_log_err(&topic, -ENODEV, "cannot open '%s'", "/dev/x"), -ENODEV);
	CU_ASSERT_EQUAL(errno, ERANGE);
	text = tape_stop(&tape);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "-- ERROR ["));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "] cannot open '/dev/x': No such device\n"));
}

static void test_only_levels_up_to_the_chosen_one_are_written(void)
{
	struct tape tape;

	glint_log_setup(GLINT_LOG_VERBOSE, 0);
	tape_start(&tape);
	glint_log_debug(&topic, "too much");
	glint_log_verbose(&topic, "just right");
	glint_log_setup(GLINT_LOG_INFO, 0);
	glint_log_verbose(&topic, "too much");
	CU_ASSERT_PTR_NULL(strstr(tape_stop(&tape), "too much"));
	CU_ASSERT_PTR_NOT_NULL(strstr(tape.text, "just right"));
}

static void test_a_long_line_is_cut_between_characters_and_says_so(void)
{
	for (unsigned shift = 0; shift < 3; shift++) {
		char message[3000] = "xxx";
		struct tape tape;
		const char *text;
		size_t length;

		message[shift] = '\0';
		for (unsigned i = 0; i < 900; i++)
			strcat(message, "\xe2\x82\xac");	/* 3 bytes each */
		glint_log_setup(GLINT_LOG_INFO, 0);
		tape_start(&tape);
		glint_log_info(&topic, "%s", message);
		text = tape_stop(&tape);
		length = strlen(text);
		CU_ASSERT(length <= 1024);
		CU_ASSERT(length > 1024 - 6);
		CU_ASSERT_STRING_EQUAL(text + length - 7, "\xe2\x82\xac\xe2\x80\xa6\n");
	}
}

static void test_a_message_cannot_forge_a_line_nor_drive_a_terminal(void)
{
	struct tape tape;
	const char *text;

	glint_log_setup(GLINT_LOG_INFO, 0);
	tape_start(&tape);
	glint_log_info(&topic, "client '%s'", "a\n-- ERROR\x1b[2J\x7f");
	text = tape_stop(&tape);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "client 'a?-- ERROR?[2J?'\n"));
	CU_ASSERT_PTR_EQUAL(strchr(text, '\n'), text + strlen(text) - 1);
}

static void test_colour_is_for_terminals_unless_forced(void)
{
	struct tape tape;

	tape_start(&tape);
	glint_log_setup(GLINT_LOG_INFO, -1);
	glint_log_info(&topic, "plain");
	CU_ASSERT_PTR_NULL(strchr(tape_stop(&tape), '\x1b'));

	tape_start(&tape);
	glint_log_setup(GLINT_LOG_INFO, 1);
	glint_log_info(&topic, "coloured");
	CU_ASSERT_PTR_NOT_NULL(strstr(tape_stop(&tape), "\x1b[32mINFO \x1b[0m ["));
	glint_log_setup(GLINT_LOG_INFO, 0);
}

GLINT_TESTS("log",
	GLINT_TEST(test_a_line_says_level_time_topic_and_message),
	GLINT_TEST(test_an_error_is_told_with_its_reason_and_returned),
	GLINT_TEST(test_only_levels_up_to_the_chosen_one_are_written),
	GLINT_TEST(test_a_long_line_is_cut_between_characters_and_says_so),
	GLINT_TEST(test_a_message_cannot_forge_a_line_nor_drive_a_terminal),
	GLINT_TEST(test_colour_is_for_terminals_unless_forced),
)
