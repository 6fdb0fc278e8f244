/* SPDX-License-Identifier: MIT */
/*
 * getopt_long() splits the words, because ustreamer uses getopt_long(): short forms, abbreviations
 * and "--key=value" work as ustreamer's users know them. argp uses getopt_long() as well, but does
 * not tell its caller which word was wrong and why.
 */
#include "options/table.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/similar.h"

#define VAL_FIRST 256 /* getopt's "val" of the first row; above all letters */

struct grammar {
	struct option longs[GLINT_OPTIONS_MAX + 1];
	char shorts[2 * GLINT_OPTIONS_MAX + 3];
};

/*
 * In "-:", the - makes getopt_long() return each word that belongs to no option; otherwise, with
 * POSIXLY_CORRECT, the first such word would end the options. The : makes it return ':' for an
 * option whose value is missing.
 */
static void grammar_init(struct grammar *grammar)
{
	struct option *entry = grammar->longs;
	char *letter = stpcpy(grammar->shorts, "-:");

	for (const struct glint_option *row = glint_option_rows; row->help; row++) {
		bool value = glint_option_takes_value(row);

		if (!row->name)
			continue;
		*entry++ = (struct option){ .name = row->name,
					    .has_arg = value ? required_argument : no_argument,
					    .val = VAL_FIRST + (int)(row - glint_option_rows) };
		if (!row->letter)
			continue;
		*letter++ = row->letter;
		if (value)
			*letter++ = ':';
	}
	assert(entry - grammar->longs < GLINT_OPTIONS_MAX);
	*letter = '\0';
	*entry = (struct option){ 0 };
}

/* Find the option of @val, which getopt_long() returns or leaves in optopt. NULL: none. */
static const struct glint_option *find_by_val(int val)
{
	if (val >= VAL_FIRST)
		return &glint_option_rows[val - VAL_FIRST];
	for (const struct glint_option *row = glint_option_rows; row->help; row++)
		if (row->letter && row->letter == val)
			return row;
	return NULL;
}

static int complain_missing(struct glint_options_run *run, const struct glint_option *option)
{
	fprintf(run->err, GLINT_OPTIONS_COMMAND_LINE "%s: a value is missing, expected ",
		option->name);
	glint_option_put_range(option, run->err);
	fputs(" (try --help)\n", run->err);
	return -EINVAL;
}

static int complain_flag(struct glint_options_run *run, const struct glint_option *option,
			 const char *value)
{
	fprintf(run->err,
		GLINT_OPTIONS_COMMAND_LINE "%s takes no value, but there is =", option->name);
	glint_option_put_quoted(value, run->err);
	fputs(" (try --help)\n", run->err);
	return -EINVAL;
}

static bool matches(const struct glint_option *row, const char *word)
{
	size_t length = strcspn(word, "=");

	return row->name && length > 0 && strncmp(row->name, word, length) == 0;
}

void glint_option_put_similar(const char *word, size_t length, const char *dashes,
			      bool (*counts)(const struct glint_option *option), FILE *out)
{
	struct glint_similar similar;

	glint_similar_begin(&similar, word, length);
	for (const struct glint_option *row = glint_option_rows; row->help; row++)
		if (!counts || counts(row))
			glint_similar_try(&similar, row->name);
	if (similar.best)
		fprintf(out, "; did you mean %s%s?", dashes, similar.best);
}

/*
 * Report that @word, "--key=value" or "-x", matches no option, or more than one. The message leaves
 * out the value, which may be a password.
 */
static int complain_unclear(struct glint_options_run *run, const char *word)
{
	const char *between = " is short for more than one: --";
	char name[128];

	snprintf(name, sizeof(name), "%.*s", 2 + (int)strcspn(word + 2, "="), word);
	fputs("glintd: option ", run->err);
	glint_option_put_quoted(name, run->err);
	word += strspn(word, "-");
	for (const struct glint_option *row = glint_option_rows; row->help; row++) {
		if (!matches(row, word))
			continue;
		fprintf(run->err, "%s%s", between, row->name);
		between = ", --";
	}
	if (*between == ' ') {
		fputs(" is unknown", run->err);
		glint_option_put_similar(word, strcspn(word, "="), "--", NULL, run->err);
	}
	fputs(" (try --help)\n", run->err);
	return -EINVAL;
}

/*
 * Find the only option of ustreamer's that @word is short for. An option of glint's own must not
 * make an abbreviation ambiguous that ustreamer's users know. NULL: none, or more than one.
 */
static const struct glint_option *find_inherited(const char *word)
{
	const struct glint_option *found = NULL;

	for (const struct glint_option *row = glint_option_rows; row->help; row++) {
		if (row->own || !matches(row, word))
			continue;
		if (found)
			return NULL;
		found = row;
	}
	return found;
}

/* Handle a word for which getopt_long() has returned '?'. */
static int visit_refused(struct glint_options_run *run, int argc, char **argv,
			 glint_options_visit_fn *visit)
{
	const struct glint_option *option = find_by_val(optopt);
	char letter[] = { '-', (char)optopt, '\0' };
	const char *word, *value;

	if (option) /* a flag with a value */
		return complain_flag(run, option, strchr(argv[optind - 1], '=') + 1);
	if (optopt)
		return complain_unclear(run, letter);

	word = argv[optind - 1] + strlen("--");
	value = strchr(word, '=');
	option = find_inherited(word);
	if (!option)
		return complain_unclear(run, argv[optind - 1]);
	if (!glint_option_takes_value(option))
		return value ? complain_flag(run, option, value + 1) : visit(run, option, NULL);
	if (value)
		return visit(run, option, value + 1);
	if (optind >= argc)
		return complain_missing(run, option);
	return visit(run, option, argv[optind++]);
}

int glint_options_walk(struct glint_options_run *run, int argc, char **argv,
		       glint_options_visit_fn *visit)
{
	struct grammar grammar;
	int found, result = 0;

	grammar_init(&grammar);
	opterr = 0;
	optind = 0; /* also resets getopt_long() after an earlier command line */
	while (result == 0 &&
	       (found = getopt_long(argc, argv, grammar.shorts, grammar.longs, NULL)) != -1) {
		if (found == '?')
			result = visit_refused(run, argc, argv, visit);
		else if (found == ':')
			result = complain_missing(run, find_by_val(optopt));
		else if (found != 1) /* 1: a word that belongs to no option */
			result = visit(run, find_by_val(found), optarg);
	}
	return result;
}
