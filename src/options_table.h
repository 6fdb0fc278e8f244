/* SPDX-License-Identifier: MIT */
/*
 * One row an option. Everything is made from these rows: parsing, ranges,
 * defaults, --help, the configuration file, and the check of the man page.
 * Private to the files options*.c.
 */
#ifndef GLINT_OPTIONS_TABLE_H
#define GLINT_OPTIONS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "options.h"

enum glint_option_kind {
	GLINT_OPTION_HEADING,	/* no option: the title of a group in --help */
	GLINT_OPTION_FLAG,	/* bool, no value */
	GLINT_OPTION_PRESET,	/* no value: the field becomes @low[0] */
	GLINT_OPTION_SHOW,	/* no value: @show writes a text, and that is all */
	GLINT_OPTION_TEXT,	/* of @low[0] to @high[0] bytes */
	GLINT_OPTION_ID,	/* likewise, of few characters */
	GLINT_OPTION_FILE,	/* the configuration file: read before all else is applied */
	GLINT_OPTION_NUMBER,	/* decimal, 0x, or leading 0 for octal */
	GLINT_OPTION_MODE,	/* octal */
	GLINT_OPTION_SECONDS,	/* kept in nanoseconds */
	GLINT_OPTION_SIZE,	/* WxH, two fields of 32 bits */
	GLINT_OPTION_WORD,	/* one of @words, kept as its value */
	GLINT_OPTION_NAME,	/* one of @words, kept as its text */
	GLINT_OPTION_CONTROL,	/* a number, or a word of @words */
	GLINT_OPTION_FORMAT,	/* a pixel format */
	GLINT_OPTION_CPUS,	/* processors, as "0,2-3" */
};

struct glint_option_word {
	const char *name;	/* any case; NULL ends a list */
	uint64_t value;
	const char *text;	/* what a name stands for; NULL: itself */
	const char *missing;	/* the Kconfig option without which it is refused; NULL: there */
	bool hidden;		/* an alias: understood, not shown */
};

struct glint_option {
	const char *name;
	enum glint_option_kind kind;
	char letter;			/* short form, or 0 */
	bool own;			/* not ustreamer's: never makes an abbreviation ambiguous */
	bool secret;			/* no message shows its value */
	const char *arg;		/* what --help calls the value */
	const char *help;
	const char *fallback;		/* the default, read like any other value; NULL: zero */
	const char *fallback_text;	/* shown in its place, where another word says more */
	const char *range_text;		/* shown where the kind cannot tell the range */
	int64_t low[2], high[2];	/* the second pair: heights */
	const struct glint_option_word *words;
	size_t offset, bytes;		/* the field in struct glint_settings; 0 bytes: none */
	const char *note;		/* why it has no effect, said when it is given; NULL: nothing */
	const char *missing;		/* as in a word */
	void (*show)(FILE *out);
};

/* Ends with a row without help. */
extern const struct glint_option glint_option_rows[];

/* More than there are rows; asserted. */
#define GLINT_OPTIONS_MAX 160

/* NULL when there is none. */
const struct glint_option *glint_option_find(const char *name);

static inline bool glint_option_takes_value(const struct glint_option *option)
{
	return option->kind >= GLINT_OPTION_TEXT;
}

/*
 * Checks @text and puts it into the option's field, which may keep pointing at it.
 * -EINVAL when it is not of the kind, -ERANGE when it is not in the range, -EILSEQ
 * when it has control characters, -ENOTSUP when it is a word that was not built in.
 */
int glint_option_set(const struct glint_option *option, const char *text,
		     struct glint_settings *settings);

/* "1 to 100", "PAL, NTSC, SECAM"; writes nothing for what has no range. */
void glint_option_put_range(const struct glint_option *option, FILE *out);

/* Writes @text for a terminal: one line, printable, not endless. */
void glint_option_put_quoted(const char *text, FILE *out);

/* --help, --version, --features. */
void glint_options_show_help(FILE *out);
void glint_options_show_version(FILE *out);
void glint_options_show_features(FILE *out);

/* What has been given so far, and where messages go. */
struct glint_options_run {
	struct glint_settings *settings;
	FILE *out, *err;
	const char *config;		/* the file to read first, or NULL */
	bool given[GLINT_OPTIONS_MAX];	/* by row */
};

/* Everything as it is when nothing is given. */
void glint_options_set_defaults(struct glint_settings *settings);

/* Before an option's name in a message about the command line. */
#define GLINT_OPTIONS_COMMAND_LINE "glintd: --"

/* Positive: an option that ends it all was met. @value: NULL where none is taken. */
typedef int glint_options_visit_fn(struct glint_options_run *run, const struct glint_option *option,
				   const char *value);

/*
 * Splits the command line and calls @visit for each option. 0, or the first result
 * that is not 0; -EINVAL, after one line, for words that make no option.
 */
int glint_options_walk(struct glint_options_run *run, int argc, char **argv,
		       glint_options_visit_fn *visit);

/*
 * Applies one option, and says what is wrong with it, on one line that begins with
 * @where. -EINVAL when something is.
 */
int glint_options_apply(struct glint_options_run *run, const struct glint_option *option,
			const char *value, const char *where);

/*
 * What concerns more than one option: settles what was left open, and notes what has
 * no effect. -EINVAL, after one line, when options do not go together.
 */
int glint_options_settle(struct glint_options_run *run);

/*
 * Applies the file at @path; its text becomes the settings' store. -EINVAL after one
 * line to run->err, or -ENOMEM.
 */
int glint_options_read_file(struct glint_options_run *run, const char *path);
#endif
