/* SPDX-License-Identifier: MIT */
/* Parse command lines given as text, for the tests of the options. */
#ifndef GLINT_TESTS_OPTIONS_RIG_H
#define GLINT_TESTS_OPTIONS_RIG_H

#include "../unit/harness.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options/options.h"
#include "options/table.h"

#define WORDS_MAX 24

/* One command line and its result. */
struct parsed {
	char line[1024];
	char *argv[WORDS_MAX + 1];
	int argc;
	struct glint_settings settings;
	struct glint_options_output output;
	enum glint_options_outcome outcome;
};

static inline void parse_words(struct parsed *parsed)
{
	parsed->outcome =
		glint_options_parse(&parsed->settings, parsed->argc, parsed->argv, &parsed->output);
}

/* Split @line at blanks behind the program's name; ~ stands for a word that is empty. */
static inline void split(struct parsed *parsed, const char *line)
{
	char *rest = parsed->line, *word;

	snprintf(parsed->line, sizeof(parsed->line), "glintd %.1000s", line);
	parsed->argc = 0;
	while ((word = strsep(&rest, " ")) && parsed->argc < WORDS_MAX) {
		if (strcmp(word, "~") == 0)
			*word = '\0';
		else if (!*word)
			continue;
		parsed->argv[parsed->argc++] = word;
	}
	parsed->argv[parsed->argc] = NULL;
}

static inline void parse(struct parsed *parsed, const char *line)
{
	split(parsed, line);
	parse_words(parsed);
}

static inline void drop(struct parsed *parsed)
{
	free(parsed->output.out);
	free(parsed->output.err);
	glint_options_fini(&parsed->settings);
}

static inline bool runs(struct parsed *parsed, const char *line)
{
	parse(parsed, line);
	if (parsed->outcome != GLINT_OPTIONS_RUN)
		printf("#   %s: %s", line, parsed->output.err ? parsed->output.err : "?\n");
	return parsed->outcome == GLINT_OPTIONS_RUN;
}

static inline bool accepts(const char *line)
{
	struct parsed parsed;
	bool accepted = runs(&parsed, line);

	drop(&parsed);
	return accepted;
}

/* Returns whether @line is refused with exactly this one line. */
static inline bool says(const char *line, const char *message)
{
	struct parsed parsed;
	char wanted[1024];
	bool same;

	parse(&parsed, line);
	snprintf(wanted, sizeof(wanted), "glintd: %s\n", message);
	same = parsed.outcome == GLINT_OPTIONS_EXIT_ERROR && parsed.output.err &&
	       strcmp(parsed.output.err, wanted) == 0 && !parsed.output.out;
	if (!same)
		printf("#   %s: %s", line, parsed.output.err ? parsed.output.err : "?\n");
	drop(&parsed);
	return same;
}

static inline bool refuses(const char *line)
{
	struct parsed parsed;
	const char *newline;
	bool refused;

	parse(&parsed, line);
	newline = parsed.output.err ? strchr(parsed.output.err, '\n') : NULL;
	refused = parsed.outcome == GLINT_OPTIONS_EXIT_ERROR && newline && !newline[1];
	if (!refused)
		printf("#   accepted: %s\n", line);
	drop(&parsed);
	return refused;
}

/* The settings of a line that is accepted; valid until the next one. */
static inline const struct glint_settings *settings_of(struct parsed *parsed, const char *line)
{
	bool ran = runs(parsed, line);

	CU_ASSERT_TRUE(ran);
	drop(parsed);
	return &parsed->settings;
}
#endif
