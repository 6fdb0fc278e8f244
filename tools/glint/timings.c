/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glint/client.h>
#include <glint/protocol.h>

#include "base/macros.h"
#include "json.h"
#include "tool.h"

struct timings_args {
	struct tool_service *service;
	bool json;
	const char *mode; /* to set; NULL: list */
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "Print the reply as the service sends it", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct timings_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args->service;
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->mode)
			argp_error(state, "one mode only");
		args->mode = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[MODE|follow]",
	.doc = "Lists the DV timings that the device can be set to, with those that it has and those of "
	       "the signal; or sets a mode such as 1920x1080p60, or follows the signal again."
	       "\v"
	       "Exits with 1 when MODE is none, and with 2 when the device does not have it, has no DV "
	       "timings, or is away.",
	.children = tool_service_child,
};

static const char *member(const struct tool_json *json, const char *base, const char *name,
			  char *text, size_t size)
{
	char path[96];

	snprintf(path, sizeof(path), "result.%s%s", base, name);
	if (!tool_json_text(json, path, text, size))
		*text = '\0';
	return text;
}

/* A line such as "  1920x1080p60       148.50 MHz  CEA-861 DMT  vic:16". */
static void put_line(const struct tool_json *json, const char *base, const char *mark)
{
	char name[48], clock[24], standard[24], vic[16], place[32];

	printf("%s %-20s %7.2f MHz ", mark, member(json, base, ".name", name, sizeof(name)),
	       (double)strtoull(member(json, base, ".pixelclock_hz", clock, sizeof(clock)), NULL,
				10) /
		       1e6);
	for (unsigned i = 0;; i++) {
		snprintf(place, sizeof(place), ".standards.%u", i);
		if (!*member(json, base, place, standard, sizeof(standard)))
			break;
		printf(" %s", standard);
	}
	if (*member(json, base, ".vic", vic, sizeof(vic)))
		printf("  vic:%s", vic);
	putchar('\n');
}

static void put_all(const struct tool_json *json)
{
	char name[48], present[48], reason[40], base[32];

	if (*member(json, "signal", ".name", name, sizeof(name)))
		printf("signal   %s\n", name);
	else
		printf("signal   none: %s\n",
		       member(json, "signal_reason", "", reason, sizeof(reason)));
	printf("device   %s\n", member(json, "present", ".name", present, sizeof(present)));
	printf("wanted   %s\n", member(json, "wanted", "", name, sizeof(name)));
	for (unsigned i = 0;; i++) {
		snprintf(base, sizeof(base), "timings.%u", i);
		if (!*member(json, base, ".name", name, sizeof(name)))
			return;
		put_line(json, base, strcmp(name, present) == 0 ? "*" : " ");
	}
}

static int show(const struct timings_args *args, const struct glint_client *client,
		const char *text, size_t len)
{
	struct tool_json *json = tool_json_parse(text, len);
	char got[48], holds[32];

	if (!json || !tool_json_is_set(json, GLINT_STATE_OK)) {
		tool_json_destroy(json);
		return tool_fail(args->service, client, -EPROTO, NULL);
	}
	if (args->json)
		tool_json_print(text, len);
	else if (!args->mode)
		put_all(json);
	else if (*member(json, "device.timings", ".got", got, sizeof(got)))
		printf("the device has %s\n", got);
	else if (strcmp(member(json, "holds", "", holds, sizeof(holds)), "next-stream") == 0)
		printf("holds when the device's stream starts again\n");
	else
		printf("nothing changes: this was set before\n");
	tool_json_destroy(json);
	return GLINT_EXIT_OK;
}

int tool_timings(int argc, char **argv, struct tool_service *service)
{
	struct timings_args args = { .service = service };
	struct glint_client *client;
	int err, code;
	char *text;
	size_t len;

	tool_parse(&argp, argc, argv, &args);
	client = tool_connect(service, &code);
	if (!client)
		return code;
	if (args.mode)
		err = glint_client_set(client, &(struct glint_setting){ "timings", args.mode }, 1,
				       &text, &len);
	else
		err = glint_client_timings(client, &text, &len);
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
