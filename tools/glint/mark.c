/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glint/client.h>
#include <glint/protocol.h>

#include "json.h"
#include "tool.h"

#define KEEP_MAX_S 3600

struct mark_args {
	struct tool_service *service;
	const char *id; /* NULL: the service chooses */
	int keep_ms;	/* 0: as the service does */
	bool json, list, remove;
};

enum { KEY_KEEP = 0x100, KEY_REMOVE };

static const struct argp_option options[] = {
	{ "keep", KEY_KEEP, "SECONDS", 0, "How long the service keeps the mark (default 600)", 0 },
	{ "list", 'l', NULL, 0, "List the marks instead", 0 },
	{ "remove", KEY_REMOVE, NULL, 0, "Remove the mark instead", 0 },
	{ "json", 'j', NULL, 0, "Print the reply as the service sends it", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct mark_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args->service;
		return 0;
	case KEY_KEEP:
		args->keep_ms = tool_seconds(state, "keep", arg, 0.001, KEEP_MAX_S);
		return 0;
	case KEY_REMOVE:
		args->remove = true;
		return 0;
	case 'l':
		args->list = true;
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->id)
			argp_error(state, "one name, not '%s' as well", arg);
		args->id = arg;
		return 0;
	case ARGP_KEY_END:
		if (args->remove && !args->id)
			argp_error(state, "which mark is to be removed?");
		if (args->list && (args->remove || args->id))
			argp_error(state, "--list stands alone");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[NAME]",
	.doc = "Names the present moment, and keeps the frame of that moment in the service: take a "
	       "mark, press the key, and ask for what has changed since. Prints the name."
	       "\v"
	       "A name has 1 to 63 letters, digits and -._ ; without one the service chooses. A mark "
	       "of the same name is replaced. Without live video the mark has no frame.",
	.children = tool_service_child,
};

/* Print "before-reset  frame 1041" of the mark at @path. */
static void put_mark(const struct tool_json *json, const char *path)
{
	char member[160], id[GLINT_MARK_NAME_MAX + 1], seq[24], reason[64];

	snprintf(member, sizeof(member), "%s.id", path);
	if (!tool_json_text(json, member, id, sizeof(id)))
		strcpy(id, "-");
	snprintf(member, sizeof(member), "%s.frame.seq", path);
	if (tool_json_text(json, member, seq, sizeof(seq)))
		printf("%s\tframe %s", id, seq);
	else
		printf("%s\tno frame", id);
	snprintf(member, sizeof(member), "%s.reason", path);
	if (tool_json_text(json, member, reason, sizeof(reason)) && *reason)
		printf("\t(%s)", reason);
	putchar('\n');
}

static void put_marks(const struct tool_json *json)
{
	char path[48];

	for (unsigned i = 0;; i++) {
		snprintf(path, sizeof(path), "result.marks.%u", i);
		if (!tool_json_is_set(json, path))
			return;
		put_mark(json, path);
	}
}

static int show(const struct mark_args *args, const struct glint_client *client, const char *text,
		size_t len)
{
	struct tool_json *json = tool_json_parse(text, len);
	char id[GLINT_MARK_NAME_MAX + 1], reason[64];

	if (!json || !tool_json_is_set(json, GLINT_STATE_OK)) {
		tool_json_destroy(json);
		return tool_fail(args->service, client, -EPROTO, NULL);
	}
	if (args->json)
		tool_json_print(text, len);
	else if (args->list)
		put_marks(json);
	else if (tool_json_text(json, "result.id", id, sizeof(id)))
		puts(id);
	if (!args->list && !tool_json_is_set(json, "result.reference") &&
	    tool_json_text(json, "result.reason", reason, sizeof(reason)))
		fprintf(stderr, "glint: %s: the mark has no reference: %s\n",
			glint_client_address(client), reason);
	tool_json_destroy(json);
	return GLINT_EXIT_OK;
}

static int remove_mark(const struct mark_args *args, struct glint_client *client)
{
	int err = glint_client_unmark(client, args->id);

	if (err == 0)
		return GLINT_EXIT_OK;
	if (err != -ENOENT && err != -EINVAL)
		return tool_fail(args->service, client, err, NULL);
	fprintf(stderr, "glint: %s: there is no mark '%s'\n", glint_client_address(client),
		args->id);
	return GLINT_EXIT_USAGE;
}

static int make_or_list(const struct mark_args *args, struct glint_client *client)
{
	char *text;
	size_t len;
	int err, code;

	if (args->list)
		err = glint_client_marks(client, &text, &len);
	else
		err = glint_client_mark(client, args->id, args->keep_ms, &text, &len);
	if (err == -EINVAL && args->id) {
		fprintf(stderr,
			"glint: '%s' is no name of a mark: 1 to 63 letters, digits and -._\n",
			args->id);
		code = GLINT_EXIT_USAGE;
	} else {
		code = err < 0 ? tool_fail(args->service, client, err, NULL) :
				 show(args, client, text, len);
	}
	free(text);
	return code;
}

int tool_mark(int argc, char **argv, struct tool_service *service)
{
	struct mark_args args = { .service = service };
	struct glint_client *client;
	int code;

	tool_parse(&argp, argc, argv, &args);
	client = tool_connect(service, &code);
	if (!client)
		return code;
	code = args.remove ? remove_mark(&args, client) : make_or_list(&args, client);
	glint_client_destroy(client);
	return code;
}
