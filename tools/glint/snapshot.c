/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glint/client.h>
#include <glint/protocol.h>

#include "file.h"
#include "json.h"
#include "tool.h"

struct snapshot_args {
	struct tool_service *service;
	const char *output;
	uint64_t after_ns;
	bool any, json;
};

enum { KEY_STRICT = 0x100, KEY_AFTER };

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0, "Where the JPEG goes; - is stdout", 0 },
	{ "after", KEY_AFTER, "NS", 0,
	  "Of a frame whose exposure began at NS of CLOCK_MONOTONIC or later; now: after the call",
	  0 },
	{ "any", 'a', NULL, 0, "Without live video, write the picture that says so", 0 },
	{ "strict", KEY_STRICT, NULL, 0, "Without live video, write nothing (the default)", 0 },
	{ "json", 'j', NULL, 0, "Tell on stdout which frame it is, as a line of JSON", 0 },
	{ 0 },
};

static void parse_after(struct argp_state *state, struct snapshot_args *args, const char *text)
{
	if (strcmp(text, "now") == 0)
		args->after_ns = GLINT_AFTER_NOW;
	else if (!tool_number(text, &args->after_ns) || args->after_ns == GLINT_AFTER_NOW)
		argp_error(state, "--after takes now, or a time in ns, not '%s'", text);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct snapshot_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args->service;
		return 0;
	case 'o':
		args->output = arg;
		return 0;
	case KEY_AFTER:
		parse_after(state, args, arg);
		return 0;
	case 'a':
	case KEY_STRICT:
		args->any = key == 'a';
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "what is '%s'? A file is named with --output", arg);
		return 0;
	case ARGP_KEY_END:
		if (!args->output)
			argp_error(state, "where to? --output FILE, or - for stdout");
		else if (args->json && strcmp(args->output, "-") == 0)
			argp_error(state, "--json and the picture cannot both go to stdout");
		else if (strcmp(args->output, "-") == 0 && isatty(STDOUT_FILENO))
			argp_error(state, "stdout is a terminal, which cannot show a JPEG");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Writes one picture: the newest frame that arrived after the call."
	       "\v"
	       "The file appears when it is complete, in place of an old one. Without live video the "
	       "exit status is 3 in any case, and there is a file only with --any.",
	.children = tool_service_child,
};

/* Members that the service did not tell are left out. */
static void print_json(const struct glint_image *image)
{
	printf("{\"online\": %s", image->online ? "true" : "false");
	if (*image->reason) {
		printf(", \"reason\": ");
		tool_json_put_string(stdout, image->reason);
	}
	if (image->known & GLINT_IMAGE_SEQUENCE)
		printf(", \"sequence\": %" PRIu64, image->sequence);
	if (image->known & GLINT_IMAGE_TIMESTAMP)
		printf(", \"timestamp_ns\": %" PRIu64, image->timestamp_ns);
	if (image->known & GLINT_IMAGE_EXPOSURE)
		printf(", \"exposure_ns\": %" PRIu64, image->exposure_ns);
	if (*image->clock) {
		printf(", \"clock\": ");
		tool_json_put_string(stdout, image->clock);
	}
	if (image->known & GLINT_IMAGE_AGE)
		printf(", \"age_ns\": %" PRIu64, image->age_ns);
	if (image->known & GLINT_IMAGE_SIZE)
		printf(", \"width\": %" PRIu32 ", \"height\": %" PRIu32, image->width,
		       image->height);
	printf(", \"bytes\": %zu}\n", image->size);
}

static int take(const struct snapshot_args *args, struct glint_client *client,
		struct glint_image *image)
{
	struct glint_snapshot_options how = { .any = args->any, .after_ns = args->after_ns };
	int err = glint_client_snapshot(client, &how, image);

	if (err == -EINVAL && args->after_ns != 0) {
		fprintf(stderr, "glint: %s: --after is more than 10 s ahead of its clock\n",
			glint_client_address(client));
		return GLINT_EXIT_USAGE;
	}
	if (err < 0)
		return tool_fail(args->service, client, err, image->reason);
	err = tool_file_write(args->output, image->data, image->size);
	if (err < 0)
		return tool_fail_file(args->output, err);
	if (args->json)
		print_json(image);
	if (!image->online)
		return tool_fail(args->service, client, -ENODATA, image->reason);
	return GLINT_EXIT_OK;
}

int tool_snapshot(int argc, char **argv, struct tool_service *service)
{
	struct snapshot_args args = { .service = service };
	struct glint_image image = { 0 };
	struct glint_client *client;
	int code;

	tool_parse(&argp, argc, argv, &args);
	client = tool_connect(service, &code);
	if (!client)
		return code;
	code = take(&args, client, &image);
	glint_image_fini(&image);
	glint_client_destroy(client);
	return code;
}
