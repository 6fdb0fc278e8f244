/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

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

static void test_an_error_is_logged_with_its_reason_and_returned(void)
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
			strcat(message, "\xe2\x82\xac"); /* 3 bytes each */
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

/* --- With the thread that writes --------------------------------------------------------- */

#define PIPE_SIZE 4096
#define PATIENCE  (60 * GLINT_NSEC_PER_SEC)

/* stderr is a pipe meanwhile, and the thread writes to it. */
struct reader {
	int saved, ends[2];
	size_t length;
	char text[1 << 20];
};

static void reader_start(struct reader *reader)
{
	CU_ASSERT_EQUAL_FATAL(pipe(reader->ends), 0);
	CU_ASSERT_TRUE_FATAL(fcntl(reader->ends[1], F_SETPIPE_SZ, PIPE_SIZE) > 0);
	reader->saved = dup(STDERR_FILENO);
	reader->length = 0;
	reader->text[0] = '\0';
	dup2(reader->ends[1], STDERR_FILENO);
	glint_log_setup(GLINT_LOG_VERBOSE, 0);
	CU_ASSERT_EQUAL_FATAL(glint_log_start(), 0);
}

/* From here on a write blocks until something is read. */
static void reader_fill(struct reader *reader)
{
	char fill[PIPE_SIZE];

	memset(fill, 'x', sizeof(fill));
	fill[sizeof(fill) - 1] = '\n';
	CU_ASSERT_EQUAL_FATAL(write(reader->ends[1], fill, sizeof(fill)), (ssize_t)sizeof(fill));
}

static void reader_read(struct reader *reader)
{
	ssize_t n = read(reader->ends[0], reader->text + reader->length,
			 sizeof(reader->text) - 1 - reader->length);

	CU_ASSERT_TRUE_FATAL(n > 0);
	reader->length += (size_t)n;
	reader->text[reader->length] = '\0';
}

/* Until there is a whole line with @word in it. */
static void reader_await(struct reader *reader, const char *word)
{
	const char *found;

	while (!(found = strstr(reader->text, word)) || !strchr(found, '\n'))
		reader_read(reader);
}

/* Everything that was logged is in the text afterwards; what is left must fit into the pipe. */
static void reader_stop(struct reader *reader)
{
	ssize_t n;

	glint_log_stop(glint_now_ns() + PATIENCE);
	dup2(reader->saved, STDERR_FILENO);
	close(reader->saved);
	close(reader->ends[1]);
	while ((n = read(reader->ends[0], reader->text + reader->length,
			 sizeof(reader->text) - 1 - reader->length)) > 0)
		reader->length += (size_t)n;
	reader->text[reader->length] = '\0';
	close(reader->ends[0]);
}

static unsigned count_of(const char *text, const char *word)
{
	unsigned count = 0;

	while ((text = strstr(text, word))) {
		text += strlen(word);
		count++;
	}
	return count;
}

/* The sum of the numbers before @word. */
static unsigned sum_before(const char *text, const char *word)
{
	const char *found, *digit;
	unsigned sum = 0;

	for (; (found = strstr(text, word)); text = found + strlen(word)) {
		for (digit = found; digit > text && digit[-1] >= '0' && digit[-1] <= '9'; digit--)
			;
		sum += (unsigned)strtoul(digit, NULL, 10);
	}
	return sum;
}

/* Whether the lines "line 0", "line 1" and so on are there, @count of them, in order. */
static bool counts_up(const char *text, unsigned count)
{
	char word[32];

	for (unsigned i = 0; i < count; i++) {
		snprintf(word, sizeof(word), "] line %u\n", i);
		text = strstr(text, word);
		if (!text)
			return false;
	}
	return true;
}

static void test_a_reader_that_does_not_read_delays_no_thread_and_the_loss_is_counted(void)
{
	static struct reader reader;
	unsigned seen;

	reader_start(&reader);
	reader_fill(&reader);
	for (unsigned i = 0; i < 5000; i++)
		glint_log_verbose(&topic, "line %u", i);
	reader_await(&reader, "lines lost");
	glint_log_verbose(&topic, "afterwards");
	reader_stop(&reader);
	seen = count_of(reader.text, "] line ");
	CU_ASSERT(seen > 100 && seen < 5000);
	CU_ASSERT_TRUE(counts_up(reader.text, seen));
	CU_ASSERT_EQUAL(seen + sum_before(reader.text, " lines lost: the reader of stderr is slow"),
			5000);
	CU_ASSERT_EQUAL(count_of(reader.text, "lines lost"), 1);
	CU_ASSERT(strstr(reader.text, "lines lost") < strstr(reader.text, "afterwards"));
}

static void test_the_number_of_lost_lines_is_logged_in_their_place(void)
{
	static struct reader reader;
	char word[32];

	reader_start(&reader);
	reader_fill(&reader);
	for (unsigned i = 0; i < 5000; i++)
		glint_log_verbose(&topic, "line %u", i);
	/* New lines have space again, before all lines have been read. */
	for (unsigned i = 0; i < 4; i++)
		reader_read(&reader);
	while (!strstr(reader.text, "line 100\n"))
		reader_read(&reader);
	glint_log_verbose(&topic, "afterwards");
	reader_await(&reader, "afterwards");
	reader_stop(&reader);
	snprintf(word, sizeof(word), "] line %u\n", count_of(reader.text, "] line ") - 1);
	CU_ASSERT(strstr(reader.text, word) < strstr(reader.text, "lines lost"));
	CU_ASSERT(strstr(reader.text, "lines lost") < strstr(reader.text, "afterwards"));
}

static void test_the_end_does_not_wait_beyond_its_deadline(void)
{
	static struct reader reader;

	reader_start(&reader);
	reader_fill(&reader);
	glint_log_verbose(&topic, "line 0");
	glint_log_flush(glint_now_ns() + GLINT_NSEC_PER_MSEC);
	glint_log_stop(glint_now_ns() + GLINT_NSEC_PER_MSEC); /* must return */
	glint_log_verbose(&topic, "line 1");
	reader_read(&reader);
	reader_stop(&reader);
	CU_ASSERT_TRUE(counts_up(reader.text, 2));
}

static void test_lines_of_one_kind_are_held_back_and_counted(void)
{
	static struct reader reader;
	uint64_t begin_ns;
	unsigned shown;

	reader_start(&reader);
	begin_ns = glint_now_ns();
	for (unsigned i = 0; i < 100; i++)
		glint_log_info(&topic, "line %u", i);
	reader_stop(&reader);
	shown = count_of(reader.text, "] line ");
	CU_ASSERT(shown <= 2 + (glint_now_ns() - begin_ns) / GLINT_NSEC_PER_SEC);
	CU_ASSERT_EQUAL(shown + sum_before(reader.text, " more like it left out)"), 100);
	CU_ASSERT_PTR_NOT_NULL(strstr(reader.text, "] line 0\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reader.text, "] line 99"));
}

static void log_what_a_peer_says(const char *said)
{
	glint_log_limited(&topic, GLINT_LOG_WARN, "a peer says %s", said);
}

static void test_lines_of_one_limited_call_are_of_one_kind_whatever_they_say(void)
{
	static struct reader reader;
	uint64_t begin_ns;
	char word[2] = "a";
	unsigned shown;

	reader_start(&reader);
	begin_ns = glint_now_ns();
	for (unsigned i = 0; i < 26; i++, word[0]++)
		log_what_a_peer_says(word);
	glint_log_limited(&topic, GLINT_LOG_WARN, "another call says %s", "a");
	reader_stop(&reader);
	shown = count_of(reader.text, "] a peer says ");
	CU_ASSERT(shown <= 2 + (glint_now_ns() - begin_ns) / GLINT_NSEC_PER_SEC);
	CU_ASSERT_EQUAL(shown + sum_before(reader.text, " more like it left out)"), 26);
	CU_ASSERT_PTR_NOT_NULL(strstr(reader.text, "] a peer says a\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reader.text, "] a peer says z"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reader.text, "] another call says a\n"));
}

static void test_what_is_held_back_appears_though_nothing_follows(void)
{
	static struct reader reader;

	reader_start(&reader);
	glint_log_info(&topic, "line %u", 0);
	glint_log_info(&topic, "line %u", 1);
	reader_await(&reader, "] line 1\n");
	reader_stop(&reader);
	CU_ASSERT_TRUE(counts_up(reader.text, 2));
	CU_ASSERT_PTR_NULL(strstr(reader.text, "left out"));
}

static void test_lines_that_are_held_back_keep_their_order(void)
{
	static struct reader reader;
	const char *first;

	reader_start(&reader);
	glint_log_info(&topic, "lost 1");
	glint_log_info(&topic, "back 1");
	glint_log_info(&topic, "back 2");
	glint_log_info(&topic, "lost 2");
	reader_stop(&reader);
	first = strstr(reader.text, "back 2");
	CU_ASSERT_PTR_NOT_NULL_FATAL(first);
	CU_ASSERT_PTR_NOT_NULL(strstr(first, "lost 2"));
}

static void test_other_words_topics_and_levels_are_other_kinds(void)
{
	static const struct glint_log_topic other = { "other" };
	static struct reader reader;

	reader_start(&reader);
	for (unsigned i = 0; i < 3; i++) {
		glint_log_info(&topic, "gain");
		glint_log_info(&topic, "hue");
		glint_log_info(&other, "gain");
		glint_log_error(&topic, "gain");
		glint_log_verbose(&topic, "line %u", i);
	}
	glint_log_flush(glint_now_ns() + PATIENCE);
	reader_read(&reader);
	CU_ASSERT_PTR_NOT_NULL(strstr(reader.text, "INFO  ["));
	CU_ASSERT_PTR_NOT_NULL(strstr(reader.text, " test] hue\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reader.text, " other] gain\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reader.text, "ERROR ["));
	CU_ASSERT_TRUE(counts_up(reader.text, 3)); /* no limit above the level info */
	reader_stop(&reader);
	CU_ASSERT_EQUAL(count_of(reader.text, "] gain") + count_of(reader.text, "] hue") +
				sum_before(reader.text, " more like it left out)"),
			12);
}

static void test_more_kinds_than_entries_lose_nothing(void)
{
	static struct reader reader;
	unsigned shown;

	reader_start(&reader);
	for (unsigned i = 0; i < 60; i++) {
		char word[3] = { (char)('a' + i % 20), (char)('a' + i / 20), '\0' };

		glint_log_info(&topic, "kind %s", word);
		glint_log_info(&topic, "kind %s", word);
	}
	reader_await(&reader, "kind tc");
	glint_log_stop(glint_now_ns());
	while (count_of(reader.text, "] kind ") < 120)
		reader_read(&reader);
	reader_stop(&reader);
	shown = count_of(reader.text, "] kind ");
	CU_ASSERT_EQUAL(shown, 120);
}

static void test_lines_that_cannot_be_written_are_counted_and_reported_later(void)
{
	static struct reader reader;
	int broken[2];

	reader_start(&reader);
	CU_ASSERT_EQUAL_FATAL(pipe(broken), 0);
	close(broken[0]);
	dup2(broken[1], STDERR_FILENO);
	close(broken[1]);
	for (unsigned i = 0; i < 3; i++)
		glint_log_verbose(&topic, "line %u", i);
	glint_log_flush(glint_now_ns() + PATIENCE);
	dup2(reader.ends[1], STDERR_FILENO);
	glint_log_verbose(&topic, "afterwards");
	reader_stop(&reader);
	CU_ASSERT_PTR_NOT_NULL(strstr(
		reader.text, "] 3 lines lost: cannot write to stderr: Broken pipe\n-- VERB "));
	CU_ASSERT_PTR_NOT_NULL(strstr(reader.text, "] afterwards\n"));
	CU_ASSERT_EQUAL(count_of(reader.text, "\n"), 2);
}

static void test_a_pipe_that_another_process_has_made_non_blocking_loses_nothing(void)
{
	static struct reader reader;

	reader_start(&reader);
	reader_fill(&reader);
	fcntl(reader.ends[1], F_SETFL, O_NONBLOCK);
	for (unsigned i = 0; i < 100; i++)
		glint_log_verbose(&topic, "line %u", i);
	reader_await(&reader, "] line 99\n");
	reader_stop(&reader);
	CU_ASSERT_TRUE(counts_up(reader.text, 100));
}

#define THREADS 4
#define EACH	200

static void *talk(void *arg)
{
	for (unsigned i = 0; i < EACH; i++)
		glint_log_verbose(arg, "line %u", i);
	return arg;
}

static void test_threads_do_not_mix_their_lines(void)
{
	static const struct glint_log_topic topics[THREADS] = { { "a" }, { "b" }, { "c" }, { "d" } };
	static struct reader reader;
	pthread_t threads[THREADS];
	char word[32];

	reader_start(&reader);
	for (unsigned t = 0; t < THREADS; t++)
		pthread_create(&threads[t], NULL, talk, (void *)&topics[t]);
	while (count_of(reader.text, "] line ") < THREADS * EACH)
		reader_read(&reader);
	for (unsigned t = 0; t < THREADS; t++)
		pthread_join(threads[t], NULL);
	reader_stop(&reader);
	CU_ASSERT_EQUAL(count_of(reader.text, "\n-- VERB  ["), THREADS * EACH - 1);
	for (unsigned t = 0; t < THREADS; t++) {
		const char *text = reader.text;

		for (unsigned i = 0; i < EACH && text; i++) {
			snprintf(word, sizeof(word), " %s] line %u\n", topics[t].name, i);
			text = strstr(text, word);
		}
		CU_ASSERT_PTR_NOT_NULL(text);
	}
}

/* --- The journal ---------------------------------------------------------------------------- */

/* As systemd sets it for a service whose stderr is the journal; @off: of another file. */
static void pose_as_journal(unsigned off)
{
	char value[64];
	struct stat st;

	fstat(STDERR_FILENO, &st);
	snprintf(value, sizeof(value), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino + off);
	setenv("JOURNAL_STREAM", value, 1);
	glint_log_setup(GLINT_LOG_DEBUG, 0);
}

static void test_in_the_journal_each_line_has_the_priority_of_its_level(void)
{
	struct tape tape;
	const char *text;

	tape_start(&tape);
	pose_as_journal(0);
	CU_ASSERT_STRING_EQUAL(glint_log_priority(GLINT_LOG_ERROR), "<3>");
	glint_log_error(&topic, "message");
	glint_log_warn(&topic, "message");
	glint_log_info(&topic, "message");
	glint_log_verbose(&topic, "message");
	glint_log_debug(&topic, "message");
	text = tape_stop(&tape);
	CU_ASSERT_EQUAL(strncmp(text, "<3>-- ERROR [", strlen("<3>-- ERROR [")), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\n<4>-- WARN  ["));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\n<6>-- INFO  ["));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\n<7>-- VERB  ["));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\n<7>-- DEBUG ["));
	unsetenv("JOURNAL_STREAM");
	glint_log_setup(GLINT_LOG_INFO, 0);
}

static void test_elsewhere_lines_have_no_priority(void)
{
	struct tape tape;

	tape_start(&tape);
	pose_as_journal(1); /* stderr was redirected after the start */
	glint_log_error(&topic, "message");
	setenv("JOURNAL_STREAM", "nonsense", 1);
	glint_log_setup(GLINT_LOG_INFO, 0);
	glint_log_error(&topic, "message");
	CU_ASSERT_PTR_NULL(strchr(tape_stop(&tape), '<'));
	unsetenv("JOURNAL_STREAM");
	glint_log_setup(GLINT_LOG_INFO, 0);
}

/* clang-format off */
GLINT_TESTS("log",
	GLINT_TEST(test_a_line_says_level_time_topic_and_message),
	GLINT_TEST(test_an_error_is_logged_with_its_reason_and_returned),
	GLINT_TEST(test_only_levels_up_to_the_chosen_one_are_written),
	GLINT_TEST(test_a_long_line_is_cut_between_characters_and_says_so),
	GLINT_TEST(test_a_message_cannot_forge_a_line_nor_drive_a_terminal),
	GLINT_TEST(test_colour_is_for_terminals_unless_forced),
	GLINT_TEST(test_a_reader_that_does_not_read_delays_no_thread_and_the_loss_is_counted),
	GLINT_TEST(test_the_number_of_lost_lines_is_logged_in_their_place),
	GLINT_TEST(test_the_end_does_not_wait_beyond_its_deadline),
	GLINT_TEST(test_lines_of_one_kind_are_held_back_and_counted),
	GLINT_TEST(test_lines_of_one_limited_call_are_of_one_kind_whatever_they_say),
	GLINT_TEST(test_what_is_held_back_appears_though_nothing_follows),
	GLINT_TEST(test_lines_that_are_held_back_keep_their_order),
	GLINT_TEST(test_other_words_topics_and_levels_are_other_kinds),
	GLINT_TEST(test_more_kinds_than_entries_lose_nothing),
	GLINT_TEST(test_lines_that_cannot_be_written_are_counted_and_reported_later),
	GLINT_TEST(test_a_pipe_that_another_process_has_made_non_blocking_loses_nothing),
	GLINT_TEST(test_threads_do_not_mix_their_lines),
	GLINT_TEST(test_in_the_journal_each_line_has_the_priority_of_its_level),
	GLINT_TEST(test_elsewhere_lines_have_no_priority),
)
