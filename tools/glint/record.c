/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glint/client.h>
#include <glint/protocol.h>

#include "file.h"
#include "json.h"
#include "query.h"
#include "tool.h"

#define WAIT_MAX_S	86400
#define WHEN_DEFAULT_MS 3600000

struct record_args {
	struct tool_service *service;
	struct tool_query query; /* of the trigger */
	const char *stop;	 /* the recording to end */
	const char *reference;	 /* a file, the picture to match; NULL: none */
	int wait_ms, when_ms;	 /* @when_ms: for the condition; 0: none */
	const char *until;	 /* "accepted", "open", "complete" */
	bool json, list;
};

enum {
	KEY_NAME = 0x100,
	KEY_PRE,
	KEY_POST,
	KEY_AT,
	KEY_NO_WAIT,
	KEY_UNTIL,
	KEY_STOP,
	KEY_WAIT,
	KEY_WHEN,
	KEY_REGION,
	KEY_THRESHOLD,
	KEY_HASH,
	KEY_DIFFERS,
	KEY_REFERENCE,
	KEY_PLACE,
	KEY_MARGIN,
	KEY_SIMILARITY,
	KEY_STABLE,
	KEY_TIMEOUT
};

static const struct argp_option options[] = {
	{ "name", KEY_NAME, "NAME", 0, "Name of the files; else the service chooses one", 0 },
	{ "pre", KEY_PRE, "SPAN", 0, "From before the trigger: frames (120) or time (500ms, 2s)",
	  0 },
	{ "post", KEY_POST, "SPAN", 0, "From after the trigger", 0 },
	{ "at", KEY_AT, "MOMENT", 0, "now (the default), last, seq:N, mark:NAME, or ns", 0 },
	{ "when", KEY_WHEN, "CONDITION", 0,
	  "When the screen shows it: change, still, motion, black, nonblack, live, offline, "
	  "transition, hash or match",
	  0 },
	{ "region", KEY_REGION, "WxH+X+Y", 0,
	  "The part of the picture to look at for the condition", 0 },
	{ "threshold", KEY_THRESHOLD, "LEVEL", 0,
	  "Levels of 0 to 255 of the condition, as for glint wait", 0 },
	{ "hash", KEY_HASH, "SUM", 0, "hash: the checksum to compare with", 0 },
	{ "differs", KEY_DIFFERS, NULL, 0, "hash: another checksum", 0 },
	{ "reference", KEY_REFERENCE, "FILE", 0, "match: the picture, PNG, JPEG, PPM or PGM", 0 },
	{ "place", KEY_PLACE, "X+Y", 0, "match: where its upper left pixel lies", 0 },
	{ "margin", KEY_MARGIN, "N", 0, "match: how many pixels beside its place (default 0)", 0 },
	{ "similarity", KEY_SIMILARITY, "N", 0, "match: from 0 to 1 (default 0.96)", 0 },
	{ "stable", KEY_STABLE, "TIME", 0,
	  "still, transition: how long nothing has differed (default 1s)", 0 },
	{ "give-up", KEY_TIMEOUT, "SECONDS", 0, "When to give up the condition (default 3600 s)",
	  0 },
	{ "until", KEY_UNTIL, "WHEN", 0,
	  "Return when the trigger is accepted, when the file is open, or when it is complete "
	  "(default)",
	  0 },
	{ "no-wait", KEY_NO_WAIT, NULL, 0, "The same as --until open", 0 },
	{ "max-wait", KEY_WAIT, "SECONDS", 0,
	  "Wait for the end of the recording so long (default 60)", 0 },
	{ "stop", KEY_STOP, "NAME", 0, "End a recording now, instead of beginning one", 0 },
	{ "list", 'l', NULL, 0, "List the recordings instead", 0 },
	{ "json", 'j', NULL, 0, "Print the reply as the service sends it", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct record_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args->service;
		return 0;
	case KEY_NAME:
		tool_query_add(state, &args->query, "name", arg);
		return 0;
	case KEY_PRE:
		tool_query_add(state, &args->query, "pre", arg);
		return 0;
	case KEY_POST:
		tool_query_add(state, &args->query, "post", arg);
		return 0;
	case KEY_AT:
		tool_query_add(state, &args->query, "at", arg);
		return 0;
	case KEY_WHEN:
		tool_query_add(state, &args->query, "for", arg);
		args->when_ms = args->when_ms ? args->when_ms : WHEN_DEFAULT_MS;
		return 0;
	case KEY_REGION:
		tool_query_add(state, &args->query, "region", arg);
		return 0;
	case KEY_THRESHOLD:
		tool_query_add(state, &args->query, "threshold", arg);
		return 0;
	case KEY_HASH:
		tool_query_add(state, &args->query, "hash", arg);
		return 0;
	case KEY_DIFFERS:
		tool_query_add(state, &args->query, "differs", "1");
		return 0;
	case KEY_REFERENCE:
		args->reference = arg;
		return 0;
	case KEY_PLACE:
		tool_query_add(state, &args->query, "place", arg);
		return 0;
	case KEY_MARGIN:
		tool_query_add(state, &args->query, "margin", arg);
		return 0;
	case KEY_SIMILARITY:
		tool_query_add(state, &args->query, "similarity", arg);
		return 0;
	case KEY_STABLE:
		tool_query_add(state, &args->query, "stable", arg);
		return 0;
	case KEY_TIMEOUT:
		tool_query_add(state, &args->query, "timeout", arg);
		args->when_ms = tool_seconds(state, "give-up", arg, 0.001, WAIT_MAX_S);
		return 0;
	case KEY_NO_WAIT:
		args->until = "open";
		return 0;
	case KEY_UNTIL:
		args->until = arg;
		return 0;
	case KEY_WAIT:
		args->wait_ms = tool_seconds(state, "max-wait", arg, 0.001, WAIT_MAX_S);
		return 0;
	case KEY_STOP:
		args->stop = arg;
		return 0;
	case 'l':
		args->list = true;
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_END:
		if (args->list && (args->stop || args->query.used > 0))
			argp_error(state, "--list stands alone");
		if (args->stop && args->query.used > 0)
			argp_error(state, "--stop stands alone");
		if (!args->list && !args->stop)
			tool_query_add(state, &args->query, "until", args->until);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Records the frames around a moment: those before the command, which the service has in "
	       "memory, and those behind it. Waits until the file is complete, and prints its name, and "
	       "how many frames it has."
	       "\v"
	       "The frame that decides a condition is frame 0. The service needs --record. Exit status 3: frames are missing in the file, or the disk failed.",
	.children = tool_service_child,
};

static void text_at(const struct tool_json *json, const char *base, const char *name, char *text,
		    size_t size)
{
	char path[96];

	snprintf(path, sizeof(path), "%s.%s", base, name);
	if (!tool_json_text(json, path, text, size) || !*text)
		snprintf(text, size, "-");
}

static double number_at(const struct tool_json *json, const char *base, const char *name)
{
	char path[96];
	double value = 0;

	snprintf(path, sizeof(path), "%s.%s", base, name);
	(void)tool_json_number(json, path, &value);
	return value;
}

static double missing_at(const struct tool_json *json, const char *base)
{
	return number_at(json, base, "dropped") + number_at(json, base, "corrupt") +
	       number_at(json, base, "lost") + number_at(json, base, "skipped");
}

static bool has_failed(const struct tool_json *json, const char *base)
{
	char state[24];

	text_at(json, base, "state", state, sizeof(state));
	return strcmp(state, "failed") == 0;
}

/* Print "reset-7.mkv  241 frames, 120 before  closed". */
static void put_recording(const struct tool_json *json, const char *base)
{
	char file[160], state[24], error[128];

	text_at(json, base, "file", file, sizeof(file));
	if (strcmp(file, "-") == 0)
		text_at(json, base, "name", file, sizeof(file));
	text_at(json, base, "state", state, sizeof(state));
	printf("%s\t%.0f frames, %.0f before", file, number_at(json, base, "frames"),
	       number_at(json, base, "before"));
	if (missing_at(json, base) > 0)
		printf(", %.0f missing", missing_at(json, base));
	printf("\t%s", state);
	if (has_failed(json, base)) {
		text_at(json, base, "error", error, sizeof(error));
		printf(": %s", error);
	}
	printf("\n");
}

static int show(const struct record_args *args, const struct tool_json *json)
{
	char base[48];

	if (args->stop)
		return GLINT_EXIT_OK;
	if (!args->list) {
		put_recording(json, "result");
		return has_failed(json, "result") || missing_at(json, "result") > 0 ?
			       GLINT_EXIT_NO_VIDEO :
			       GLINT_EXIT_OK;
	}
	for (unsigned i = 0;; i++) {
		snprintf(base, sizeof(base), "result.recordings.%u", i);
		if (!tool_json_is_set(json, base))
			return GLINT_EXIT_OK;
		put_recording(json, base);
	}
}

/* *@text is as it was after an error of the file, which is printed then. */
static int ask(struct record_args *args, struct glint_client *client, char **text, size_t *len)
{
	const char *query;
	uint8_t *picture;
	size_t size;
	bool complete = strcmp(args->until, "complete") == 0;
	int wait_ms, err;

	if (args->list)
		return glint_client_recordings(client, text, len);
	if (args->stop)
		return glint_client_record_stop(client, args->stop, text, len);
	/* The first parameter has an & before it, too. */
	query = args->query.text + (*args->query.text == '&');
	wait_ms = args->when_ms + (complete ? args->wait_ms : 0);
	/* --max-wait alone is the time for all; a condition has one of its own, which the service ends. */
	if (complete && args->when_ms == 0) {
		glint_client_set_timeout(client, args->wait_ms);
		wait_ms = 0;
	}
	if (!args->reference)
		return glint_client_record(client, query, wait_ms, text, len);
	err = tool_file_read(args->reference, &picture, &size);
	if (err == 0) {
		err = glint_client_record_match(client, query, picture, size, wait_ms, text, len);
		if (err == -EINVAL && !*text)
			fprintf(stderr, "glint: '%s' is no PNG, JPEG, PPM or PGM\n",
				args->reference);
	} else {
		(void)tool_fail_read(args->reference, err);
	}
	free(picture);
	return err;
}

static int fail(const struct record_args *args, const struct glint_client *client, int err,
		const char *text, size_t len)
{
	bool records = !args->list && !args->stop;

	if (err != -ETIMEDOUT || text || !records || strcmp(args->until, "complete") != 0)
		return tool_fail_refused(args->service, client, err, text, len);
	fprintf(stderr,
		"glint: %s: no complete recording in time: it may still go on, as glint record "
		"--list shows; allow more with --max-wait\n",
		glint_client_address(client));
	return GLINT_EXIT_UNREACHABLE;
}

int tool_record(int argc, char **argv, struct tool_service *service)
{
	struct record_args args = { .service = service, .wait_ms = 60000, .until = "complete" };
	struct glint_client *client;
	struct tool_json *json;
	size_t len = 0;
	char *text = NULL;
	int code, err;

	tool_parse(&argp, argc, argv, &args);
	client = tool_connect(service, &code);
	if (!client)
		return code;
	err = ask(&args, client, &text, &len);
	json = err == 0 ? tool_json_parse(text, len) : NULL;
	if (err < 0 && args.reference && !text)
		code = GLINT_EXIT_USAGE;
	else if (!json || !tool_json_is_set(json, GLINT_STATE_OK))
		code = fail(&args, client, err, text, len);
	else if (args.json)
		tool_json_print(text, len);
	else
		code = show(&args, json);
	tool_json_destroy(json);
	free(text);
	glint_client_destroy(client);
	return code;
}
