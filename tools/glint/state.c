/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <glint/client.h>
#include <glint/protocol.h>

#include "json.h"
#include "table.h"
#include "tool.h"

#define STAGE(name)                                                                                \
	"{" name ".p50|ms}{" name ".p90|ms}{" name ".p99|ms}{" name ".max|ms}{" name ".count|count}"

/* In place of the table of latencies, whose lines of 61 columns would wrap. */
#define WIDE		  61
#define SHORT_STAGE(name) "p50 {" name ".p50|age}, p99 {" name ".p99|age}, max {" name ".max|age}"

/* A service that knows no "glint" object (ustreamer) gets the short rows. */
static const struct tool_row rows[] = {
	{ "service", GLINT_STATE, "version",
	  "glint {version}, up {uptime_s|duration}, {loop.backend} loop" },
	{ "", GLINT_STATE_LOOP, "reason", "not io_uring: {reason}" },
	{ "source", GLINT_STATE_LEGACY_SOURCE, "online",
	  "live, {resolution.width}x{resolution.height}", TOOL_COLOR_GOOD },
	{ "source", "result", "!source.online !glint.source.reason", "not live", TOOL_COLOR_BAD },
	{ "source", GLINT_STATE_SOURCE, "reason", "not live: {reason}: {reason|advice}",
	  TOOL_COLOR_BAD },
	{ "rate", "result", "source.online glint.source.kind",
	  "{glint.source.fps|fps} fps, {glint.source.nominal_fps|fps} as the driver says" },
	{ "rate", "result", "source.online !glint.source.kind", "{source.captured_fps} fps" },
	{ "device", GLINT_STATE_DEVICE, "path card", "{path}: {card} ({driver}, {bus})" },
	{ "device", GLINT_STATE_DEVICE, "path !card", "{path}" },
	{ "format", GLINT_STATE_FORMAT, "fourcc",
	  "{fourcc} {width}x{height}, stride {stride}, {size} bytes, {range} {matrix}" },
	{ "frame", GLINT_STATE_FRAME, "clock",
	  "number {sequence}, {age_ns|age} old, {clock} clock at {moment}" },
	{ "ledger", GLINT_STATE_LEDGER, "seen",
	  "{seen} seen: {delivered} delivered, {skipped} skipped, {driver_dropped} dropped by the driver" },
	{ "", GLINT_STATE_LEDGER, "seen",
	  "{corrupt} corrupt, {failed} failed, {in_flight} in flight, {unaccounted} unaccounted" },
	{ "buffers", GLINT_STATE, "buffers.count",
	  "{buffers.count} of {buffers.kind} memory: {buffers.driver} with the driver, "
	  "{buffers.leased} being read, {buffers.cancelled} cancelled; {copies_per_frame} copies a frame" },
	{ "encoder", GLINT_STATE_LEGACY_ENCODER, "type", "{type}, quality {quality}" },
	{ "", GLINT_STATE_ENCODER, "encoded",
	  "{name} {subsampling}, {workers} workers, {slices} slices, {fps|fps} fps, last {last_size|bytes}" },
	{ "", GLINT_STATE_ENCODER, "engine",
	  "code of {engine}, {rows_reused} rows of the frame before used again" },
	{ "", GLINT_STATE_ENCODER, "encoded",
	  "{encoded} encoded, {failed} failed, {skipped} skipped; {pictures_held} of {pictures} pictures held" },
	{ "recorder", GLINT_STATE_RECORDER, "folder",
	  "{state}, into {folder}: {active} under way, {closed} complete, {failed} failed" },
	{ "", GLINT_STATE_RECORDER, "folder",
	  "{held_ns|age} in memory; {recorded} frames recorded, {lost} lost" },
	{ "latency", GLINT_STATE_LATENCY, "total.count",
	  "ms          p50      p90      p99      max    count", .from = WIDE },
	{ "", GLINT_STATE_LATENCY, "total.count", "wait  " STAGE("wait"), .from = WIDE },
	{ "", GLINT_STATE_LATENCY, "total.count", "encode" STAGE("encode"), .from = WIDE },
	{ "", GLINT_STATE_LATENCY, "total.count", "send  " STAGE("send"), .from = WIDE },
	{ "", GLINT_STATE_LATENCY, "total.count", "total " STAGE("total"), .from = WIDE },
	{ "latency", GLINT_STATE_LATENCY, "total.count", "wait: " SHORT_STAGE("wait"),
	  .below = WIDE },
	{ "", GLINT_STATE_LATENCY, "total.count", "encode: " SHORT_STAGE("encode"), .below = WIDE },
	{ "", GLINT_STATE_LATENCY, "total.count", "send: " SHORT_STAGE("send"), .below = WIDE },
	{ "", GLINT_STATE_LATENCY, "total.count", "total: " SHORT_STAGE("total"), .below = WIDE },
	{ "clients", "result", "!glint.clients", "{stream.clients} streams" },
	{ "clients", GLINT_STATE_CLIENTS, "",
	  "{connections} connections: {streams} streams, {snapshots_waiting} waiting for a snapshot" },
	{ "", GLINT_STATE_CLIENTS, "",
	  "{accepted} accepted, {refused} refused, {timed_out} timed out" },
	{ "", GLINT_STATE_CLIENTS, "displaced",
	  "{displaced} made room for another of {peers} peers" },
	{ "", GLINT_STATE_CLIENTS, "wrong_logins",
	  "{wrong_logins} wrong logins, {logins_unchecked} not checked, {logins_held} held now" },
	{ "", GLINT_STATE_CLIENTS, "pictures_sent",
	  "{pictures_sent} pictures sent, {pictures_skipped} skipped, {bytes_sent|bytes}" },
};

struct state_args {
	struct tool_service *service;
	bool json;
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "Print the state as the service sends it", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct state_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args->service;
		return 0;
	case 'j':
		args->json = true;
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
	.doc = "Shows what the service sees and does."
	       "\v"
	       "Exits with 3 when the video is not live; the state is shown all the same.",
	.children = tool_service_child,
};

static int show(const struct state_args *args, const struct glint_client *client, const char *text,
		size_t len)
{
	struct tool_json *json = tool_json_parse(text, len);
	bool online;

	if (!json || !tool_json_is_set(json, GLINT_STATE_OK)) {
		tool_json_destroy(json);
		return tool_fail(args->service, client, -EPROTO, NULL);
	}
	online = tool_json_is_set(json, GLINT_STATE_ONLINE);
	if (args->json)
		tool_json_print(text, len);
	else
		tool_table_put(stdout, json, rows, sizeof(rows) / sizeof(rows[0]),
			       tool_columns(stdout),
			       tool_is_terminal(stdout) && !getenv("NO_COLOR"));
	tool_json_destroy(json);
	return online ? GLINT_EXIT_OK : GLINT_EXIT_NO_VIDEO;
}

int tool_state(int argc, char **argv, struct tool_service *service)
{
	struct state_args args = { .service = service };
	struct glint_client *client;
	int err, code;
	char *text;
	size_t len;

	tool_parse(&argp, argc, argv, &args);
	client = tool_connect(service, &code);
	if (!client)
		return code;
	err = glint_client_state(client, &text, &len);
	if (err < 0)
		code = tool_fail(service, client, err, NULL);
	else
		code = show(&args, client, text, len);
	free(text);
	glint_client_destroy(client);
	return code;
}
