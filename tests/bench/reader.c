/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/clock.h"
#include "connection.h"
#include "picture_stamp.h"
#include "process.h"
#include "reader.h"
#include "tally.h"

#define CLIENTS_MAX 256
#define PATIENCE    30 /* seconds for the first picture */
#define STEP_NS	    (10 * GLINT_NSEC_PER_MSEC)

struct reader {
	const struct reader_options *options;
	const char *path;
	unsigned n;
	double fps;

	int epoll;
	struct connection connections[CLIENTS_MAX];
	unsigned waiting, waves;      /* snapshots: replies of this wave that are due */
	uint64_t due_ns[CLIENTS_MAX]; /* random: the next request; UINT64_MAX: a reply is due */
	uint64_t next_wave_ns;
	bool counting;
	struct process_use before, after;
	uint64_t begin_ns, end_ns;

	struct reader_result result;
};

static void count_picture(struct reader *reader, struct connection *connection, const uint8_t *data,
			  size_t size, uint64_t now_ns)
{
	struct picture_stamp seen;
	int err = picture_stamp_read(data, size, &seen);
	uint32_t last = connection->last_seq;

	if (err == 0) {
		connection->last_seq = seen.stamp.seq;
		connection->live = true;
	}
	connection->pictures++;
	if (!reader->counting)
		return;
	reader->result.received++;
	reader->result.bytes += size;
	reader->result.pictures += seen.is_new;
	reader->result.bad += err < 0;
	if (reader->options->snapshots)
		tally_add(&reader->result.latencies, now_ns - connection->asked_ns);
	else if (err == 0 && (seen.is_new || !reader->options->still))
		tally_add(&reader->result.latencies, now_ns - seen.stamp.ns);
	if (err == 0) {
		reader->result.gaps += connection->pictures > 1 && seen.stamp.seq > last + 1 ?
					       seen.stamp.seq - last - 1 :
					       0;
		reader->result.stale += seen.stamp.ns < connection->asked_ns;
	}
}

static void plan_request(struct reader *reader, unsigned i)
{
	reader->due_ns[i] = glint_now_ns() + (uint64_t)(drand48() / reader->fps * 1e9);
}

static void on_readable(struct reader *reader, struct connection *connection)
{
	int err = connection_read(connection);
	uint64_t now_ns = glint_now_ns();
	const uint8_t *data;
	size_t size;

	if (err < 0) {
		fprintf(stderr, "reader: a connection has ended: %s\n", strerror(-err));
		exit(2);
	}
	while ((data = connection_picture(connection, &size))) {
		count_picture(reader, connection, data, size, now_ns);
		connection_drop(connection);
		if (reader->options->random)
			plan_request(reader, (unsigned)(connection - reader->connections));
		reader->waiting -= reader->options->snapshots && !reader->options->random;
	}
}

/* The golden ratio spreads any number of waves evenly over the interval. */
static void plan_wave(struct reader *reader)
{
	double turns = ++reader->waves * 0.6180339887498949;
	double phase = turns - (double)(unsigned)turns;

	reader->next_wave_ns = glint_now_ns() + (uint64_t)(phase / reader->fps * 1e9);
}

static void send_wave(struct reader *reader)
{
	for (unsigned i = 0; i < reader->n; i++) {
		reader->connections[i].asked_ns = glint_now_ns();
		connection_ask(&reader->connections[i], reader->path);
	}
	reader->waiting = reader->n;
	reader->next_wave_ns = UINT64_MAX;
}

static void connect_all(struct reader *reader)
{
	reader->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned i = 0; i < reader->n; i++) {
		struct connection *connection = &reader->connections[i];
		struct epoll_event event = { .events = EPOLLIN, .data = { .ptr = connection } };

		connection_open(connection, reader->options->address);
		epoll_ctl(reader->epoll, EPOLL_CTL_ADD, connection->fd, &event);
		if (!reader->options->snapshots)
			connection_ask(connection, reader->path);
	}
}

/* Handles pictures until @until_ns. */
static void poll_until(struct reader *reader, uint64_t until_ns)
{
	struct epoll_event events[CLIENTS_MAX];
	struct timespec timeout = glint_timespec(glint_time_left_ns(until_ns));
	int n = epoll_pwait2(reader->epoll, events, CLIENTS_MAX, &timeout, NULL);

	if (n < 0 && errno != EINTR) {
		perror("epoll_pwait2");
		exit(2);
	}
	for (int i = 0; i < n; i++)
		on_readable(reader, events[i].data.ptr);
}

/* Sends the requests that are due. Returns when the next one is. */
static uint64_t send_requests(struct reader *reader)
{
	uint64_t now_ns = glint_now_ns(), next_ns = UINT64_MAX;

	for (unsigned i = 0; i < reader->n; i++) {
		if (reader->due_ns[i] <= now_ns) {
			reader->due_ns[i] = UINT64_MAX;
			reader->connections[i].asked_ns = glint_now_ns();
			connection_ask(&reader->connections[i], reader->path);
		}
		next_ns = MIN(next_ns, reader->due_ns[i]);
	}
	return next_ns;
}

static void read_until(struct reader *reader, uint64_t end_ns)
{
	while (reader->options->random && glint_now_ns() < end_ns)
		poll_until(reader, MIN(send_requests(reader), end_ns));
	while (glint_now_ns() < end_ns) {
		if (!reader->options->snapshots || reader->waiting > 0) {
			poll_until(reader, end_ns);
			continue;
		}
		if (reader->next_wave_ns == UINT64_MAX)
			plan_wave(reader);
		if (glint_now_ns() < reader->next_wave_ns)
			poll_until(reader, reader->next_wave_ns);
		else
			send_wave(reader);
	}
}

static bool all_are_live(const struct reader *reader)
{
	for (unsigned i = 0; i < reader->n; i++)
		if (!reader->connections[i].live)
			return false;
	return true;
}

/*
 * Allocating large buffers takes time, and some services send a picture of their own meanwhile:
 * measure only after each client has its first picture of the device.
 */
static void wait_for_pictures(struct reader *reader)
{
	uint64_t deadline_ns = glint_now_ns() + PATIENCE * GLINT_NSEC_PER_SEC;

	while (!all_are_live(reader)) {
		if (glint_now_ns() > deadline_ns) {
			fprintf(stderr, "reader: no picture in %u s\n", PATIENCE);
			exit(2);
		}
		read_until(reader, glint_now_ns() + STEP_NS);
	}
}

static void measure(struct reader *reader)
{
	prctl(PR_SET_TIMERSLACK, 1);
	reader->next_wave_ns = UINT64_MAX;
	connect_all(reader);
	wait_for_pictures(reader);
	read_until(reader, glint_now_ns() + (uint64_t)(reader->options->warmup * 1e9));

	reader->counting = true;
	process_look(reader->options->pid, &reader->before);
	reader->begin_ns = glint_now_ns();
	read_until(reader, reader->begin_ns + (uint64_t)(reader->options->seconds * 1e9));
	reader->end_ns = glint_now_ns();
	process_look(reader->options->pid, &reader->after);
}

struct reader_result reader_run(const struct reader_options *options)
{
	static struct reader reader; /* too large for a stack */
	struct reader_result *result = &reader.result;

	reader = (struct reader){ .options = options, .n = options->n, .fps = options->fps };
	reader.path = options->path ? options->path : options->snapshots ? "/snapshot" : "/stream";
	if (options->n > CLIENTS_MAX) {
		fprintf(stderr, "reader: at most %d clients\n", CLIENTS_MAX);
		exit(2);
	}
	measure(&reader);
	for (unsigned i = 0; i < reader.n; i++)
		connection_close(&reader.connections[i]);
	close(reader.epoll);
	result->seconds = (double)(reader.end_ns - reader.begin_ns) / 1e9;
	result->cpu_ns = reader.after.cpu_ns - reader.before.cpu_ns;
	result->rss_kib = reader.after.rss_kib;
	result->threads = reader.after.threads;
	return *result;
}
