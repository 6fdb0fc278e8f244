/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <glint/client.h>
#include <glint/protocol.h>

#include "json.h"
#include "tally.h"
#include "tool.h"

#define WITHIN_MAX_S 86400

struct events_args {
	struct tool_service *service;
	bool json;
	uint64_t count;	     /* events to print; 0: without end */
	const char *last_id; /* NULL: only new events */
	const char *types;   /* with commas between; NULL: all */
	int within_ms;	     /* for the next printed event; -1: for ever */
};

static volatile sig_atomic_t interrupted;
static int interrupted_fd = -1;

/* End the wait for the next event. */
static void on_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
	shutdown(interrupted_fd, SHUT_RDWR);
}

enum { KEY_ALL = 0x2000 };

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "Print each event as the service sends it, a JSON object a line",
	  0 },
	{ "count", 'n', "COUNT", 0, "End after so many events", 0 },
	{ "last-id", 'l', "ID", 0, "Begin after the event with this id", 0 },
	{ "all", KEY_ALL, NULL, 0, "Begin with the oldest event that the service still has", 0 },
	{ "type", 'T', "TYPES", 0, "Only events of these types, with commas between", 0 },
	{ "within", 'w', "SECONDS", 0, "End with 4 when no such event comes for so long", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct events_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args->service;
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case 'n':
		if (!tool_number(arg, &args->count) || args->count == 0)
			argp_error(state, "--count '%s' is not a number from 1 on", arg);
		return 0;
	case 'l':
		args->last_id = arg;
		return 0;
	case KEY_ALL:
		args->last_id = "0";
		return 0;
	case 'T':
		args->types = arg;
		return 0;
	case 'w':
		args->within_ms = tool_seconds(state, "within", arg, 0, WITHIN_MAX_S);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "what is '%s'? There are options only", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Shows what happens in the service, as it happens: source, format, settings, encoder, "
	       "fault, wait, mark, limit, and gap for events that were missed."
	       "\v"
	       "Ends with 0 on Ctrl-C, and with 2 when the service ends.",
	.children = tool_service_child,
};

/* Whether @types, with commas between, has @type. */
static bool is_wanted(const char *types, const char *type)
{
	size_t len = strlen(type);

	while (types) {
		if (strncmp(types, type, len) == 0 && (types[len] == ',' || types[len] == '\0'))
			return true;
		types = strchr(types, ',');
		if (types)
			types++;
	}
	return false;
}

struct printer {
	const struct tool_json *json;
	const char *path; /* of the object whose members are printed */
};

/* " name=value"; an object's members instead of the object. */
static void put_member(void *ctx, const char *name)
{
	const struct printer *printer = ctx;
	char path[128], value[256];

	snprintf(path, sizeof(path), "%s.%.64s", printer->path, name);
	if (tool_json_text(printer->json, path, value, sizeof(value))) {
		printf(" %s=%s", name, *value ? value : "\"\"");
	} else {
		struct printer inner = { printer->json, path };

		tool_json_each(printer->json, path, put_member, &inner);
	}
}

/* "14:03:05.123 source    online=yes reason="" device=/dev/video0". */
static void put_event(const struct tool_json *json, const char *type)
{
	struct printer printer = { json, "data" };
	double realtime_ns = 0;
	char clock[16] = "--:--:--";
	struct tm tm;
	time_t at;

	(void)tool_json_number(json, "realtime_ns", &realtime_ns);
	at = (time_t)(realtime_ns / 1e9);
	if (localtime_r(&at, &tm))
		strftime(clock, sizeof(clock), "%T", &tm);
	printf("%s.%03d %-9s", clock, (int)((long long)(realtime_ns / 1e6) % 1000), type);
	tool_json_each(json, "data", put_member, &printer);
	putchar('\n');
}

/* Returns 1: printed; 0: of another type; -EPROTO. */
static int print(const struct events_args *args, const char *text, size_t len)
{
	struct tool_json *json = tool_json_parse(text, len);
	char type[32];
	int printed = 1;

	if (!json || !tool_json_text(json, "type", type, sizeof(type)))
		printed = -EPROTO;
	else if (args->types && !is_wanted(args->types, type))
		printed = 0;
	else if (args->json)
		tool_json_print(text, len);
	else
		put_event(json, type);
	tool_json_destroy(json);
	if (printed > 0 && fflush(stdout) != 0) /* a reader of a pipe must not wait */
		printed = -errno;
	return printed;
}

static int within_left_ms(const struct events_args *args, uint64_t since_ns)
{
	uint64_t passed_ms = (tool_now_ns() - since_ns) / 1000000;

	if (args->within_ms < 0)
		return -1;
	return passed_ms < (uint64_t)args->within_ms ? args->within_ms - (int)passed_ms : 1;
}

static int fail_late(const struct glint_client *client)
{
	fprintf(stderr, "glint: %s: no such event came in time\n", glint_client_address(client));
	return GLINT_EXIT_NOT_MET;
}

static int read_events(const struct events_args *args, const struct glint_client *client,
		       struct glint_event_stream *stream)
{
	uint64_t since_ns = tool_now_ns(), count = 0;
	const char *text;
	size_t len;

	for (;;) {
		int left_ms = within_left_ms(args, since_ns);
		int got = glint_client_events_next(stream, left_ms, &text, &len);

		if (interrupted)
			return GLINT_EXIT_OK;
		if (got == -EAGAIN)
			return fail_late(client);
		if (got == 1)
			got = print(args, text, len);
		else if (got == 0)
			got = -ECONNRESET; /* a service ends the events only when it stops */
		if (got < 0)
			return tool_fail(args->service, client, got, NULL);
		count += (unsigned)got;
		if (got > 0)
			since_ns = tool_now_ns();
		else if (args->within_ms >= 0 &&
			 tool_now_ns() - since_ns >= (uint64_t)args->within_ms * 1000000)
			return fail_late(client);
		if (args->count > 0 && count == args->count)
			return GLINT_EXIT_OK;
	}
}

int tool_events(int argc, char **argv, struct tool_service *service)
{
	struct events_args args = { .service = service, .within_ms = -1 };
	struct sigaction action = { .sa_handler = on_interrupt };
	struct glint_event_stream *stream;
	struct glint_client *client;
	int err, code;

	tool_parse(&argp, argc, argv, &args);
	client = tool_connect(service, &code);
	if (!client)
		return code;
	err = glint_client_events_open(client, args.last_id, &stream);
	if (err == -EINVAL && args.last_id) {
		fprintf(stderr, "glint: '%s' is not the id of an event\n", args.last_id);
		code = GLINT_EXIT_USAGE;
	} else if (err < 0) {
		code = tool_fail(service, client, err, NULL);
	} else {
		interrupted_fd = glint_client_events_fd(stream);
		sigaction(SIGINT, &action, NULL);
		sigaction(SIGTERM, &action, NULL);
		code = read_events(&args, client, stream);
		glint_client_events_close(stream);
	}
	glint_client_destroy(client);
	return code;
}
