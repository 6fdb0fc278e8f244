/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <glint/client.h>
#include <glint/protocol.h>

#include "file.h"
#include "json.h"
#include "text.h"
#include "tool.h"
#include "v4l2/edid.h"
#include "v4l2/edid_set.h"

struct edid_args {
	struct tool_service *service;
	const char *verb, *what;
	const char *output; /* a file for the bytes; NULL: none */
	bool json;
};

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0, "get and decode: write the bytes to a file; - is stdout", 0 },
	{ "json", 'j', NULL, 0, "get and set: print the reply as the service sends it", 0 },
	{ 0 },
};

static bool is_verb(const struct edid_args *args, const char *verb)
{
	return args->verb && strcmp(args->verb, verb) == 0;
}

static void check_words(const struct edid_args *args, struct argp_state *state)
{
	bool get = is_verb(args, "get"), set = is_verb(args, "set");

	if (!args->verb)
		argp_error(state, "get, set or decode?");
	else if (!get && !set && !is_verb(args, "decode"))
		argp_error(state, "'%s' is none of get, set and decode", args->verb);
	else if (get && args->what)
		argp_error(state, "get takes no '%s'", args->what);
	else if (!get && !args->what)
		argp_error(state, "%s which one? A file, or the name of a built-in EDID",
			   args->verb);
	else if (set && args->output)
		argp_error(state, "set has no --output");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct edid_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args->service;
		return 0;
	case 'o':
		args->output = arg;
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->what)
			argp_error(state, "one file or name, not '%s' as well", arg);
		*(args->verb ? &args->what : &args->verb) = arg;
		return 0;
	case ARGP_KEY_END:
		check_words(args, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "get\nset FILE|NAME\ndecode FILE|NAME",
	.doc = "The EDID that the capture device shows to its source, and by which the source chooses "
	       "its mode. get says what it says, set writes another one, decode says what a file or a "
	       "built-in one says, without a service."
	       "\v"
	       "NAME is 1080p60, 720p60, 4k30, 4k60-420, 1080p120 or 1440p60, each also with -audio; "
	       "none removes the EDID, so that the source sees no display. FILE is binary, as in "
	       "/sys/class/drm/*/edid. The physical address (CEC) of the EDID before is kept. A "
	       "device that is replugged gets the EDID again.",
	.children = tool_service_child,
};

/* --- Words ----------------------------------------------------------------------------- */

static void put_modes(const struct glint_edid_facts *facts)
{
	static const char *const chromas[] = {
		[GLINT_EDID_ANY_CHROMA] = "",
		[GLINT_EDID_ALSO_420] = ", also as 4:2:0",
		[GLINT_EDID_ONLY_420] = ", as 4:2:0 only",
	};

	for (unsigned i = 0; i < facts->n_modes; i++) {
		const struct glint_edid_mode *mode = &facts->modes[i];
		char text[GLINT_EDID_MODE_TEXT];

		printf("%s%s%s%s\n", i == 0 ? "modes       " : "            ",
		       glint_edid_mode_text(mode, text), chromas[mode->chroma],
		       mode->preferred ? ", preferred" : "");
	}
}

static void put_audio(const struct glint_edid_facts *facts)
{
	if (facts->n_audios == 0)
		printf("audio       %s\n", facts->basic_audio ? "basic" : "none");
	for (unsigned i = 0; i < facts->n_audios; i++) {
		const struct glint_edid_audio *audio = &facts->audios[i];

		printf("%s%s, up to %u channels", i == 0 ? "audio       " : "            ",
		       glint_edid_audio_name(audio->format), audio->channels);
		for (unsigned nth = 0; glint_edid_audio_rate(audio, nth) > 0; nth++)
			printf(", %g", glint_edid_audio_rate(audio, nth) / 1000.0);
		fputs(" kHz", stdout);
		for (unsigned nth = 0; glint_edid_audio_bits(audio, nth) > 0; nth++)
			printf(", %u", glint_edid_audio_bits(audio, nth));
		puts(audio->bits ? " bit" : "");
	}
}

static void put_words(const uint8_t *edid, size_t size)
{
	struct glint_edid_facts facts;
	char why[GLINT_EDID_WHY_MAX], address[GLINT_EDID_ADDRESS_TEXT];
	bool valid = glint_edid_check(edid, size, why) == 0;

	if (!glint_edid_has_header(edid, size)) {
		printf("fault       it %s\n", why);
		return;
	}
	glint_edid_decode(edid, size, &facts);
	printf("display     %s%s%s %04x", facts.name, *facts.name ? ", " : "", facts.maker,
	       facts.product);
	if (*facts.serial_text)
		printf(", serial %s", facts.serial_text);
	else if (facts.serial)
		printf(", serial %u", facts.serial);
	printf(", %u\n", facts.year);
	printf("standard    EDID %u.%u, %u blocks%s\n", facts.version, facts.revision, facts.blocks,
	       valid ? ", check sums right" : "");
	if (!valid)
		printf("fault       the EDID %s\n", why);
	if (facts.width_cm > 0)
		printf("picture     %u x %u cm\n", facts.width_cm, facts.height_cm);
	put_modes(&facts);
	put_audio(&facts);
	if (!facts.hdmi) {
		printf("connection  %s\n", facts.digital ? "digital, no HDMI" : "analogue");
		return;
	}
	fputs("connection  HDMI", stdout);
	if (facts.max_tmds_mhz > 0)
		printf(", up to %u MHz", facts.max_hdmi2_mhz > facts.max_tmds_mhz ?
						 facts.max_hdmi2_mhz :
						 facts.max_tmds_mhz);
	printf("; RGB%s%s\n", facts.ycbcr444 ? ", YCbCr 4:4:4" : "",
	       facts.ycbcr422 ? ", YCbCr 4:2:2" : "");
	printf("CEC         physical address %s\n",
	       facts.address == GLINT_EDID_NO_ADDRESS ?
		       "none" :
		       glint_edid_address_text(facts.address, address));
}

static int put(const struct edid_args *args, const uint8_t *edid, size_t size)
{
	int err = args->output ? tool_file_write(args->output, edid, size) : 0;

	if (err < 0)
		return tool_fail_file(args->output, err);
	if (!args->output)
		put_words(edid, size);
	return GLINT_EXIT_OK;
}

/* --- Files ----------------------------------------------------------------------------- */

/* *@edid is the caller's to free(), also after a failure. 0, or an exit code. */
static int load(const char *what, uint8_t **edid, size_t *size)
{
	int err;

	*edid = malloc(GLINT_EDID_SET_SIZE);
	*size = GLINT_EDID_SET_SIZE;
	if (*edid && glint_edid_set_build(what, *edid) == 0)
		return 0;
	free(*edid);
	err = tool_file_read(what, edid, size);
	return err < 0 ? tool_fail_read(what, err) : 0;
}

static int decode(const struct edid_args *args)
{
	uint8_t *edid = NULL;
	char why[GLINT_EDID_WHY_MAX];
	size_t size;
	int code = load(args->what, &edid, &size);
	bool readable = code == 0 && glint_edid_has_header(edid, size);

	if (readable)
		code = put(args, edid, size);
	if (code == 0 && glint_edid_check(edid, size, why) < 0) {
		fprintf(stderr, "glint: '%s' is no %sEDID: it %s\n", args->what,
			readable ? "sound " : "", why);
		code = GLINT_EXIT_USAGE;
	}
	free(edid);
	return code;
}

/* --- The service ------------------------------------------------------------------------ */

static bool from_hex(const char *hex, uint8_t *bytes, size_t *size)
{
	*size = 0;
	for (unsigned value; *size < GLINT_EDID_SIZE_MAX && sscanf(hex, "%2x", &value) == 1;
	     hex += 2)
		bytes[(*size)++] = (uint8_t)value;
	return !*hex;
}

/* Show the JSON reply of /edid. */
static int show(const struct edid_args *args, const struct glint_client *client, const char *text,
		size_t len)
{
	struct tool_json *json = tool_json_parse(text, len);
	char *hex = malloc(2 * GLINT_EDID_SIZE_MAX + 1);
	uint8_t *edid = malloc(GLINT_EDID_SIZE_MAX);
	bool good = json && hex && edid && tool_json_is_set(json, GLINT_STATE_OK) &&
		    tool_json_text(json, "result.hex", hex, 2 * GLINT_EDID_SIZE_MAX + 1);
	size_t size;
	int code = GLINT_EXIT_OK;

	if (!good || !from_hex(hex, edid, &size))
		code = tool_fail(args->service, client, -EPROTO, NULL);
	else if (args->json)
		tool_json_print(text, len);
	else if (size == 0)
		puts("no EDID: the source sees no display");
	else
		code = put(args, edid, size);
	tool_json_destroy(json);
	free(hex);
	free(edid);
	return code;
}

static int set(const struct edid_args *args, struct glint_client *client, char **text, size_t *len)
{
	uint8_t built[GLINT_EDID_SET_SIZE], *edid = NULL;
	bool named = strcasecmp(args->what, "none") == 0 ||
		     glint_edid_set_build(args->what, built) == 0;
	size_t size = 0;
	int err = named ? 0 : tool_file_read(args->what, &edid, &size);

	if (err == 0)
		err = glint_client_set_edid(client, named ? args->what : NULL, edid, size, text,
					    len);
	else
		exit(tool_fail_read(args->what, err));
	free(edid);
	return err;
}

int tool_edid(int argc, char **argv, struct tool_service *service)
{
	struct edid_args args = { .service = service };
	struct glint_client *client;
	char *text = NULL;
	size_t len = 0;
	int err, code;

	tool_parse(&argp, argc, argv, &args);
	if (is_verb(&args, "decode"))
		return decode(&args);
	client = tool_connect(service, &code);
	if (!client)
		return code;
	if (is_verb(&args, "set"))
		err = set(&args, client, &text, &len);
	else
		err = glint_client_edid(client, &text, &len);
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
