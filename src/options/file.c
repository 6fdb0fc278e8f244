/* SPDX-License-Identifier: MIT */
/*
 * The file of --config: lines of "key = value", where keys are the long options. A flag has no
 * value, or "yes" or "no". A line that begins with # is a comment; a # later in the line is part of
 * the value, which may be a password. Quotes around a value are not part of the value. Messages do
 * not show a line that may be part of a password, because other users can read the log.
 */
#include "options/table.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/macros.h"

#define FILE_SIZE_MAX 65536	     /* a larger file is not a configuration */
#define BOM	      "\xef\xbb\xbf" /* some editors for Windows write it before the text */
#define QUOTES	      "a value that begins with a quote ends with the next one like it"

struct place {
	struct glint_options_run *run;
	const char *path;
	unsigned line;
};

/* @which: the word to quote after @what; NULL: none. */
static int complain(const struct place *place, const char *what, const char *which)
{
	fprintf(place->run->err, "glintd: %s:%u: %s", place->path, place->line, what);
	if (which)
		glint_option_put_quoted(which, place->run->err);
	fputc('\n', place->run->err);
	return -EINVAL;
}

static bool is_stdin(const char *path)
{
	return strcmp(path, "-") == 0;
}

/* Return the number of bytes read, at most @size, or a negative errno. */
static ssize_t read_all(const char *path, char *text, size_t size)
{
	int fd = is_stdin(path) ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) :
				  open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t length = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		n = read(fd, text + length, size - length);
		if (n > 0)
			length += (size_t)n;
	} while (length < size && (n > 0 || (n < 0 && errno == EINTR)));
	if (n < 0)
		n = -errno;
	close(fd);
	return n < 0 ? n : (ssize_t)length;
}

static char *trim(char *text)
{
	size_t length;

	text += strspn(text, " \t\r");
	length = strlen(text);
	while (length > 0 && strchr(" \t\r", text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

static int apply_flag(const struct place *place, const struct glint_option *option,
		      const char *value, const char *where)
{
	int on = glint_option_parse_flag(value);

	if (on < 0)
		return complain(place, "a flag is yes or no, not ", value);
	if (on)
		return glint_options_apply(place->run, option, NULL, where);
	/* "no" undoes an earlier line. A preset has no opposite. */
	if (option->kind == GLINT_OPTION_FLAG && !option->missing)
		return glint_option_set(option, value, place->run->settings);
	return 0;
}

/* @value: NULL if the line has no =. */
static int complain_unknown(const struct place *place, const char *key, const char *value)
{
	bool looks_like_an_option = *key &&
				    !key[strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789-")];
	FILE *err = place->run->err;

	if (!value || !looks_like_an_option)
		return complain(place, "expected an option, = and its value", NULL);
	fprintf(err, "glintd: %s:%u: unknown option ", place->path, place->line);
	glint_option_put_quoted(key, err);
	glint_option_put_similar(key, strlen(key), "", NULL, err);
	fputc('\n', err);
	return -EINVAL;
}

static int apply_pair(const struct place *place, const char *key, const char *value)
{
	const struct glint_option *option = glint_option_find(key);
	char where[512];

	if (!option)
		return complain_unknown(place, key, value);
	if (option->kind == GLINT_OPTION_SHOW || option->kind == GLINT_OPTION_FILE)
		return complain(place, "only for the command line: ", key);
	snprintf(where, sizeof(where), "glintd: %.400s:%u: ", place->path, place->line);
	if (!glint_option_takes_value(option))
		return apply_flag(place, option, value, where);
	if (!value)
		return complain(place, "expected = and a value after ", key);
	return glint_options_apply(place->run, option, value, where);
}

/*
 * Return the text between the quotes, or all of @value if it does not begin with a quote. There are
 * no escapes: a text that contains " is put between ', and vice versa. NULL: the closing quote is
 * missing, or text follows it.
 */
static char *unquote(char *value)
{
	char *end;

	if (*value != '"' && *value != '\'')
		return value;
	end = strchr(value + 1, *value);
	if (!end || end[1])
		return NULL;
	*end = '\0';
	return value + 1;
}

static int apply_line(const struct place *place, char *line)
{
	char *equals, *value;

	line = trim(line);
	if (*line == '\0' || *line == '#')
		return 0;
	equals = strchr(line, '=');
	if (!equals)
		return apply_pair(place, line, NULL);
	*equals++ = '\0';
	value = unquote(trim(equals));
	if (!value)
		return complain(place, QUOTES, NULL);
	return apply_pair(place, trim(line), value);
}

int glint_options_read_file(struct glint_options_run *run, const char *path)
{
	bool may_be_missing = path[0] == '-' && path[1]; /* as in systemd's EnvironmentFile= */
	char *text = malloc(FILE_SIZE_MAX + 1);
	struct place place = { .run = run };
	const char *fault = NULL;
	ssize_t length;
	char *line;
	int err = 0;

	assert(!run->settings->store);

	if (!text)
		return -ENOMEM;
	path += may_be_missing;
	run->settings->store = text; /* settings point into it */
	length = read_all(path, text, FILE_SIZE_MAX + 1);
	if (length == -ENOENT && may_be_missing)
		return 0;
	if (length < 0)
		fault = strerror((int)-length);
	else if (length > FILE_SIZE_MAX)
		fault = "too large for a configuration";
	else if (memchr(text, '\0', (size_t)length))
		fault = "not a text file";
	if (fault) {
		fputs(GLINT_OPTIONS_COMMAND_LINE "config ", run->err);
		glint_option_put_quoted(path, run->err);
		fprintf(run->err, ": %s\n", fault);
		return -EINVAL;
	}
	text[length] = '\0';
	if (strncmp(text, BOM, strlen(BOM)) == 0)
		text += strlen(BOM);

	place.path = is_stdin(path) ? "standard input" : path;
	while (err == 0 && (line = strsep(&text, "\n"))) {
		place.line++;
		err = apply_line(&place, line);
	}
	return err;
}
