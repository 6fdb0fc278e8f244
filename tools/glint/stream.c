/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glint/client.h>
#include <glint/protocol.h>

#include "file.h"
#include "tally.h"
#include "tool.h"

#define PROGRESS_NS 100000000u /* no more often than an eye can follow */

struct stream_args {
	struct tool_service *service;
	uint64_t count;	    /* live pictures; 0: without end */
	const char *output; /* a folder, "-", or NULL */
	bool to_stdout;
	bool any;
};

struct run {
	const struct stream_args *args;
	const struct glint_client *client;
	struct tool_tally tally;
	uint64_t live_ns;    /* when the last live picture came, or we began */
	bool shows_progress; /* on a terminal */
	uint64_t shown_ns;   /* when the progress was shown last */
};

static volatile sig_atomic_t interrupted;
static int interrupted_fd = -1;

/* End the wait for the next picture; the pictures before it are complete. */
static void on_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
	shutdown(interrupted_fd, SHUT_RDWR);
}

static const struct argp_option options[] = {
	{ "count", 'n', "COUNT", 0, "End after so many live pictures", 0 },
	{ "output", 'o', "DIR", 0,
	  "Save each as DIR/frame-NUMBER.jpg; DIR is made if need be. -: write them to stdout, one "
	  "behind the other, which is MJPEG",
	  0 },
	{ "any", 'a', NULL, 0, "Also save the pictures that say there is no live video", 0 },
	{ 0 },
};

static void parse_count(struct argp_state *state, struct stream_args *args, const char *text)
{
	if (!tool_number(text, &args->count) || args->count == 0)
		argp_error(state, "--count '%s' is not a number from 1 on", text);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct stream_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args->service;
		return 0;
	case 'n':
		parse_count(state, args, arg);
		return 0;
	case 'o':
		args->output = arg;
		args->to_stdout = strcmp(arg, "-") == 0;
		return 0;
	case 'a':
		args->any = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "what is '%s'? A folder is named with --output", arg);
		return 0;
	case ARGP_KEY_END:
		if (args->to_stdout && isatty(STDOUT_FILENO))
			argp_error(state, "stdout is a terminal, which cannot show pictures");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Reads the stream, counts its pictures, and saves them when told where."
	       "\v"
	       "NUMBER is the driver's count, so that a gap is a frame that did not come. Ends with 3 "
	       "when no live picture comes for as long as --timeout says. Ctrl-C ends it, too, with 0.",
	.children = tool_service_child,
};

/* Keep the line shorter than the terminal: a wrapped line cannot be overwritten. */
static void show_progress(struct run *run, uint64_t now_ns)
{
	unsigned columns = tool_columns(stderr);
	char text[256] = "";
	FILE *memory;

	if (!run->shows_progress || now_ns - run->shown_ns < PROGRESS_NS)
		return;
	run->shown_ns = now_ns;
	memory = fmemopen(text, sizeof(text), "w");
	if (!memory)
		return;
	tool_tally_put(memory, &run->tally);
	fclose(memory);
	fprintf(stderr, "\r%.*s\033[K", columns > 1 ? (int)columns - 1 : (int)sizeof(text), text);
}

static void clear_progress(const struct run *run)
{
	if (run->shows_progress)
		fputs("\r\033[K", stderr);
}

static int fail(const struct run *run, int err, const char *reason)
{
	clear_progress(run);
	return tool_fail(run->args->service, run->client, err, reason);
}

static int save(struct run *run, const struct glint_image *image)
{
	char name[64], *path;
	int err;

	if (!run->args->output || (!image->online && !run->args->any))
		return 0;
	tool_tally_name(&run->tally, image, name, sizeof(name));
	if (run->args->to_stdout) {
		err = tool_file_write("-", image->data, image->size);
		return err < 0 ? tool_fail_file("stdout", err) : 0;
	}
	if (asprintf(&path, "%s/%s", run->args->output, name) < 0)
		return tool_fail_file(name, -ENOMEM);
	err = tool_file_write(path, image->data, image->size);
	if (err < 0) {
		clear_progress(run);
		err = tool_fail_file(path, err);
	}
	free(path);
	return err;
}

static bool is_too_long_offline(const struct run *run, uint64_t now_ns)
{
	int limit_ms = run->args->service->timeout_ms;

	return limit_ms > 0 && now_ns - run->live_ns >= (uint64_t)limit_ms * 1000000;
}

/* Returns the exit code; -1: go on. */
static int take_picture(struct run *run, const struct glint_image *image)
{
	uint64_t now_ns = tool_now_ns();
	int code;

	tool_tally_add(&run->tally, image, now_ns);
	code = save(run, image);
	if (code != 0)
		return code;
	show_progress(run, now_ns);
	if (image->online)
		run->live_ns = now_ns;
	else if (is_too_long_offline(run, now_ns))
		return fail(run, -ENODATA, image->reason);
	if (run->args->count > 0 && run->tally.pictures >= run->args->count)
		return GLINT_EXIT_OK;
	return -1;
}

/* Report why the stream has no further picture; return the exit code. */
static int end_of_stream(const struct run *run, int result)
{
	if (interrupted)
		return GLINT_EXIT_OK;
	/* A service ends a stream only when the service stops. */
	return fail(run, result < 0 ? result : -ECONNRESET, NULL);
}

static int read_stream(struct run *run, struct glint_stream *stream)
{
	struct glint_image image = { 0 };
	int code = -1;

	while (code < 0) {
		int result = glint_client_stream_next(stream, &image);

		if (result == 1)
			code = take_picture(run, &image);
		else
			code = end_of_stream(run, result);
		if (interrupted)
			code = GLINT_EXIT_OK;
	}
	glint_image_fini(&image);
	return code;
}

static int run_stream(struct run *run, struct glint_client *client)
{
	struct sigaction action = { .sa_handler = on_interrupt };
	struct glint_stream *stream;
	FILE *summary;
	int err, code;

	err = glint_client_stream_open(client, &stream);
	if (err < 0)
		return tool_fail(run->args->service, client, err, NULL);
	interrupted_fd = glint_client_stream_fd(stream);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);

	run->live_ns = tool_now_ns();
	code = read_stream(run, stream);
	clear_progress(run);
	summary = run->args->to_stdout ? stderr : stdout;
	tool_tally_put(summary, &run->tally);
	fputc('\n', summary);
	glint_client_stream_close(stream);
	return code;
}

int tool_stream(int argc, char **argv, struct tool_service *service)
{
	struct stream_args args = { .service = service };
	struct run run = { .args = &args, .shows_progress = tool_is_terminal(stderr) };
	struct glint_client *client;
	int code;

	tool_parse(&argp, argc, argv, &args);
	client = tool_connect(service, &code);
	if (!client)
		return code;
	run.client = client;
	if (args.output && !args.to_stdout && mkdir(args.output, 0777) < 0 && errno != EEXIST)
		code = tool_fail_file(args.output, -errno);
	else
		code = run_stream(&run, client);
	glint_client_destroy(client);
	return code;
}
