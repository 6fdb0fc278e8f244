/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include <assert.h>
#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct glint_test_file *files;
static const char *current;   /* for on_abort() */
static char skip_reason[200]; /* empty: the test was not skipped */

const char *glint_test_loop(void)
{
	const char *loop = getenv("GLINT_TEST_LOOP");

	return loop && *loop ? loop : NULL;
}

unsigned glint_test_open_fds(void)
{
	DIR *list = opendir("/proc/self/fd");
	unsigned count = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(list);
	while (readdir(list))
		count++;
	closedir(list);
	return count;
}

void glint_test_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(skip_reason, sizeof(skip_reason), format, args);
	va_end(args);
	if (!skip_reason[0])
		strcpy(skip_reason, "no reason given");
	CU_PASS("skipped");
}

/* An assert of the code under test: say where we were. The runner counts a failure. */
static void on_abort(int sig)
{
	static const char text[] = "# aborted in ";
	ssize_t ignored;

	ignored = write(STDOUT_FILENO, text, sizeof(text) - 1);
	ignored = write(STDOUT_FILENO, current, strlen(current));
	ignored = write(STDOUT_FILENO, "\n", 1);
	(void)ignored;
	signal(sig, SIG_DFL);
}

static bool test_report(unsigned number, const char *name)
{
	const struct CU_FailureRecord *fail = CU_get_failure_list();
	bool empty = CU_get_number_of_asserts() == 0;

	if (fail || empty) {
		printf("not ok %u - %s\n", number, name);
		if (empty)
			printf("#   asserts nothing\n");
		for (; fail; fail = fail->pNext)
			printf("#   %s:%u: %s\n", fail->strFileName, fail->uiLineNumber,
			       fail->strCondition);
		return false;
	}
	if (skip_reason[0])
		printf("ok %u - %s # SKIP %s\n", number, name, skip_reason);
	else
		printf("ok %u - %s\n", number, name);
	return true;
}

static bool test_run(CU_pSuite suite, unsigned number, const struct glint_test *test)
{
	CU_pTest entry = CU_get_test(suite, test->name);

	current = test->name;
	skip_reason[0] = '\0';
	CU_run_test(suite, entry);
	return test_report(number, test->name);
}

static bool selected(const struct glint_test *test, const char *pattern)
{
	return !pattern || strstr(test->name, pattern);
}

static int list_tests(const struct glint_test_file *file, const char *pattern)
{
	for (size_t i = 0; i < file->n_tests; i++)
		if (selected(&file->tests[i], pattern))
			puts(file->tests[i].name);
	return 0;
}

static int run_tests(const struct glint_test_file *file, const char *pattern)
{
	unsigned n_selected = 0, number = 0, failed = 0;
	CU_pSuite suite;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGABRT, on_abort);
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	suite = CU_add_suite(file->title, NULL, NULL);
	assert(suite);
	for (size_t i = 0; i < file->n_tests; i++) {
		CU_pTest added = CU_add_test(suite, file->tests[i].name, file->tests[i].run);

		assert(added); /* NULL: the same name twice in the table */
		n_selected += selected(&file->tests[i], pattern);
	}
	if (!n_selected) {
		fprintf(stderr, "%s: no test has '%s' in its name\n", file->path, pattern);
		return 2;
	}

	printf("1..%u\n", n_selected);
	for (size_t i = 0; i < file->n_tests; i++)
		if (selected(&file->tests[i], pattern))
			failed += !test_run(suite, ++number, &file->tests[i]);
	CU_cleanup_registry();
	return failed ? 1 : 0;
}

void glint_test_file_add(struct glint_test_file *file)
{
	file->next = files;
	files = file;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* NULL if there is none: "test_frame" finds tests/unit/test_frame.c. */
static const struct glint_test_file *file_find(const char *name)
{
	for (const struct glint_test_file *file = files; file; file = file->next) {
		const char *base = base_name(file->path);
		size_t length = strlen(base) - strlen(".c");

		if (strlen(name) == length && strncmp(name, base, length) == 0)
			return file;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const struct glint_test_file *file = file_find(base_name(argv[0]));
	bool only_list;

	if (!file && argc > 1) {
		file = file_find(argv[1]);
		argc--;
		argv++;
	}
	if (!file) {
		fprintf(stderr, "usage: all FILE [--list] [PATTERN], with one of these files:\n");
		for (file = files; file; file = file->next)
			fprintf(stderr, "  %s\n", file->path);
		return 2;
	}
	only_list = argc > 1 && strcmp(argv[1], "--list") == 0;
	return (only_list ? list_tests :
			    run_tests)(file, argc > 1 + only_list ? argv[1 + only_list] : NULL);
}
