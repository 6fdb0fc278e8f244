/* SPDX-License-Identifier: MIT */
/*
 * The table of options, one row per option. Parsing, ranges, defaults, --help, the configuration
 * file and GET /config follow from the rows; scripts/check-man compares the man page with --help.
 * Private to src/options/.
 */
#ifndef GLINT_OPTIONS_TABLE_H
#define GLINT_OPTIONS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/change.h"
#include "options/options.h"

enum glint_option_kind {
	GLINT_OPTION_HEADING, /* not an option: the title of a group in --help */
	GLINT_OPTION_FLAG,    /* bool, no value */
	GLINT_OPTION_PRESET,  /* no value: sets the field to @low[0] */
	GLINT_OPTION_SHOW,    /* no value: @show writes a text, and the program ends */
	GLINT_OPTION_TEXT,    /* of @low[0] to @high[0] bytes */
	GLINT_OPTION_ID,      /* the same, of letters, digits and ./+_- only */
	GLINT_OPTION_FILE,    /* the configuration file: read before the command line is applied */
	GLINT_OPTION_NUMBER,  /* decimal, 0x, or leading 0 for octal */
	GLINT_OPTION_MODE,    /* octal */
	GLINT_OPTION_SECONDS, /* stored in nanoseconds */
	GLINT_OPTION_SIZE,    /* WxH, stored in two fields of 32 bits */
	GLINT_OPTION_WORD,    /* one of @words, stored as its value */
	GLINT_OPTION_NAME,    /* one of @words, stored as its text */
	GLINT_OPTION_CONTROL, /* a number, or one of @words */
	GLINT_OPTION_FORMAT,  /* a pixel format */
	GLINT_OPTION_INPUT,   /* a number up to @high[0], or a name */
	GLINT_OPTION_TIMINGS, /* a mode by name, or follow */
	GLINT_OPTION_CPUS,    /* processors, as "0,2-3" */
	GLINT_OPTION_SPAN,    /* frames, or a time with its unit */
	GLINT_OPTION_ASSIGN,  /* NAME=VALUE, repeatable: a list of controls */
	GLINT_OPTION_DEVICE,  /* a text that names a capture device */
};

struct glint_option_word {
	const char *name; /* in any case; NULL ends a list */
	uint64_t value;
	const char *text;    /* the canonical name; NULL: @name */
	const char *missing; /* the Kconfig option that is needed and off; NULL: none */
	bool hidden;	     /* an alias: accepted, not shown */
};

struct glint_option {
	const char *name;
	enum glint_option_kind kind;
	char letter;		/* short form, or 0 */
	bool own;		/* not ustreamer's: never makes an abbreviation ambiguous */
	bool secret;		/* messages do not show the value */
	bool runtime;		/* can be changed while the service runs */
	enum glint_holds holds; /* when such a change takes effect */
	const char *arg;	/* name of the value in --help */
	const char *help;
	const char *fallback;	   /* the default, parsed like any value; NULL: zero */
	const char *fallback_text; /* shown in --help instead of @fallback */
	const char *range_text;	   /* shown instead of the range that follows from @kind */
	int64_t low[2], high[2];   /* the second pair: heights */
	const struct glint_option_word *words;
	size_t offset, bytes; /* the field in struct glint_settings; 0 bytes: none */
	const char *note;     /* why the option has no effect: a warning if given; NULL: none */
	const char *missing;  /* the Kconfig option that is needed and off; NULL: none */
	void (*show)(FILE *out);
};

/* The last row has no help. */
extern const struct glint_option glint_option_rows[];

/* Above the number of rows; asserted. */
#define GLINT_OPTIONS_MAX 160

/* Returns NULL if no option has this name. */
const struct glint_option *glint_option_find(const char *name);

static inline bool glint_option_takes_value(const struct glint_option *option)
{
	return option->kind >= GLINT_OPTION_TEXT;
}

static inline enum glint_holds glint_option_holds(const struct glint_option *option)
{
	return option->runtime ? option->holds : GLINT_HOLDS_RESTART;
}

/* Returns 1 for "yes", "true", "on", "1" and NULL; 0 for their opposites; or -EINVAL. */
int glint_option_parse_flag(const char *text);

/*
 * Check @text and store its value in the option's field. A field of a text points at @text. A flag
 * without a value has a NULL @text. Errors: -EINVAL (not of the kind), -ERANGE, -EILSEQ (control
 * characters), -ENOTSUP (a word that is not built in).
 */
int glint_option_set(const struct glint_option *option, const char *text,
		     struct glint_settings *settings);

/* Write "1 to 100" or "PAL, NTSC, SECAM"; nothing for an option without a range. */
void glint_option_put_range(const struct glint_option *option, FILE *out);

/* Write @text in quotes, cut to 80 bytes; bytes that cannot be printed become '?'. */
void glint_option_put_quoted(const char *text, FILE *out);

/*
 * Write "; did you mean --quality?" if an option has a name similar to @word, else nothing. Only
 * options for which @counts returns true are considered; NULL: all.
 */
void glint_option_put_similar(const char *word, size_t length, const char *dashes,
			      bool (*counts)(const struct glint_option *option), FILE *out);

/* Write "quality '300': expected 1 to 100" for an @err of glint_option_set(). */
void glint_option_put_refusal(const struct glint_option *option, const char *value, int err,
			      FILE *out);

void glint_options_show_help(FILE *out);
void glint_options_show_version(FILE *out);
void glint_options_show_features(FILE *out);

/* One run of glint_options_parse(). */
struct glint_options_run {
	struct glint_settings *settings;
	FILE *out, *err;	       /* for messages */
	const char *config;	       /* the file to read first, or NULL */
	bool given[GLINT_OPTIONS_MAX]; /* by row: the user has given the option */
};

void glint_options_set_defaults(struct glint_settings *settings);

/* Set the fields that follow from other settings. */
void glint_options_derive(struct glint_settings *settings);

/* Before an option's name in a message about the command line. */
#define GLINT_OPTIONS_COMMAND_LINE "glintd: --"

/*
 * @value: NULL for an option without one. Returns 0, a negative errno, or 1 after an option that
 * ends the program, such as --help.
 */
typedef int glint_options_visit_fn(struct glint_options_run *run, const struct glint_option *option,
				   const char *value);

/*
 * Split the command line and call @visit for each option. Returns 0, the first result of @visit
 * that is not 0, or -EINVAL after a message about a word that is not an option.
 */
int glint_options_walk(struct glint_options_run *run, int argc, char **argv,
		       glint_options_visit_fn *visit);

/*
 * Apply one option. Returns 0, or -EINVAL after a message of one line that begins with @where.
 */
int glint_options_apply(struct glint_options_run *run, const struct glint_option *option,
			const char *value, const char *where);

/*
 * Set the defaults that depend on other options, and warn about options without effect. Returns 0,
 * or -EINVAL after a message about options that exclude each other.
 */
int glint_options_settle(struct glint_options_run *run);

/*
 * Apply the file at @path, or standard input for "-". The settings own the text from then on, also
 * after a failure. Returns 0, -EINVAL after a message, or -ENOMEM.
 */
int glint_options_read_file(struct glint_options_run *run, const char *path);
#endif
