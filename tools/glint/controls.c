/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glint/client.h>
#include <glint/protocol.h>

#include "base/macros.h"
#include "json.h"
#include "text.h"
#include "tool.h"

#define CHANGES_MAX 64

struct controls_args {
	struct tool_service *service;
	bool json;
	struct glint_setting changes[CHANGES_MAX];
	size_t n;
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "Print the reply as the service sends it", 0 },
	{ 0 },
};

/* Split NAME=VALUE in place. NAME= sets the default. */
static void parse_change(struct controls_args *args, char *arg, struct argp_state *state)
{
	char *equals = strchr(arg, '=');

	if (!equals || equals == arg)
		argp_error(state, "'%s' is not NAME=VALUE", arg);
	else if (args->n == CHANGES_MAX)
		argp_error(state, "at most %d controls at once", CHANGES_MAX);
	if (!equals || equals == arg || args->n == CHANGES_MAX)
		return;
	*equals = '\0';
	args->changes[args->n++] = (struct glint_setting){ arg, equals[1] ? equals + 1 : NULL };
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct controls_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args->service;
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		parse_change(args, arg, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[NAME=VALUE...]",
	.doc = "Shows the controls of the capture device, or changes some of them: all, or none. A "
	       "value is a number, true or false, a text, or an item of a menu by its number or name; "
	       "NAME= is the default. The service sets the values again whenever the device comes "
	       "back."
	       "\v"
	       "Exits with 1 when there is no such control or it does not take the value, and with 2 "
	       "when the device refuses or is away.",
	.children = tool_service_child,
};

/* The member @name of the control at place @i; "" if it is missing. */
static const char *member(const struct tool_json *json, unsigned i, const char *name, char *text,
			  size_t size)
{
	char path[96];

	snprintf(path, sizeof(path), "result.controls.%u.%s", i, name);
	if (!tool_json_text(json, path, text, size))
		*text = '\0';
	return text;
}

static void put_items(const struct tool_json *json, unsigned i, const char *value)
{
	char path[32], index[24], name[64];

	for (unsigned item = 0;; item++) {
		snprintf(path, sizeof(path), "items.%u.index", item);
		if (!*member(json, i, path, index, sizeof(index)))
			return;
		snprintf(path, sizeof(path), "items.%u.name", item);
		if (!*member(json, i, path, name, sizeof(name))) {
			snprintf(path, sizeof(path), "items.%u.value", item);
			member(json, i, path, name, sizeof(name));
		}
		printf("%32s%s %s  %s\n", "", strcmp(index, value) == 0 ? "*" : " ", index, name);
	}
}

/* A line such as "brightness   128   default 128   0 to 255   slider". */
static void put_control(const struct tool_json *json, unsigned i)
{
	char name[80], value[160], fallback[32], low[32], high[32], step[32], type[32], flags[200];

	member(json, i, "value", value, sizeof(value));
	member(json, i, "type", type, sizeof(type));
	printf("%-31s %-10s", member(json, i, "name", name, sizeof(name)), *value ? value : "-");
	if (*member(json, i, "default", fallback, sizeof(fallback)))
		printf("  default %s", fallback);
	member(json, i, "minimum", low, sizeof(low));
	member(json, i, "maximum", high, sizeof(high));
	if (strcmp(type, "integer") == 0 || strcmp(type, "integer64") == 0)
		printf("  %s to %s", low, high);
	else if (strcmp(type, "string") == 0)
		printf("  text of %s to %s bytes", low, high);
	else
		printf("  %s", type);
	if (strtoull(member(json, i, "step", step, sizeof(step)), NULL, 10) > 1)
		printf(" in steps of %s", step);
	if (*member(json, i, "flags", flags, sizeof(flags)))
		printf("  %s", flags);
	putchar('\n');
	put_items(json, i, value);
}

static void put_all(const struct tool_json *json)
{
	char name[80], group[64], before[64] = "";

	for (unsigned i = 0; *member(json, i, "name", name, sizeof(name)); i++) {
		member(json, i, "group", group, sizeof(group));
		if (strcmp(group, before) != 0)
			printf("%s%s\n", i > 0 ? "\n" : "", group);
		memcpy(before, group, sizeof(before));
		put_control(json, i);
	}
	if (!*before && !*member(json, 0, "name", name, sizeof(name)))
		printf("the device has no controls\n");
}

/* The device may have made another value of it, as in an automatic mode. */
static void put_changed(void *ctx, const char *name)
{
	const struct tool_json *json = ctx;
	char path[128], value[160];

	snprintf(path, sizeof(path), "result.controls.%.64s.value", name);
	if (!tool_json_text(json, path, value, sizeof(value)))
		strcpy(value, "-");
	printf("%-31s %s", name, value);
	snprintf(path, sizeof(path), "result.controls.%.64s.taken", name);
	if (!tool_json_is_set(json, path)) {
		snprintf(path, sizeof(path), "result.controls.%.64s.asked", name);
		if (tool_json_text(json, path, value, sizeof(value)))
			printf("  instead of %s: another control may have the device in an "
			       "automatic mode",
			       value);
	}
	putchar('\n');
}

static int show(const struct controls_args *args, const struct glint_client *client,
		const char *text, size_t len)
{
	struct tool_json *json = tool_json_parse(text, len);

	if (!json || !tool_json_is_set(json, GLINT_STATE_OK)) {
		tool_json_destroy(json);
		return tool_fail(args->service, client, -EPROTO, NULL);
	}
	if (args->json)
		tool_json_print(text, len);
	else if (args->n == 0)
		put_all(json);
	else
		tool_json_each(json, "result.controls", put_changed, json);
	tool_json_destroy(json);
	return GLINT_EXIT_OK;
}

int tool_controls(int argc, char **argv, struct tool_service *service)
{
	struct controls_args args = { .service = service };
	struct glint_client *client;
	int err, code;
	char *text;
	size_t len;

	tool_parse(&argp, argc, argv, &args);
	client = tool_connect(service, &code);
	if (!client)
		return code;
	if (args.n == 0)
		err = glint_client_controls(client, &text, &len);
	else
		err = glint_client_set_controls(client, args.changes, args.n, &text, &len);
	if (err == 0)
		code = show(&args, client, text, len);
	else
		code = tool_fail_refused(service, client, err, text, len);
	if (err < 0 && text && args.json)
		tool_json_print(text, len);
	free(text);
	glint_client_destroy(client);
	return code;
}
