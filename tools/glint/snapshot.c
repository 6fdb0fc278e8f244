/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <glint/client.h>
#include <glint/protocol.h>

#include "file.h"
#include "json.h"
#include "tool.h"

struct snapshot_args {
	struct tool_service *service;
	const char *output;
	const char *receipt;
	struct glint_snapshot_options how;
	bool json;
};

enum {
	KEY_STRICT = 0x100,
	KEY_AFTER,
	KEY_GUARANTEE,
	KEY_WAIT,
	KEY_SINCE,
	KEY_STREAM,
	KEY_RECEIPT,
	KEY_FORMAT,
	KEY_CROP,
	KEY_SCALE,
};

#define WAIT_MAX_S 60

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0, "Where the picture goes; - is stdout", 0 },
	{ "after", KEY_AFTER, "MOMENT", 0,
	  "Of a frame whose exposure began then or later: now, last (frame), seq:N, mark:ID, or a "
	  "time in ns of CLOCK_MONOTONIC",
	  0 },
	{ "guarantee", KEY_GUARANTEE, "WORD", 0,
	  "What is after the moment: exposed (the default), or complete", 0 },
	{ "wait", KEY_WAIT, "SECONDS", 0,
	  "How long the service waits for it, also without video; then the exit status is 4, or 3",
	  0 },
	{ "since", KEY_SINCE, "SEQ", 0, "Count what lies between that frame and this one", 0 },
	{ "stream", KEY_STREAM, "NUMBER", 0, "The stream of SEQ, from its receipt", 0 },
	{ "receipt", KEY_RECEIPT, "FILE", 0,
	  "Where a line of JSON goes that says which frame it is; - is stdout", 0 },
	{ "format", KEY_FORMAT, "NAME", 0,
	  "jpeg, png, ppm, pgm, raw or y4m; by default as the name of the file ends, or jpeg", 0 },
	{ "crop", KEY_CROP, "WxH+X+Y", 0, "Only this part of the picture", 0 },
	{ "scale", KEY_SCALE, "1/N", 0, "Reduced to 1/2, 1/4 or 1/8", 0 },
	{ "any", 'a', NULL, 0, "Without live video, write the picture that says so", 0 },
	{ "strict", KEY_STRICT, NULL, 0, "Without live video, write nothing (the default)", 0 },
	{ "json", 'j', NULL, 0, "Tell on stdout which frame it is, as a line of JSON", 0 },
	{ 0 },
};

static bool is_number_below(const char *text, uint64_t most)
{
	uint64_t number;

	return tool_number(text, &number) && number <= most;
}

static bool is_mark_name(const char *text)
{
	size_t len = strlen(text);

	return len >= 1 && len <= GLINT_MARK_NAME_MAX &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			    "0123456789-._") == len;
}

static void parse_after(struct argp_state *state, struct snapshot_args *args, const char *text)
{
	bool named = strcmp(text, "now") == 0 || strcmp(text, "last") == 0 ||
		     (strncmp(text, "seq:", 4) == 0 && is_number_below(text + 4, UINT32_MAX)) ||
		     (strncmp(text, "mark:", 5) == 0 && is_mark_name(text + 5));

	if (!named && !is_number_below(text, UINT64_MAX - 1))
		argp_error(state,
			   "--after takes now, last, seq:N, mark:ID, or a time in ns, not '%s'",
			   text);
	args->how.after = text;
}

static void parse_guarantee(struct argp_state *state, struct snapshot_args *args, const char *text)
{
	if (strcmp(text, "exposed") != 0 && strcmp(text, "complete") != 0)
		argp_error(state, "--guarantee takes exposed or complete, not '%s'", text);
	args->how.guarantee = text;
}

static void parse_since(struct argp_state *state, struct snapshot_args *args, const char *text)
{
	uint64_t number;

	if (!tool_number(text, &number) || number > UINT32_MAX)
		argp_error(state, "--since takes the number of a frame, not '%s'", text);
	args->how.asks_since = true;
	args->how.since = (uint32_t)number;
}

static void parse_stream(struct argp_state *state, struct snapshot_args *args, const char *text)
{
	if (!tool_number(text, &args->how.stream) || args->how.stream == 0 ||
	    args->how.stream > (UINT64_C(1) << 53) - 1)
		argp_error(state, "--stream takes the number of a stream, not '%s'", text);
}

/* At most one of them goes to the standard output. */
static void check_outputs(struct argp_state *state, const struct snapshot_args *args)
{
	bool receipt = args->receipt && strcmp(args->receipt, "-") == 0;

	if (!args->output)
		argp_error(state, "where to? --output FILE, or - for stdout");
	else if ((args->json || receipt) && strcmp(args->output, "-") == 0)
		argp_error(state, "--json and the picture cannot both go to stdout");
	else if (strcmp(args->output, "-") == 0 && isatty(STDOUT_FILENO))
		argp_error(state, "stdout is a terminal, which cannot show a picture");
}

static const char *const formats[] = { "jpeg", "png", "ppm", "pgm", "raw", "y4m" };

/* NULL: there is no such format. */
static const char *format_of(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcasecmp(name, formats[i]) == 0)
			return formats[i];
	return NULL;
}

static void parse_scale(struct argp_state *state, struct snapshot_args *args, const char *text)
{
	if (strcmp(text, "1") == 0)
		args->how.scale = 1;
	else if (strlen(text) == 3 && strncmp(text, "1/", 2) == 0 && strchr("248", text[2]))
		args->how.scale = (unsigned)(text[2] - '0');
	else
		argp_error(state, "--scale takes 1, 1/2, 1/4 or 1/8, not '%s'", text);
}

/* The name of the file says the format, unless an option does. */
static void choose_format(struct snapshot_args *args)
{
	const char *dot = args->output ? strrchr(args->output, '.') : NULL;

	if (!args->how.format && dot && !strchr(dot, '/'))
		args->how.format = format_of(dot + 1);
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
	case KEY_FORMAT:
		args->how.format = format_of(arg);
		if (!args->how.format)
			argp_error(state,
				   "--format takes jpeg, png, ppm, pgm, raw or y4m, not '%s'", arg);
		return 0;
	case KEY_CROP:
		if (!tool_region(arg, &args->how.crop_width, &args->how.crop_height,
				 &args->how.crop_x, &args->how.crop_y))
			argp_error(state, "--crop takes WxH+X+Y in pixels, not '%s'", arg);
		return 0;
	case KEY_SCALE:
		parse_scale(state, args, arg);
		return 0;
	case KEY_GUARANTEE:
		parse_guarantee(state, args, arg);
		return 0;
	case KEY_WAIT:
		args->how.wait_ms = tool_seconds(state, "wait", arg, 0.001, WAIT_MAX_S);
		return 0;
	case KEY_SINCE:
		parse_since(state, args, arg);
		return 0;
	case KEY_STREAM:
		parse_stream(state, args, arg);
		return 0;
	case KEY_RECEIPT:
		args->receipt = arg;
		return 0;
	case 'a':
	case KEY_STRICT:
		args->how.any = key == 'a';
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "what is '%s'? A file is named with --output", arg);
		return 0;
	case ARGP_KEY_END:
		check_outputs(state, args);
		choose_format(args);
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
	       "exit status is 3 in any case, and there is a file only with --any. It is 4 when the "
	       "source is live, but no such frame comes in time.",
	.children = tool_service_child,
};

/* Leave out members that the service did not send. */
static void put_number(FILE *out, const struct glint_image *image, unsigned known, const char *name,
		       uint64_t value)
{
	if (image->known & known)
		fprintf(out, ", \"%s\": %" PRIu64, name, value);
}

static void put_text(FILE *out, const char *name, const char *text)
{
	if (!*text)
		return;
	fprintf(out, ", \"%s\": ", name);
	tool_json_put_string(out, text);
}

static void put_json(FILE *out, const struct glint_image *image)
{
	fprintf(out, "{\"online\": %s", image->online ? "true" : "false");
	put_text(out, "reason", image->reason);
	put_number(out, image, GLINT_IMAGE_SEQUENCE, "sequence", image->sequence);
	put_number(out, image, GLINT_IMAGE_STREAM, "stream", image->stream);
	put_number(out, image, GLINT_IMAGE_SERIAL, "serial", image->serial);
	put_number(out, image, GLINT_IMAGE_TIMESTAMP, "timestamp_ns", image->timestamp_ns);
	put_number(out, image, GLINT_IMAGE_EXPOSURE, "exposure_ns", image->exposure_ns);
	put_text(out, "clock", image->clock);
	put_number(out, image, GLINT_IMAGE_COMPLETE, "complete_ns", image->complete_ns);
	put_number(out, image, GLINT_IMAGE_ERROR, "error_ns", image->error_ns);
	put_number(out, image, GLINT_IMAGE_SENT, "sent_ns", image->sent_ns);
	put_number(out, image, GLINT_IMAGE_REALTIME, "realtime_ns", image->realtime_ns);
	put_number(out, image, GLINT_IMAGE_REALTIME_ERROR, "realtime_error_ns",
		   image->realtime_error_ns);
	put_text(out, "guarantee", image->guarantee);
	put_number(out, image, GLINT_IMAGE_DROPPED, "since_dropped", image->since_dropped);
	put_number(out, image, GLINT_IMAGE_CORRUPT, "since_corrupt", image->since_corrupt);
	put_number(out, image, GLINT_IMAGE_SKIPPED, "since_skipped", image->since_skipped);
	put_number(out, image, GLINT_IMAGE_AGE, "age_ns", image->age_ns);
	put_number(out, image, GLINT_IMAGE_SIZE, "width", image->width);
	put_number(out, image, GLINT_IMAGE_SIZE, "height", image->height);
	fprintf(out, ", \"bytes\": %zu}\n", image->size);
}

static int write_receipt(const char *path, const struct glint_image *image)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int err = -ENOMEM;

	if (!out)
		return err;
	put_json(out, image);
	if (fclose(out) == 0)
		err = tool_file_write(path, (const unsigned char *)text, size);
	free(text);
	return err;
}

/* Refusals of what the options ask for, by the service's reason. */
static const struct {
	const char *reason, *text;
	int code;
} refusals[] = {
	{ "bad-after", "--after is more than 10 s ahead of the service's clock", GLINT_EXIT_USAGE },
	{ "unknown-mark", "there is no mark of the name in --after, or not any more",
	  GLINT_EXIT_USAGE },
	{ "bad-crop", "--crop is not within the picture", GLINT_EXIT_USAGE },
	{ "outside-picture", "--crop is not within the picture", GLINT_EXIT_USAGE },
	{ "whole-only", "raw and y4m are whole frames, without --crop and --scale",
	  GLINT_EXIT_USAGE },
	{ "no-such-pixels", "the device's frames cannot be had in this --format",
	  GLINT_EXIT_UNREACHABLE },
	{ "not-built", "this glintd was built without this --format", GLINT_EXIT_UNREACHABLE },
};

/* Print what a refusal means. Returns the exit code. */
static int fail(const struct snapshot_args *args, const struct glint_client *client, int err,
		const struct glint_image *image)
{
	const char *where = glint_client_address(client);

	/* Without --wait the service names its own timeout "no-picture". */
	if (err == -ETIME || strcmp(image->reason, "no-picture") == 0) {
		fprintf(stderr, "glint: %s: the source is live, but no such frame came in time\n",
			where);
		return GLINT_EXIT_NOT_MET;
	}
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (strcmp(image->reason, refusals[i].reason) == 0) {
			fprintf(stderr, "glint: %s: %s\n", where, refusals[i].text);
			return refusals[i].code;
		}
	return tool_fail(args->service, client, err, image->reason);
}

static int take(const struct snapshot_args *args, struct glint_client *client,
		struct glint_image *image)
{
	int err = glint_client_snapshot(client, &args->how, image);

	if (err < 0)
		return fail(args, client, err, image);
	err = tool_file_write(args->output, image->data, image->size);
	if (err < 0)
		return tool_fail_file(args->output, err);
	err = args->receipt ? write_receipt(args->receipt, image) : 0;
	if (err < 0)
		return tool_fail_file(args->receipt, err);
	if (args->json)
		put_json(stdout, image);
	if (!image->online)
		return fail(args, client, -ENODATA, image);
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
