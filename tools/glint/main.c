/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <glint/client.h>
#include <glint/protocol.h>

#include "base/descriptors.h"
#include "base/similar.h"
#include "tool.h"

#define TIMEOUT_MAX_S 86400
#define OPTIONS_MAX   64 /* of one command, with the common ones */

enum { KEY_USAGE = 0x1000 };

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv, struct tool_service *service);
} commands[] = {
	{ "state", tool_state },       { "snapshot", tool_snapshot }, { "mark", tool_mark },
	{ "compare", tool_compare },   { "stream", tool_stream },     { "set", tool_set },
	{ "wait", tool_wait },	       { "latency", tool_latency },   { "events", tool_events },
	{ "controls", tool_controls }, { "edid", tool_edid },	      { "timings", tool_timings },
	{ "record", tool_record },     { "clip", tool_clip },	      { "devices", tool_devices },
	{ "media", tool_media },
};

struct chosen {
	struct tool_service service;
	const struct command *command;
	int argc;
	char **argv;
};

static const struct argp_option service_options[] = {
	{ "socket", 's', "ADDRESS", 0,
	  "The service's unix socket, HOST:PORT, or http://HOST:PORT/PREFIX", 0 },
	{ "timeout", 't', "SECONDS", 0,
	  "How long an answer, or the next live picture, may take; 0 is for ever (default 5)", 0 },
	{ 0 },
};

static error_t parse_service(int key, char *arg, struct argp_state *state)
{
	struct tool_service *service = state->input;

	switch (key) {
	case 's':
		service->socket = arg;
		return 0;
	case 't':
		service->timeout_ms = tool_seconds(state, "timeout", arg, 0, TIMEOUT_MAX_S);
		service->timeout_given = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp service_argp = { .options = service_options, .parser = parse_service };

const struct argp_child tool_service_child[] = { { &service_argp, 0, NULL, 0 }, { 0 } };

bool tool_is_terminal(FILE *out)
{
	const char *term = getenv("TERM");

	return isatty(fileno(out)) && !(term && strcmp(term, "dumb") == 0);
}

unsigned tool_columns(FILE *out)
{
	struct winsize size = { 0 };

	return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* The options that argp adds. */
static const struct argp_option common_options[] = {
	{ "help", '?', NULL, 0, NULL, 0 },
	{ "usage", KEY_USAGE, NULL, 0, NULL, 0 },
	{ "version", 'V', NULL, 0, NULL, 0 },
	{ 0 },
};

/* The options for getopt_long(), which finds the word that is no option. */
struct grammar {
	struct option longs[OPTIONS_MAX + 1];
	char shorts[2 * OPTIONS_MAX + 2];
	size_t n_longs, n_shorts;
};

static void grammar_add(struct grammar *grammar, const struct argp_option *rows)
{
	for (; rows && rows->name; rows++) {
		assert(grammar->n_longs < OPTIONS_MAX);
		grammar->longs[grammar->n_longs++] = (struct option){
			.name = rows->name,
			.has_arg = rows->arg ? required_argument : no_argument,
			.val = 1, /* not '?', which means an error */
		};
		if (rows->key > '~')
			continue;
		grammar->shorts[grammar->n_shorts++] = (char)rows->key;
		if (rows->arg)
			grammar->shorts[grammar->n_shorts++] = ':';
	}
}

/* For an unknown option argp only ends the program: name a similar one instead, if there is one. */
static void suggest_option(const struct argp *argp, const char *program, const char *word)
{
	struct glint_similar similar;

	glint_similar_begin(&similar, word + 2, strcspn(word + 2, "="));
	for (const struct argp_option *row = argp->options; row && row->name; row++)
		glint_similar_try(&similar, row->name);
	for (const struct argp_option *row = service_options; row->name; row++)
		glint_similar_try(&similar, row->name);
	for (const struct argp_option *row = common_options; row->name; row++)
		glint_similar_try(&similar, row->name);
	if (!similar.best)
		return;
	fprintf(stderr, "%s: there is no option '%s'; did you mean --%s?\nTry '%s --help'.\n",
		program, word, similar.best, program);
	exit(GLINT_EXIT_USAGE);
}

static void check_options(const struct argp *argp, int argc, char **argv, bool up_to_command)
{
	struct grammar grammar = { 0 };
	int found;

	if (up_to_command)
		grammar.shorts[grammar.n_shorts++] = '+';
	grammar_add(&grammar, argp->options);
	grammar_add(&grammar, argp->children ? service_options : NULL);
	grammar_add(&grammar, common_options);
	opterr = 0;
	optind = 0;
	while ((found = getopt_long(argc, argv, grammar.shorts, grammar.longs, NULL)) != -1)
		if (found == '?' && optopt == 0 && strncmp(argv[optind - 1], "--", 2) == 0)
			suggest_option(argp, argv[0], argv[optind - 1]);
}

void tool_parse(const struct argp *argp, int argc, char **argv, void *input)
{
	check_options(argp, argc, argv, false);
	if (argp_parse(argp, argc, argv, 0, NULL, input) != 0)
		exit(GLINT_EXIT_USAGE);
}

bool tool_region(const char *text, uint32_t *width, uint32_t *height, uint32_t *x, uint32_t *y)
{
	int end = 0;

	if (strspn(text, "0123456789x+") != strlen(text) ||
	    sscanf(text, "%5" SCNu32 "x%5" SCNu32 "+%5" SCNu32 "+%5" SCNu32 "%n", width, height, x,
		   y, &end) != 4)
		return false;
	return !text[end] && *width > 0 && *height > 0;
}

bool tool_number(const char *text, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && errno == 0;
}

int tool_seconds(struct argp_state *state, const char *option, const char *text, double least,
		 double most)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end != text && strcmp(end, "ms") == 0) {
		seconds /= 1000;
		end += 2;
	} else if (end != text && strcmp(end, "s") == 0) {
		end++;
	}
	if (end == text || *end || !(seconds >= least && seconds <= most))
		argp_error(state, "--%s '%s' is not a number of seconds from %g to %g", option,
			   text, least, most);
	return (int)(seconds * 1000 + 0.999);
}

static const struct command *find_command(struct argp_state *state, const char *name)
{
	struct glint_similar similar;

	glint_similar_begin(&similar, name, strlen(name));
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
		glint_similar_try(&similar, commands[i].name);
	}
	glint_similar_try(&similar, "help");
	if (similar.best)
		argp_error(state, "there is no command '%s'; did you mean %s?", name, similar.best);
	else
		argp_error(state, "there is no command '%s'", name);
	exit(GLINT_EXIT_USAGE);
}

/* "help" is --help; "help COMMAND" is COMMAND --help. */
static void parse_help(struct argp_state *state, struct chosen *chosen)
{
	static char help[] = "--help", *words[] = { NULL, help, NULL };

	if (state->next == state->argc)
		argp_state_help(state, state->out_stream, ARGP_HELP_STD_HELP);
	if (state->next + 1 < state->argc)
		argp_error(state, "help takes one command");
	chosen->command = find_command(state, state->argv[state->next]);
	chosen->argc = 2;
	chosen->argv = words;
	state->next = state->argc;
}

static error_t parse_main(int key, char *arg, struct argp_state *state)
{
	struct chosen *chosen = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &chosen->service;
		return 0;
	case ARGP_KEY_ARG:
		if (strcmp(arg, "help") == 0) {
			parse_help(state, chosen);
			return 0;
		}
		chosen->command = find_command(state, arg);
		/* The command parses the remaining arguments. */
		chosen->argc = state->argc - state->next + 1;
		chosen->argv = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(
			state,
			"which command? state, snapshot, mark, compare, stream, set, wait, latency, events, controls, edid, timings, record, clip, devices, media or help");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const char doc[] =
	"Asks a glint capture service."
	"\v"
	"Commands:\n"
	"  state       what the service sees and does\n"
	"  snapshot    one picture into a file: the newest since the call\n"
	"  mark        a name for this moment, whose frame the service keeps\n"
	"  compare     a picture with a reference, pixel by pixel\n"
	"  stream      all pictures, counted, and saved when asked for\n"
	"  set         settings, shown, and changed while the service runs\n"
	"  wait        until the screen changes, settles, moves, goes black, ...\n"
	"  latency     from a command to the pixels: each time, and their distribution\n"
	"  events      what happens, as it happens\n"
	"  controls    brightness, gain, ...: shown, and changed\n"
	"  edid        what the capture device says about itself to its source\n"
	"  timings     the DV timings of the device and of the signal, shown, and set\n"
	"  record      the frames around this moment, from before it, too, into a file\n"
	"  clip        what such a file has; parts of it, and its frames as other files\n"
	"  devices     the video devices of this machine and what they can do\n"
	"  media       the media controllers of this machine, and the path of the video\n"
	"  help        this text; help COMMAND: the options of a command\n"
	"\n"
	"Without --socket: $GLINT_SOCKET, else $XDG_RUNTIME_DIR/glint.sock, else the only "
	"/run/glint/*.sock, else 127.0.0.1:8080. $GLINT_LOGIN is USER:PASSWORD, for a service that "
	"asks for it.\n"
	"\n"
	"Exit status: 0 fine; 1 wrong usage, or a file that cannot be read or written; 2 the service "
	"cannot be reached, does not answer or refuses, or no device may be opened; 3 the service "
	"answers that there is no live video, or a recording lacks frames; 4 what was waited for did not come in time, or the "
	"pictures differ.";

static const struct argp main_argp = {
	.parser = parse_main,
	.args_doc = "COMMAND [OPTION...]",
	.doc = doc,
	.children = tool_service_child,
};

/*
 * Make argp wrap its texts at the terminal's width instead of 79 columns, with descriptions
 * further left below 60 columns. Below 40 columns the terminal wraps. ARGP_HELP_FMT of the
 * user's environment wins.
 */
static void fit_help(void)
{
	unsigned columns = tool_columns(stdout);
	char format[64];

	if (columns == 0 || columns >= 80)
		return;
	columns = columns < 40 ? 40 : columns;
	snprintf(format, sizeof(format), "rmargin=%u%s", columns - 1,
		 columns < 60 ? ",opt-doc-col=12,header-col=1,usage-indent=8" : "");
	setenv("ARGP_HELP_FMT", format, 0);
}

int main(int argc, char **argv)
{
	struct chosen chosen = { .service.timeout_ms = GLINT_CLIENT_TIMEOUT_MS };
	char name[32];
	int code;

	glint_descriptors_hold();
	fit_help();
	argp_program_version = "glint " GLINT_VERSION;
	argp_err_exit_status = GLINT_EXIT_USAGE;
	check_options(&main_argp, argc, argv, true);
	if (argp_parse(&main_argp, argc, argv, ARGP_IN_ORDER, NULL, &chosen) != 0)
		return GLINT_EXIT_USAGE;
	snprintf(name, sizeof(name), "glint %s", chosen.command->name);
	chosen.argv[0] = name;
	code = chosen.command->run(chosen.argc, chosen.argv, &chosen.service);
	if (fflush(stdout) != 0)
		code = tool_fail_file("stdout", -errno);
	return code;
}
