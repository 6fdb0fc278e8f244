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

#define WAIT_DEFAULT_MS 10000

struct wait_args {
	struct tool_service *service;
	struct tool_query query;
	char conditions[128]; /* with commas between */
	unsigned n;
	bool all, json;
	const char *reference; /* a file; NULL: none */
};

enum { KEY_ALL = 0x200, KEY_REFERENCE };

static const struct argp_option options[] = {
	TOOL_QUERY_OPTIONS,
	{ "since", TOOL_KEY_SINCE, "MOMENT", 0,
	  "Compare with the frame of: now (the default), last, seq:N or mark:ID", 0 },
	{ "stable", TOOL_KEY_STABLE, "TIME", 0, "How long nothing has differed (default 1s)", 0 },
	{ "frames", TOOL_KEY_FRAMES, "K/N", 0, "motion: K of N frames moved (default 10/20)", 0 },
	{ "start-timeout", TOOL_KEY_START_TIMEOUT, "TIME", 0, "transition: for the first change",
	  0 },
	{ "stable-timeout", TOOL_KEY_STABLE_TIMEOUT, "TIME", 0,
	  "transition: from the first change until the picture is still", 0 },
	{ "hash", TOOL_KEY_HASH, "SUM", 0, "hash: the checksum to compare with", 0 },
	{ "differs", TOOL_KEY_DIFFERS, NULL, 0, "hash: wait for another checksum", 0 },
	{ "reference", KEY_REFERENCE, "FILE", 0, "match: the picture, PNG, JPEG, PPM or PGM", 0 },
	{ "at", TOOL_KEY_AT, "X+Y", 0, "match: the place of its upper left pixel", 0 },
	{ "margin", TOOL_KEY_MARGIN, "N", 0, "match: how many pixels beside its place (default 0)",
	  0 },
	{ "similarity", TOOL_KEY_SIMILARITY, "N", 0, "match: from 0 to 1 (default 0.96)", 0 },
	{ "all", KEY_ALL, NULL, 0, "All conditions hold at once; else one is enough", 0 },
	{ "json", 'j', NULL, 0, "Write the service's answer as a line of JSON", 0 },
	{ 0 },
};

static void add_condition(struct argp_state *state, struct wait_args *args, const char *word)
{
	size_t used = strlen(args->conditions);

	if (used + strlen(word) + 2 > sizeof(args->conditions))
		argp_error(state, "too many conditions");
	snprintf(args->conditions + used, sizeof(args->conditions) - used, "%s%s",
		 args->n > 0 ? "," : "", word);
	args->n++;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct wait_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args->service;
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case KEY_ALL:
		args->all = true;
		return 0;
	case KEY_REFERENCE:
		args->reference = arg;
		return 0;
	case ARGP_KEY_ARG:
		add_condition(state, args, arg);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "wait for what? change, still, motion, black, nonblack, live, "
				  "offline, transition, hash or match");
		return 0;
	default:
		return tool_query_parse(key, arg, state, &args->query);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "CONDITION...",
	.doc = "Waits until the screen shows something, judged by the service on every frame."
	       "\v"
	       "Conditions: change, still, motion, black, nonblack, live, offline, transition, hash, match. "
	       "TIME is a number of seconds, or as 500ms. --timeout is that of the wait (default 10).\n"
	       "Exits with 4 when the condition was not met in time.",
	.children = tool_service_child,
};

/* Print "still: frame 160 after 0.559 s, first frame 133, 17 frames seen, 0 missed". */
static void put_result(const struct tool_json *json)
{
	char path[64], word[32], number[32];
	double by = 0, ns = 0;

	tool_json_number(json, "result.decided_by", &by);
	tool_json_number(json, "result.waited_ns", &ns);
#define MEMBER(name)                                                                               \
	(snprintf(path, sizeof(path), "result.conditions.%d." name, (int)by),                      \
	 tool_json_text(json, path, number, sizeof(number)) ? number : "-")
	snprintf(word, sizeof(word), "%s", MEMBER("for"));
	printf("%s: %s after %.3f s", word, MEMBER("status"), ns / 1e9);
	printf(", frame %s", MEMBER("decided.seq"));
	printf(", first frame %s", MEMBER("first.seq"));
	printf(", %s seen", MEMBER("frames_seen"));
	printf(", %s missed\n", MEMBER("frames_missed"));
#undef MEMBER
}

/* Print the answer, or the refusal. Returns the exit code. */
static int tell(const struct wait_args *args, const struct glint_client *client, int err,
		const char *text, size_t len)
{
	struct tool_json *json = text ? tool_json_parse(text, len) : NULL;
	bool decided = json && (err == 0 || err == -ETIME);

	if (json && args->json)
		tool_json_print(text, len);
	else if (decided)
		put_result(json);
	tool_json_destroy(json);
	if (decided)
		return err == 0 ? GLINT_EXIT_OK : GLINT_EXIT_NOT_MET;
	/* A reference that does not lie within the picture is the caller's mistake, too. */
	if (err == -ENOTSUP && args->reference)
		err = -EINVAL;
	return tool_fail_refused(args->service, client, err, text, len);
}

/* Ask the service, with the reference if there is one. Returns the exit code. */
static int ask(const struct wait_args *args, struct glint_client *client, const char *query,
	       int wait_ms)
{
	uint8_t *picture = NULL;
	char *json = NULL;
	size_t size, len = 0;
	int err = 0, code;

	if (args->reference)
		err = tool_file_read(args->reference, &picture, &size);
	if (err < 0) {
		free(picture);
		return tool_fail_read(args->reference, err);
	}
	err = args->reference ?
		      glint_client_wait_match(client, query, picture, size, wait_ms, &json, &len) :
		      glint_client_wait(client, query, wait_ms, &json, &len);
	if (err == -EINVAL && !json && args->reference) {
		fprintf(stderr, "glint: '%s' is no PNG, JPEG, PPM or PGM\n", args->reference);
		code = GLINT_EXIT_USAGE;
	} else {
		code = tell(args, client, err, json, len);
	}
	free(json);
	free(picture);
	return code;
}

int tool_wait(int argc, char **argv, struct tool_service *service)
{
	struct wait_args args = { .service = service };
	struct glint_client *client;
	char *query = NULL;
	int code, wait_ms;

	tool_parse(&argp, argc, argv, &args);
	wait_ms = service->timeout_given ? service->timeout_ms : WAIT_DEFAULT_MS;
	service->timeout_ms = GLINT_CLIENT_TIMEOUT_MS; /* for the way there and back */
	client = tool_connect(service, &code);
	if (!client)
		return code;
	if (asprintf(&query, "%s=%s%s",
		     args.n == 1 ? "for" :
		     args.all	 ? "all" :
				   "any",
		     args.conditions, args.query.text) < 0) {
		glint_client_destroy(client);
		return tool_fail(service, NULL, -ENOMEM, NULL);
	}
	code = ask(&args, client, query, wait_ms);
	free(query);
	glint_client_destroy(client);
	return code;
}
