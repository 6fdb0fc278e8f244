/* SPDX-License-Identifier: MIT */
/*
 * From a stimulus to the pixels: mark the screen, run a command that changes it, and wait for the
 * first frame that differs from the mark.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <glint/client.h>
#include <glint/protocol.h>

#include "json.h"
#include "query.h"
#include "tool.h"

#define RUNS_MAX	100000
#define WAIT_DEFAULT_MS 10000
#define BARS		12
#define BAR_COLUMNS	50
#define SETTLE_DEFAULT	"200ms"
#define MARK_ID		"glint-latency"

struct latency_args {
	struct tool_service *service;
	struct tool_query query;
	const char *command, *settle;
	uint64_t n;
	int wait_ms;
	bool json;
};

enum { KEY_RUN = 0x100, KEY_SETTLE };

static const struct argp_option options[] = {
	{ "run", KEY_RUN, "COMMAND", 0, "What changes the screen; a line for the shell", 0 },
	{ "count", 'n', "N", 0, "How many times (default 10)", 0 },
	{ "settle", KEY_SETTLE, "TIME", 0,
	  "How long the screen is still before each (default " SETTLE_DEFAULT "; 0: any screen)",
	  0 },
	TOOL_QUERY_OPTIONS,
	{ "json", 'j', NULL, 0, "Write the figures as a line of JSON", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct latency_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args->service;
		return 0;
	case KEY_RUN:
		args->command = arg;
		return 0;
	case KEY_SETTLE:
		args->settle = arg;
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case 'n':
		if (!tool_number(arg, &args->n) || args->n < 1 || args->n > RUNS_MAX)
			argp_error(state, "--count '%s' is no number from 1 to %d", arg, RUNS_MAX);
		return 0;
	case ARGP_KEY_END:
		if (!args->command)
			argp_error(state, "--run is missing: what changes the screen?");
		return 0;
	default:
		return tool_query_parse(key, arg, state, &args->query);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Measures the time from a command to the first frame that shows its effect."
	       "\v"
	       "Each time is from the mark, just before the command starts, to the end of the first "
	       "frame that differs. The pixels have changed up to one frame earlier. --timeout is "
	       "for each change (default 10).\n"
	       "Exits with 4 when a change did not come in time.",
	.children = tool_service_child,
};

/* Read the number at @path of the answer, which is freed. Returns an exit code. */
static int take(const struct latency_args *args, const struct glint_client *client, int err,
		char *text, size_t len, const char *path, double *value)
{
	struct tool_json *json = err == 0 ? tool_json_parse(text, len) : NULL;
	int code = GLINT_EXIT_OK;

	if (!json || !tool_json_number(json, path, value))
		code = tool_fail_refused(args->service, client, err, text, len);
	tool_json_destroy(json);
	free(text);
	return code;
}

static int run_command(const char *command)
{
	int status = system(command);

	if (status == 0)
		return GLINT_EXIT_OK;
	if (status > 0 && WIFEXITED(status))
		fprintf(stderr, "glint: the command exits with %d\n", WEXITSTATUS(status));
	else
		fprintf(stderr, "glint: the command cannot be run\n");
	return GLINT_EXIT_USAGE;
}

/* @late: what to say when the time is over. */
static int wait_for(const struct latency_args *args, struct glint_client *client,
		    const char *conditions, const char *late, const char *path, double *value)
{
	char *query, *json = NULL;
	size_t len = 0;
	int err;

	if (asprintf(&query, "%s%s", conditions, args->query.text) < 0)
		return tool_fail(args->service, client, -ENOMEM, NULL);
	err = glint_client_wait(client, query, args->wait_ms, &json, &len);
	free(query);
	if (err != -ETIME)
		return take(args, client, err, json, len, path, value);
	fprintf(stderr, "glint: %s: %s\n", glint_client_address(client), late);
	free(json);
	return GLINT_EXIT_NOT_MET;
}

/* One measurement; *@ms is its result. */
static int measure(const struct latency_args *args, struct glint_client *client, double *ms)
{
	double marked_ns = 0, decided_ns = 0, ignored;
	char still[64], *json = NULL;
	size_t len = 0;
	int code = GLINT_EXIT_OK, err;

	if (strcmp(args->settle, "0") != 0) {
		snprintf(still, sizeof(still), "for=still&stable=%.32s", args->settle);
		code = wait_for(args, client, still,
				"the screen was not still in time before the command; see --settle",
				"result.waited_ns", &ignored);
	}
	if (code == GLINT_EXIT_OK) {
		err = glint_client_mark(client, MARK_ID, 0, &json, &len);
		code = take(args, client, err, json, len, "result.time_ns", &marked_ns);
	}
	if (code == GLINT_EXIT_OK)
		code = run_command(args->command);
	if (code == GLINT_EXIT_OK)
		code = wait_for(args, client, "for=change&since=mark:" MARK_ID,
				"no frame differed in time after the command",
				"result.conditions.0.decided.complete_ns", &decided_ns);
	if (code == GLINT_EXIT_OK)
		*ms = (decided_ns - marked_ns) / 1e6;
	return code;
}

static int compare(const void *a, const void *b)
{
	double difference = *(const double *)a - *(const double *)b;

	return (difference > 0) - (difference < 0);
}

/* @times are sorted. */
static double quantile(const double *times, size_t n, double part)
{
	size_t index = (size_t)ceil(part * (double)n);

	return times[index > 0 ? index - 1 : 0];
}

/* A bar for each range of times. */
static void plot(const double *times, size_t n)
{
	double least = times[0], width = (times[n - 1] - least) / BARS;
	unsigned counts[BARS] = { 0 }, most = 1;

	for (size_t i = 0; i < n; i++) {
		unsigned bar = width > 0 ? (unsigned)((times[i] - least) / width) : 0;

		bar = bar < BARS ? bar : BARS - 1;
		counts[bar]++;
		most = counts[bar] > most ? counts[bar] : most;
	}
	for (unsigned bar = 0; bar < (width > 0 ? BARS : 1); bar++) {
		printf("%9.1f ms |", least + width * bar);
		for (unsigned i = 0; i < (counts[bar] * BAR_COLUMNS + most - 1) / most; i++)
			putchar('#');
		printf(" %u\n", counts[bar]);
	}
}

static void put_figures(const struct latency_args *args, double *times, size_t n, double frame_ms)
{
	double sum = 0;

	qsort(times, n, sizeof(*times), compare);
	for (size_t i = 0; i < n; i++)
		sum += times[i];
	if (args->json) {
		printf("{\"count\": %zu, \"min_ms\": %.3f, \"p50_ms\": %.3f, \"p90_ms\": %.3f, "
		       "\"p99_ms\": %.3f, \"max_ms\": %.3f, \"mean_ms\": %.3f, \"bound_ms\": %.3f}\n",
		       n, times[0], quantile(times, n, 0.5), quantile(times, n, 0.9),
		       quantile(times, n, 0.99), times[n - 1], sum / (double)n, frame_ms);
		return;
	}
	putchar('\n');
	plot(times, n);
	printf("\n%zu times: min %.1f, median %.1f, p90 %.1f, p99 %.1f, max %.1f, mean %.1f ms\n",
	       n, times[0], quantile(times, n, 0.5), quantile(times, n, 0.9),
	       quantile(times, n, 0.99), times[n - 1], sum / (double)n);
	if (frame_ms > 0)
		printf("Each is too long by at most one frame, %.1f ms.\n", frame_ms);
}

/* How long a frame takes; 0: unknown. */
static int read_frame_time(const struct latency_args *args, struct glint_client *client,
			   double *frame_ms)
{
	char *json = NULL;
	size_t len = 0;
	double fps = 0;
	int err = glint_client_state(client, &json, &len);
	int code = take(args, client, err, json, len, "result.glint.source.fps", &fps);

	*frame_ms = fps > 0 ? 1000 / fps : 0;
	return code;
}

static int run(const struct latency_args *args, struct glint_client *client, double *times)
{
	double frame_ms = 0;
	size_t n = 0;
	int code = GLINT_EXIT_OK;

	while (code == GLINT_EXIT_OK && n < args->n) {
		code = measure(args, client, &times[n]);
		if (code != GLINT_EXIT_OK)
			break;
		if (!args->json) {
			printf("%5zu  %9.1f ms\n", n + 1, times[n]);
			fflush(stdout);
		}
		n++;
	}
	/* A service that has just started knows its rate by now. */
	if (n > 0 && code == GLINT_EXIT_OK)
		code = read_frame_time(args, client, &frame_ms);
	if (n > 0)
		put_figures(args, times, n, frame_ms);
	return code;
}

int tool_latency(int argc, char **argv, struct tool_service *service)
{
	struct latency_args args = { .service = service, .n = 10, .settle = SETTLE_DEFAULT };
	struct glint_client *client;
	double *times;
	int code;

	tool_parse(&argp, argc, argv, &args);
	args.wait_ms = service->timeout_given ? service->timeout_ms : WAIT_DEFAULT_MS;
	service->timeout_ms = GLINT_CLIENT_TIMEOUT_MS;
	client = tool_connect(service, &code);
	if (!client)
		return code;
	times = calloc(args.n, sizeof(*times));
	code = times ? run(&args, client, times) : tool_fail(service, client, -ENOMEM, NULL);
	free(times);
	glint_client_destroy(client);
	return code;
}
