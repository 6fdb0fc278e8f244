/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glint/client.h>
#include <glint/protocol.h>

#include "base/descriptors.h"
#include "tool.h"

#define TIMEOUT_MAX_S 86400

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv, struct tool_service *service);
} commands[] = {
	{ "state", tool_state },
	{ "snapshot", tool_snapshot },
	{ "stream", tool_stream },
	{ "devices", tool_devices },
};

struct chosen {
	struct tool_service service;
	const struct command *command;
	int argc;
	char **argv;
};

static const struct argp_option service_options[] = {
	{ "socket", 's', "ADDRESS", 0, "The service's unix socket, HOST:PORT, or http://HOST:PORT/PREFIX", 0 },
	{ "timeout", 't', "SECONDS", 0,
	  "How long an answer, or the next live picture, may take; 0 is for ever (default 5)", 0 },
	{ 0 },
};

static void parse_timeout(struct argp_state *state, struct tool_service *service, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0 && seconds <= TIMEOUT_MAX_S))
		argp_error(state, "--timeout '%s' is not a number of seconds from 0 to %d", text,
			   TIMEOUT_MAX_S);
	service->timeout_ms = (int)(seconds * 1000 + 0.999);
}

static error_t parse_service(int key, char *arg, struct argp_state *state)
{
	struct tool_service *service = state->input;

	switch (key) {
	case 's':
		service->socket = arg;
		return 0;
	case 't':
		parse_timeout(state, service, arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp service_argp = { .options = service_options, .parser = parse_service };

const struct argp_child tool_service_child[] = { { &service_argp, 0, NULL, 0 }, { 0 } };

void tool_parse(const struct argp *argp, int argc, char **argv, void *input)
{
	if (argp_parse(argp, argc, argv, 0, NULL, input) != 0)
		exit(GLINT_EXIT_USAGE);
}

bool tool_number(const char *text, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && errno == 0;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static error_t parse_main(int key, char *arg, struct argp_state *state)
{
	struct chosen *chosen = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &chosen->service;
		return 0;
	case ARGP_KEY_ARG:
		chosen->command = find_command(arg);
		if (!chosen->command)
			argp_error(state, "there is no command '%s'", arg);
		/* The rest is the command's. */
		chosen->argc = state->argc - state->next + 1;
		chosen->argv = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which command? state, snapshot, stream or devices");
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
	"  stream      all pictures, counted, and saved when asked for\n"
	"  devices     the video devices of this machine and what they can do\n"
	"\n"
	"Without --socket: $GLINT_SOCKET, else $XDG_RUNTIME_DIR/glint.sock, else the only "
	"/run/glint/*.sock, else 127.0.0.1:8080. $GLINT_LOGIN is USER:PASSWORD, for a service that "
	"asks for it.\n"
	"\n"
	"Exit status: 0 fine; 1 wrong usage, or a file that cannot be written; 2 the service cannot be "
	"reached or does not answer, or no device may be opened; 3 it answers that there is no live video.";

static const struct argp main_argp = {
	.parser = parse_main,
	.args_doc = "COMMAND [OPTION...]",
	.doc = doc,
	.children = tool_service_child,
};

int main(int argc, char **argv)
{
	struct chosen chosen = { .service.timeout_ms = GLINT_CLIENT_TIMEOUT_MS };
	char name[32];
	int code;

	glint_descriptors_hold();
	argp_program_version = "glint " GLINT_VERSION;
	argp_err_exit_status = GLINT_EXIT_USAGE;
	if (argp_parse(&main_argp, argc, argv, ARGP_IN_ORDER, NULL, &chosen) != 0)
		return GLINT_EXIT_USAGE;
	snprintf(name, sizeof(name), "glint %s", chosen.command->name);
	chosen.argv[0] = name;
	code = chosen.command->run(chosen.argc, chosen.argv, &chosen.service);
	if (fflush(stdout) != 0)
		code = tool_fail_file("stdout", -errno);
	return code;
}
