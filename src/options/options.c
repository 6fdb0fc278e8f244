/* SPDX-License-Identifier: MIT */
#include "options/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "options/table.h"

static int visit_first(struct glint_options_run *run, const struct glint_option *option,
		       const char *value)
{
	if (option->kind == GLINT_OPTION_SHOW) {
		option->show(run->out);
		return 1;
	}
	if (option->kind == GLINT_OPTION_FILE)
		run->config = value;
	return 0;
}

static int visit_apply(struct glint_options_run *run, const struct glint_option *option,
		       const char *value)
{
	return glint_options_apply(run, option, value, GLINT_OPTIONS_COMMAND_LINE);
}

void glint_option_put_refusal(const struct glint_option *option, const char *value, int err,
			      FILE *out)
{
	fputs(option->name, out);
	if (!option->secret) {
		fputc(' ', out);
		glint_option_put_quoted(value, out);
	}
	if (err == -ENOTSUP) {
		fputs(": not in this build (see --features)", out);
	} else if (err == -EILSEQ) {
		fputs(": control characters are not allowed", out);
	} else {
		fputs(": expected ", out);
		glint_option_put_range(option, out);
	}
}

int glint_options_apply(struct glint_options_run *run, const struct glint_option *option,
			const char *value, const char *where)
{
	int err;

	if (option->missing) {
		fprintf(run->err, "%s%s: built without %s\n", where, option->name, option->missing);
		return -EINVAL;
	}
	err = glint_option_set(option, value, run->settings);
	if (err < 0) {
		fputs(where, run->err);
		glint_option_put_refusal(option, value, err, run->err);
		fputs(err == -ENOTSUP ? "\n" : " (try --help)\n", run->err);
		return -EINVAL;
	}
	run->given[option - glint_option_rows] = true;
	return 0;
}

static int parse(struct glint_options_run *run, int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	int result;

	glint_options_set_defaults(run->settings);
	/* Clients start a program named ustreamer, which may be a link to glintd. */
	run->settings->compat_ustreamer = argc > 0 &&
					  strcmp(slash ? slash + 1 : argv[0], "ustreamer") == 0;
	result = glint_options_walk(run, argc, argv, visit_first);
	if (result == 0 && run->config)
		result = glint_options_read_file(run, run->config);
	if (result == 0)
		result = glint_options_walk(run, argc, argv, visit_apply);
	if (result == 0)
		result = glint_options_settle(run);
	return result;
}

/* Close @stream. *@text becomes NULL if nothing was written. */
static void close_text(FILE *stream, char **text)
{
	if (stream)
		fclose(stream);
	if (*text && !**text) {
		free(*text);
		*text = NULL;
	}
}

enum glint_options_outcome glint_options_parse(struct glint_settings *settings, int argc,
					       char **argv, struct glint_options_output *output)
{
	struct glint_options_run run = { .settings = settings };
	size_t out_size, err_size;
	int result = -ENOMEM;

	*settings = (struct glint_settings){ 0 };
	*output = (struct glint_options_output){ 0 };
	run.out = open_memstream(&output->out, &out_size);
	run.err = open_memstream(&output->err, &err_size);
	if (run.out && run.err)
		result = parse(&run, argc, argv);
	close_text(run.out, &output->out);
	close_text(run.err, &output->err);

	if (result == 0)
		return GLINT_OPTIONS_RUN;
	glint_options_fini(settings);
	return result > 0 ? GLINT_OPTIONS_EXIT_OK : GLINT_OPTIONS_EXIT_ERROR;
}

void glint_options_fini(struct glint_settings *settings)
{
	free(settings->store);
	settings->store = NULL;
}
