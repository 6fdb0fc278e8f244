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

#define SETTINGS_MAX  64
#define RANGE_COLUMN  55 /* in which the ranges begin */
#define RANGE_COLUMNS 24 /* width that they need; in a narrower terminal they get an own line */

struct set_args {
	struct tool_service *service;
	bool json;
	struct glint_setting settings[SETTINGS_MAX];
	size_t n;
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "Print the reply as the service sends it", 0 },
	{ 0 },
};

/* Split KEY=VALUE in place. KEY= sets the default. */
static void parse_setting(struct set_args *args, char *arg, struct argp_state *state)
{
	char *equals = strchr(arg, '=');

	if (!equals || equals == arg) {
		argp_error(state, "'%s' is not KEY=VALUE", arg);
		return;
	}
	if (args->n == SETTINGS_MAX) {
		argp_error(state, "at most %d settings at once", SETTINGS_MAX);
		return;
	}
	*equals = '\0';
	args->settings[args->n++] = (struct glint_setting){ arg, equals[1] ? equals + 1 : NULL };
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct set_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args->service;
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		parse_setting(args, arg, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[KEY=VALUE...]",
	.doc = "Changes settings of the service while it runs: all of them, or none. Keys are long "
	       "options of glintd, and KEY= is the default. Without settings: lists them all."
	       "\v"
	       "Exits with 1 when there is no such setting or it does not take the value, and with "
	       "2 when it cannot be changed while the service runs or the device refuses.",
	.children = tool_service_child,
};

/* Print a line such as "quality   80   now   1 to 100". */
static void put_setting(void *ctx, const char *name)
{
	char path[128], value[256], range[512], holds[32];
	unsigned columns = tool_columns(stdout), indent = RANGE_COLUMN;
	const struct tool_json *json = ctx;
	int printed;

	snprintf(path, sizeof(path), "result.settings.%.64s.value", name);
	if (!tool_json_text(json, path, value, sizeof(value)))
		strcpy(value, "-");
	snprintf(path, sizeof(path), "result.settings.%.64s.range", name);
	if (!tool_json_text(json, path, range, sizeof(range)))
		*range = '\0';
	snprintf(path, sizeof(path), "result.settings.%.64s.holds", name);
	if (!tool_json_text(json, path, holds, sizeof(holds)))
		*holds = '\0';
	printed = printf("%-24s %-16s %s", name, value, holds);
	if (*range) {
		if (columns > 0 && columns < RANGE_COLUMN + RANGE_COLUMNS)
			indent = 4;
		if (columns > 0 && printed >= (int)indent)
			printf("\n%*s", (int)indent, "");
		else
			printf("%*s", MAX((int)indent - printed, 1), "");
		tool_text_wrap(stdout, range, columns, indent);
	}
	putchar('\n');
}

/* Say what the device has made of a setting, unless that is what was asked for. */
static void put_made(void *ctx, const char *name)
{
	char path[128], asked[64], got[80];
	const struct tool_json *json = ctx;

	snprintf(path, sizeof(path), "result.device.%.64s.as_asked", name);
	if (tool_json_is_set(json, path))
		return;
	snprintf(path, sizeof(path), "result.device.%.64s.asked", name);
	if (!tool_json_text(json, path, asked, sizeof(asked)))
		strcpy(asked, "the default");
	snprintf(path, sizeof(path), "result.device.%.64s.got", name);
	if (tool_json_text(json, path, got, sizeof(got)))
		printf("%s: asked for %s, the device has %s\n", name, asked, got);
}

static int show(const struct set_args *args, const struct glint_client *client, const char *text,
		size_t len)
{
	struct tool_json *json = tool_json_parse(text, len);
	char holds[32];

	if (!json || !tool_json_is_set(json, GLINT_STATE_OK)) {
		tool_json_destroy(json);
		return tool_fail(args->service, client, -EPROTO, NULL);
	}
	if (args->json)
		tool_json_print(text, len);
	else if (args->n == 0)
		tool_json_each(json, "result.settings", put_setting, json);
	else if (tool_json_text(json, "result.holds", holds, sizeof(holds)) &&
		 strcmp(holds, "next-stream") == 0)
		printf("holds when the device's stream starts again\n");
	if (!args->json && args->n > 0)
		tool_json_each(json, "result.device", put_made, json);
	tool_json_destroy(json);
	return GLINT_EXIT_OK;
}

int tool_set(int argc, char **argv, struct tool_service *service)
{
	struct set_args args = { .service = service };
	struct glint_client *client;
	int err, code;
	char *text;
	size_t len;

	tool_parse(&argp, argc, argv, &args);
	client = tool_connect(service, &code);
	if (!client)
		return code;
	if (args.n == 0)
		err = glint_client_config(client, &text, &len);
	else
		err = glint_client_set(client, args.settings, args.n, &text, &len);
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
