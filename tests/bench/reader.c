/* SPDX-License-Identifier: MIT */
/*
 * The same reader for every service:
 *
 *	reader ADDRESS [--clients N] [--snapshots N] [--fps F] [--seconds S] [--warmup S]
 *		[--pid PID] [--path PATH]
 *
 * Either N clients of /stream, and the latency is that from the moment the emulated
 * device filled a frame (its stamp) to the picture's last byte at the client. Or waves
 * of N requests for /snapshot at once, at moments that fall evenly between the frames
 * of F a second, and the latency is that from the request to the last byte. --clients 0
 * only looks at the process. Prints one JSON object.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "connection.h"
#include "picture_stamp.h"
#include "process.h"
#include "tally.h"

#define CLIENTS_MAX 256
#define PATIENCE 30		/* seconds for the first picture */
#define STEP_NS (10 * GLINT_NSEC_PER_MSEC)

struct reader {
	/* What is asked for. */
	const char *address, *path;
	unsigned n;
	bool snapshots;
	double fps, seconds, warmup;
	pid_t pid;

	int epoll;
	struct connection connections[CLIENTS_MAX];
	unsigned waiting, waves;	/* snapshots: replies of this wave to come */
	uint64_t next_wave_ns;
	bool counting;
	struct process_use before, after;
	uint64_t begin_ns, end_ns;

	struct tally latencies;
	uint64_t received, pictures, bytes, gaps, bad, stale, last_size;
};

static void count_picture(struct reader *reader, struct connection *connection, const uint8_t *data,
			  size_t size, uint64_t now_ns)
{
	struct picture_stamp seen;
	int err = picture_stamp_read(data, size, &seen);
	uint32_t last = connection->last_seq;

	if (err == 0)
		connection->last_seq = seen.stamp.seq;
	connection->pictures++;
	if (!reader->counting)
		return;
	reader->received++;
	reader->last_size = size;
	reader->bytes += size;
	reader->pictures += seen.is_new;
	reader->bad += err < 0;
	if (reader->snapshots)
		tally_add(&reader->latencies, now_ns - connection->asked_ns);
	else if (err == 0)
		tally_add(&reader->latencies, now_ns - seen.stamp.ns);
	if (err == 0) {
		reader->gaps += connection->pictures > 1 && seen.stamp.seq > last + 1 ?
					seen.stamp.seq - last - 1 :
					0;
		reader->stale += seen.stamp.ns < connection->asked_ns;
	}
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
		reader->waiting -= reader->snapshots;
	}
}

/* The golden ratio spreads the waves over the interval, in whatever number they are. */
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

		connection_open(connection, reader->address);
		epoll_ctl(reader->epoll, EPOLL_CTL_ADD, connection->fd, &event);
		if (!reader->snapshots)
			connection_ask(connection, reader->path);
	}
}

/* Waits for pictures until the moment. */
static void attend(struct reader *reader, uint64_t until_ns)
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

static void read_until(struct reader *reader, uint64_t end_ns)
{
	while (glint_now_ns() < end_ns) {
		if (!reader->snapshots || reader->waiting > 0) {
			attend(reader, end_ns);
			continue;
		}
		if (reader->next_wave_ns == UINT64_MAX)
			plan_wave(reader);
		if (glint_now_ns() < reader->next_wave_ns)
			attend(reader, reader->next_wave_ns);
		else
			send_wave(reader);
	}
}

static bool all_have_one(const struct reader *reader)
{
	for (unsigned i = 0; i < reader->n; i++)
		if (reader->connections[i].pictures == 0)
			return false;
	return true;
}

/* Large buffers take their time to be made; what is measured is what comes after. */
static void wait_for_pictures(struct reader *reader)
{
	uint64_t deadline_ns = glint_now_ns() + PATIENCE * GLINT_NSEC_PER_SEC;

	while (!all_have_one(reader)) {
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
	read_until(reader, glint_now_ns() + (uint64_t)(reader->warmup * 1e9));

	reader->counting = true;
	process_look(reader->pid, &reader->before);
	reader->begin_ns = glint_now_ns();
	read_until(reader, reader->begin_ns + (uint64_t)(reader->seconds * 1e9));
	reader->end_ns = glint_now_ns();
	process_look(reader->pid, &reader->after);
}

/* Without any latency there is none to be told: null. */
static void report_latencies(struct reader *reader)
{
	static const unsigned percents[] = { 50, 90, 95, 99, 100 };

	for (size_t i = 0; i < ARRAY_SIZE(percents); i++) {
		uint64_t ns = tally_percentile(&reader->latencies, percents[i]);

		if (reader->latencies.count > 0)
			printf("\"p%u_ms\": %.3f, ", percents[i], (double)ns / 1e6);
		else
			printf("\"p%u_ms\": null, ", percents[i]);
	}
}

static void report(struct reader *reader)
{
	double seconds = (double)(reader->end_ns - reader->begin_ns) / 1e9;
	double cpu_ns = (double)(reader->after.cpu_ns - reader->before.cpu_ns);

	printf("{\"clients\": %u, \"seconds\": %.3f, \"received\": %" PRIu64 ", ", reader->n,
	       seconds, reader->received);
	printf("\"pictures\": %" PRIu64 ", \"fps\": %.2f, ", reader->pictures,
	       reader->n ? (double)reader->received / seconds / reader->n : 0);
	report_latencies(reader);
	printf("\"gaps\": %" PRIu64 ", \"bad\": %" PRIu64 ", \"stale\": %" PRIu64 ", ",
	       reader->gaps, reader->bad, reader->stale);
	printf("\"bytes_per_picture\": %" PRIu64 ", ",
	       reader->received ? reader->bytes / reader->received : 0);
	printf("\"cpu_percent\": %.3f, \"cpu_us_per_picture\": %.1f, ", cpu_ns / seconds / 1e7,
	       reader->pictures ? cpu_ns / 1e3 / (double)reader->pictures : 0);
	printf("\"rss_kib\": %" PRIu64 ", \"threads\": %u}\n", reader->after.rss_kib,
	       reader->after.threads);
}

static void read_arguments(struct reader *reader, int argc, char **argv)
{
	static const struct option options[] = {
		{ "clients", required_argument, NULL, 'c' },
		{ "snapshots", required_argument, NULL, 'n' },
		{ "fps", required_argument, NULL, 'f' },
		{ "seconds", required_argument, NULL, 's' },
		{ "warmup", required_argument, NULL, 'w' },
		{ "pid", required_argument, NULL, 'p' },
		{ "path", required_argument, NULL, 'u' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) > 0)
		switch (option) {
		case 'n':
			reader->snapshots = true;
			reader->path = "/snapshot";
			reader->n = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'c':
			reader->n = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'f':
			reader->fps = strtod(optarg, NULL);
			break;
		case 's':
			reader->seconds = strtod(optarg, NULL);
			break;
		case 'w':
			reader->warmup = strtod(optarg, NULL);
			break;
		case 'p':
			reader->pid = (pid_t)strtol(optarg, NULL, 10);
			break;
		case 'u':
			reader->path = optarg;
			break;
		default:
			exit(2);
		}
	if (optind + 1 != argc || reader->n > CLIENTS_MAX) {
		fprintf(stderr, "usage: reader ADDRESS [options]; see tests/bench/reader.c\n");
		exit(2);
	}
	reader->address = argv[optind];
}

int main(int argc, char **argv)
{
	static struct reader reader = {
		.path = "/stream",
		.n = 1,
		.fps = 60,
		.seconds = 3,
		.warmup = 1,
	};

	read_arguments(&reader, argc, argv);
	measure(&reader);
	report(&reader);
	for (unsigned i = 0; i < reader.n; i++)
		connection_close(&reader.connections[i]);
	tally_fini(&reader.latencies);
	return 0;
}
