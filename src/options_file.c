/* SPDX-License-Identifier: MIT */
/*
 * The file of --config: lines of "key = value", where keys are the long options.
 * A flag stands alone, or is "yes" or "no". A line that begins with # is a
 * comment; a # further on is part of the value, which may be a password. A value
 * in quotes is what is between them. A line that may be the rest of a password
 * is not shown in messages: they go to logs that others can read.
 */
#include "options_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"

#define FILE_SIZE_MAX 65536	/* more is some other file */
#define QUOTES	      "a value that begins with a quote ends with the next one like it"

struct place {
	struct glint_options_run *run;
	const char *path;
	unsigned line;
};

/* @which: NULL for nothing that may be shown. */
static int complain(const struct place *place, const char *what, const char *which)
{
	fprintf(place->run->err, "glintd: %s:%u: %s", place->path, place->line, what);
	if (which)
		glint_option_put_quoted(which, place->run->err);
	fputc('\n', place->run->err);
	return -EINVAL;
}

/* Returns how much was read, at most @size, or a negative errno. */
static ssize_t read_all(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
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

/* 1, 0, or -EINVAL. NULL: the flag stands alone. */
static int parse_flag(const char *value)
{
	static const char *const words[][2] = {
		{ "no", "yes" },
		{ "false", "true" },
		{ "off", "on" },
		{ "0", "1" },
	};

	if (!value)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		for (int on = 0; on < 2; on++)
			if (strcasecmp(value, words[i][on]) == 0)
				return on;
	return -EINVAL;
}

static int apply_flag(const struct place *place, const struct glint_option *option,
		      const char *value, const char *where)
{
	int on = parse_flag(value);

	if (on < 0)
		return complain(place, "a flag is yes or no, not ", value);
	return on ? glint_options_apply(place->run, option, NULL, where) : 0;
}

static bool looks_like_an_option(const char *key)
{
	return *key && !key[strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789-")];
}

/* @value: NULL when the line has no =. */
static int complain_unknown(const struct place *place, const char *key, const char *value)
{
	if (value && looks_like_an_option(key))
		return complain(place, "unknown option ", key);
	return complain(place, "expected an option, = and its value", NULL);
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
 * The text between quotes, or all of @value if it does not begin with one. Nothing
 * is escaped between them: what has quotes of one kind goes into the other kind.
 * NULL when the closing quote is missing, or is not the end of the value.
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

static int apply_text(struct glint_options_run *run, const char *path, char *text)
{
	struct place place = { .run = run, .path = path };
	char *line;
	int err = 0;

	while (err == 0 && (line = strsep(&text, "\n"))) {
		place.line++;
		err = apply_line(&place, line);
	}
	return err;
}

/* What is wrong with a text of which @length bytes were read; NULL: nothing. */
static const char *find_fault(const char *text, ssize_t length)
{
	if (length < 0)
		return strerror((int)-length);
	if (length > FILE_SIZE_MAX)
		return "too large for a configuration";
	if (memchr(text, '\0', (size_t)length))
		return "not a text file";
	return NULL;
}

int glint_options_read_file(struct glint_options_run *run, const char *path)
{
	bool may_be_missing = path[0] == '-' && path[1];	/* as in systemd's EnvironmentFile= */
	char *text = malloc(FILE_SIZE_MAX + 1);
	const char *fault;
	ssize_t length;

	if (!text)
		return -ENOMEM;
	path += may_be_missing;
	run->settings->store = text;	/* what is applied points into it */
	length = read_all(path, text, FILE_SIZE_MAX + 1);
	if (length == -ENOENT && may_be_missing)
		return 0;
	fault = find_fault(text, length);
	if (fault) {
		fputs(GLINT_OPTIONS_COMMAND_LINE "config ", run->err);
		glint_option_put_quoted(path, run->err);
		fprintf(run->err, ": %s\n", fault);
		return -EINVAL;
	}
	text[length] = '\0';
	return apply_text(run, path, text);
}
