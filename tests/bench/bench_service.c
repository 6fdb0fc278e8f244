/* SPDX-License-Identifier: MIT */
/* The whole way: the service as a process on the emulated device, and its clients. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/kconfig.h"
#include "base/macros.h"
#include "bench.h"
#include "connection.h"
#include "reader.h"
#include "request.h"
#include "service_process.h"
#include "tally.h"

#define SECONDS	 1.5
#define WARMUP	 0.7
#define FRAME_MS (1000.0 / 60)
#define REQUESTS 100

static const struct source desktop = { .scene = "busy", .range = "limited" };
static const struct source moving = { .scene = "busy", .change = "all", .range = "limited" };
static const struct source still = { .scene = "ui", .change = "blink", .range = "limited" };
static const struct source mjpeg = { .format = "MJPEG", .scene = "busy", .change = "all" };

/* --- A run with a reader ------------------------------------------------------------- */

struct run {
	struct source source;
	const char *const *options; /* of the service, or NULL */
	struct reader_options reader;
};

static struct reader_result run_once(const struct run *run)
{
	struct reader_options options = run->reader;
	struct reader_result result;
	struct service service;

	service_open(&service, &run->source, run->options);
	options.address = service.address;
	options.pid = service.pid;
	options.seconds = SECONDS;
	options.warmup = WARMUP;
	if (options.fps == 0)
		options.fps = run->source.fps > 0 ? run->source.fps : 60;
	result = reader_run(&options);
	service_close(&service);
	CU_ASSERT_EQUAL(result.bad, 0);
	return result;
}

static double latency_ms(struct reader_result *result, unsigned percent)
{
	return (double)tally_percentile(&result->latencies, percent) / 1e6;
}

static double core_percent(const struct reader_result *result)
{
	return (double)result->cpu_ns / result->seconds / 1e7;
}

static double frame_us(const struct run *run, const struct reader_result *result)
{
	return (double)result->cpu_ns / 1e3 / ((double)result->received / run->reader.n);
}

/* p50, p99, frames a second, CPU a frame */
static void stream_round(void *ctx, double *values)
{
	const struct run *run = ctx;
	struct reader_result result = run_once(run);

	values[0] = latency_ms(&result, 50);
	values[1] = latency_ms(&result, 99);
	values[2] = (double)result.received / result.seconds / run->reader.n;
	values[3] = frame_us(run, &result);
	tally_fini(&result.latencies);
}

static void bench_stream(const char *name, struct run run)
{
	const struct glint_bench_figure figures[] = {
		{ "p50", "ms" }, { "p99", "ms" }, { "frame rate", "fps" }, { "CPU a frame", "us" }
	};

	if (run.reader.n == 0)
		run.reader.n = 1;
	glint_bench_rounds(name, figures, ARRAY_SIZE(figures), stream_round, &run);
}

static void core_round(void *ctx, double *values)
{
	struct reader_result result = run_once(ctx);

	values[0] = core_percent(&result);
	tally_fini(&result.latencies);
}

/* @bar: percent, or 0 */
static void bench_core(const char *name, struct run run, double bar)
{
	const struct glint_bench_figure figures[] = { { "of a core", "%", bar } };

	glint_bench_rounds(name, figures, ARRAY_SIZE(figures), core_round, &run);
}

/* --- Streams --------------------------------------------------------------------------- */

static void bench_a_stream_to_one_client(void)
{
	bench_stream("720p120", (struct run){ { .size = "1280x720", .fps = 120 } });
	bench_stream("1080p60", (struct run){ { .size = "1920x1080" } });
	bench_stream("2160p60", (struct run){ { .size = "3840x2160" } });
}

static void bench_a_stream_of_a_screen_that_stands_still(void)
{
	struct run run = { still, .reader = { .still = true } };

	bench_stream("still 1080p60", run);
	run.source.size = "3840x2160";
	bench_stream("still 2160p60", run);
}

static void bench_a_stream_on_either_loop(void)
{
	static const char *const uring[] = { "--loop", "uring", NULL };
	static const char *const epoll[] = { "--loop", "epoll", NULL };

	if (IS_ENABLED(CONFIG_LOOP_URING))
		bench_stream("1080p60, uring", (struct run){ .options = uring });
	bench_stream("1080p60, epoll", (struct run){ .options = epoll });
}

static void bench_streams_to_one_and_to_many_clients(void)
{
	for (unsigned n = 1; n <= 64; n *= 4) {
		struct run run = { { .size = "1280x720", .fps = 30 }, .reader = { .n = n } };
		char name[64];

		snprintf(name, sizeof(name), "720p30, %u client(s)", n);
		bench_stream(name, run);
	}
}

static void bench_jpegs_of_the_device_are_passed_through(void)
{
	bench_stream("1080p60 MJPEG", (struct run){ { .format = "MJPEG" } });
}

/* --- Snapshots ------------------------------------------------------------------------- */

static void snapshot_round(void *ctx, double *values)
{
	struct reader_result result = run_once(ctx);

	CU_ASSERT_EQUAL(result.stale, 0);
	values[0] = latency_ms(&result, 50);
	values[1] = latency_ms(&result, 99);
	values[2] = (double)result.received;
	tally_fini(&result.latencies);
}

static void bench_snapshots(const char *name, struct run run, double p99_bar)
{
	const struct glint_bench_figure figures[] = { { "request to last byte, p50", "ms" },
						      { "request to last byte, p99", "ms",
							p99_bar },
						      { "requests", "" } };

	glint_bench_rounds(name, figures, ARRAY_SIZE(figures), snapshot_round, &run);
}

static void bench_snapshots_one_and_sixteen_at_once(void)
{
	struct run run = { .reader = { .snapshots = true, .n = 1 } };

	bench_snapshots("snapshots, 1 at once", run, 0);
	run.reader.n = 16;
	bench_snapshots("snapshots, 16 at once", run, 0);
}

/* A picture that is older than its request is an error. */
static void bench_random_requests_get_pictures_that_are_newer(void)
{
	static const char *const options[] = { "--clients-max", "80", NULL };
	struct run run = { moving, options, { .snapshots = true, .random = true } };

	run.source.size = "1280x720";
	for (unsigned n = 1; n <= 64; n *= 4) {
		char name[64];

		snprintf(name, sizeof(name), "random requests, %u client(s)", n);
		run.reader.n = n;
		bench_snapshots(name, run, FRAME_MS + 5);
	}
}

/* --- Requests for a picture or an answer, one after the other ----------------------------- */

struct requests {
	const struct source *source; /* NULL: moving */
	const char *path;
	const char *before, *stamp; /* what the reply has in front of the moment of the frame */
	unsigned without;	    /* replies that have no moment */
};

static double ask_ms(const struct service *service, struct requests *requests)
{
	struct connection reply;
	uint64_t read_ns, moment_ns;

	request_get(&reply, service->address, requests->path);
	read_ns = glint_now_ns();
	moment_ns = request_number(&reply, requests->before, requests->stamp);
	requests->without += moment_ns == 0;
	connection_close(&reply);
	return moment_ns ? (double)(read_ns - moment_ns) / 1e6 : 0;
}

static void requests_round(void *ctx, double *values)
{
	const struct source *source = ((struct requests *)ctx)->source;
	struct tally took = { 0 };
	struct service service;

	service_open(&service, source ? source : &moving, NULL);
	/* The first ones touch the memory of the device's buffers for the first time. */
	for (unsigned i = 0; i < REQUESTS + 20; i++) {
		double ms = ask_ms(&service, ctx);

		if (i >= 20)
			tally_add(&took, (uint64_t)(ms * 1e6));
	}
	service_close(&service);
	CU_ASSERT_EQUAL(((struct requests *)ctx)->without, 0);
	values[0] = (double)tally_percentile(&took, 50) / 1e6;
	values[1] = (double)tally_percentile(&took, 99) / 1e6;
	tally_fini(&took);
}

static void bench_requests(const char *name, struct requests requests, double p50_bar,
			   double p99_bar)
{
	const struct glint_bench_figure figures[] = {
		{ "complete frame to last byte, p50", "ms", p50_bar },
		{ "complete frame to last byte, p99", "ms", p99_bar },
	};

	glint_bench_rounds(name, figures, ARRAY_SIZE(figures), requests_round, &requests);
}

static void bench_exact_pixels_are_requested(void)
{
	static const char stamp[] = "X-Glint-Complete-Ns: ";

	if (!IS_ENABLED(CONFIG_PIXELS_PNG))
		GLINT_SKIP("this build has no exact pixels");
	bench_requests("PNG of 400x300",
		       (struct requests){
			       .path = "/snapshot?format=png&crop=400x300%2B700%2B300&after=now",
			       .before = "",
			       .stamp = stamp },
		       5, 0);
	bench_requests("PNG of 1080p",
		       (struct requests){ .path = "/snapshot?format=png&after=now",
					  .before = "",
					  .stamp = stamp },
		       25, 0);
}

static void bench_the_answer_of_a_wait(void)
{
	static const struct {
		const char *name, *path;
		const struct source *source;
	} waits[] = {
		{ "answer of a wait", "/wait?for=change&timeout=5", &moving },
		{ "answer of a wait by stbt", "/wait?for=change&metric=stbt&timeout=5", &moving },
		{ "answer of a wait by psnr", "/wait?for=change&metric=psnr&timeout=5", &moving },
		{ "answer of a wait, MJPEG", "/wait?for=change&timeout=5", &mjpeg },
		{ "answer of a wait, MJPEG at 1/8", "/wait?for=change&scale=1/8&timeout=5",
		  &mjpeg },
		{ "answer of a wait by stbt, MJPEG", "/wait?for=change&metric=stbt&timeout=5",
		  &mjpeg },
	};

	if (!IS_ENABLED(CONFIG_JUDGE))
		GLINT_SKIP("this build has no waits");
	for (unsigned i = 0; i < ARRAY_SIZE(waits); i++)
		bench_requests(waits[i].name,
			       (struct requests){ .source = waits[i].source,
						  .path = waits[i].path,
						  .before = "\"decided\"",
						  .stamp = "\"complete_ns\": " },
			       0, waits[i].source == &moving ? 3 : 0);
}

/* --- Waits that no frame decides ----------------------------------------------------------- */

struct waiting {
	const struct source *source;
	const char *query; /* behind the threshold */
	unsigned n;
};

static void waiting_round(void *ctx, double *values)
{
	const struct waiting *waiting = ctx;
	struct connection connections[10];
	struct reader_options options = { .seconds = SECONDS, .warmup = WARMUP };
	struct reader_result result;
	struct service service;

	service_open(&service, waiting->source, NULL);
	for (unsigned i = 0; i < waiting->n; i++) {
		char path[96];

		snprintf(path, sizeof(path),
			 "/wait?for=still&stable=600&timeout=600&threshold=%u%s", 5 + 5 * i,
			 waiting->query);
		connection_open(&connections[i], service.address);
		connection_ask(&connections[i], path);
	}
	options.address = service.address;
	options.pid = service.pid;
	result = reader_run(&options);
	for (unsigned i = 0; i < waiting->n; i++)
		connection_close(&connections[i]);
	service_close(&service);
	values[0] = core_percent(&result);
	tally_fini(&result.latencies);
}

static void bench_waiting(const char *name, struct waiting waiting, double bar)
{
	const struct glint_bench_figure figure = { "of a core", "%", bar };

	glint_bench_rounds(name, &figure, 1, waiting_round, &waiting);
}

static void bench_waits_that_no_frame_decides(void)
{
	static const unsigned counts[] = { 0, 1, 10 };

	if (!IS_ENABLED(CONFIG_JUDGE))
		GLINT_SKIP("this build has no waits");
	for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
		char name[64];

		snprintf(name, sizeof(name), "%u wait(s) for the whole picture", counts[i]);
		bench_waiting(name, (struct waiting){ &moving, "", counts[i] },
			      counts[i] == 1 ? 10 : 0);
	}
	bench_waiting("1 wait, MJPEG", (struct waiting){ &mjpeg, "", 1 }, 0);
	bench_waiting("1 wait, MJPEG at 1/8", (struct waiting){ &mjpeg, "&scale=1/8", 1 }, 0);
	bench_waiting("1 wait by stbt, MJPEG", (struct waiting){ &mjpeg, "&metric=stbt", 1 }, 0);
}

/* --- More waits than the service has room for ---------------------------------------------- */

#define WAITS_MAX     64u    /* of the service, at once */
#define WAITS_ASKED   10000u /* in FLOOD_SECONDS; some more in the warm-up */
#define FLOOD_SECONDS 3.0

struct flood {
	const struct service *service;
	atomic_bool ended;
	unsigned asked, refused;
};

static const char endless_wait[] = "/wait?for=still&stable=600&timeout=600";

/* Ask for one wait after the other at an even pace; a slow service is asked less often. */
static void *flood_run(void *ctx)
{
	const uint64_t pace_ns = (uint64_t)(FLOOD_SECONDS * 1e9 / WAITS_ASKED);
	struct flood *flood = ctx;
	struct connection connection;
	uint64_t due_ns = glint_now_ns();

	connection_open(&connection, flood->service->address);
	while (!atomic_load(&flood->ended)) {
		struct timespec pause = glint_timespec(glint_time_left_ns(due_ns));
		const uint8_t *body;
		size_t size;

		(void)nanosleep(&pause, NULL);
		due_ns += pace_ns;
		connection_ask(&connection, endless_wait);
		flood->asked++;
		while (!(body = connection_picture(&connection, &size)))
			if (connection_wait(&connection) < 0)
				goto out;
		flood->refused += memmem(body, size, "too-many-waits", 14) != NULL;
		connection_drop(&connection);
	}
out:
	connection_close(&connection);
	return NULL;
}

/* A stream without any wait, and then beside all waits that there may be and 10,000 refused ones. */
static void flood_round(void *ctx, double *values)
{
	static const char waits[] = "\"waits\": {", ledger[] = "\"ledger\": {";
	struct reader_options options = {
		.n = 1, .fps = 60, .seconds = FLOOD_SECONDS, .warmup = WARMUP
	};
	struct connection connections[WAITS_MAX];
	struct reader_result without, with;
	struct flood flood = { 0 };
	struct service service;
	uint64_t deadline_ns, dropped;
	pthread_t thread;

	(void)ctx;
	service_open(&service, &moving, NULL);
	options.address = service.address;
	options.pid = service.pid;
	without = reader_run(&options);
	dropped = request_state(service.address, ledger, "\"driver_dropped\": ");
	for (unsigned i = 0; i < WAITS_MAX; i++) {
		connection_open(&connections[i], service.address);
		connection_ask(&connections[i], endless_wait);
	}
	deadline_ns = glint_now_ns() + 60 * GLINT_NSEC_PER_SEC;
	while (request_state(service.address, waits, "\"pending\": ") < WAITS_MAX &&
	       glint_now_ns() < deadline_ns)
		;
	flood.service = &service;
	if (pthread_create(&thread, NULL, flood_run, &flood) != 0)
		abort();
	with = reader_run(&options);
	atomic_store(&flood.ended, true);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(flood.refused, flood.asked);
	CU_ASSERT_EQUAL(without.bad + with.bad, 0);
	values[0] = ((double)with.received / with.seconds) /
		    ((double)without.received / without.seconds);
	values[1] = latency_ms(&with, 50) / latency_ms(&without, 50);
	values[2] = latency_ms(&without, 50);
	values[3] = latency_ms(&without, 99);
	values[4] = latency_ms(&with, 50);
	values[5] = latency_ms(&with, 99);
	values[6] =
		(double)(request_state(service.address, ledger, "\"driver_dropped\": ") - dropped);
	values[7] = flood.refused;
	for (unsigned i = 0; i < WAITS_MAX; i++)
		connection_close(&connections[i]);
	service_close(&service);
	tally_fini(&without.latencies);
	tally_fini(&with.latencies);
}

static void bench_a_stream_beside_ten_thousand_waits(void)
{
	const struct glint_bench_figure figures[] = {
		{ "frames, with to without", "x" },
		{ "p50, with to without", "x" },
		{ "p50 without", "ms" },
		{ "p99 without", "ms" },
		{ "p50 with", "ms" },
		{ "p99 with", "ms" },
		{ "frames that the driver dropped", "" },
		{ "waits refused", "" },
	};

	if (!IS_ENABLED(CONFIG_JUDGE))
		GLINT_SKIP("this build has no waits");
	glint_bench_rounds("stream beside 10,000 waits", figures, ARRAY_SIZE(figures), flood_round,
			   NULL);
}

/* --- Start, end, idle ---------------------------------------------------------------------- */

static double ms_since(uint64_t begin_ns)
{
	return (double)(glint_now_ns() - begin_ns) / 1e6;
}

static void start_round(void *ctx, double *values)
{
	struct connection connection;
	struct service service;
	uint64_t begin_ns = glint_now_ns();

	(void)ctx;
	service_open(&service, &(struct source){ 0 }, NULL);
	connection_open(&connection, service.address);
	connection_ask(&connection, "/stream?extra_headers=1");
	while (connection.used == 0 && connection_wait(&connection) == 0)
		;
	values[0] = ms_since(begin_ns);
	/* The pictures before the first one of the device are of the start. */
	while (!memmem(connection.data, connection.used, "X-UStreamer-Online: true", 24) &&
	       connection_wait(&connection) == 0)
		;
	values[1] = ms_since(begin_ns);
	connection_close(&connection);
	service_close(&service);
}

static void bench_the_start(void)
{
	const struct glint_bench_figure figures[] = { { "first byte", "ms" },
						      { "first live picture", "ms" } };

	glint_bench_rounds("start-up to the", figures, ARRAY_SIZE(figures), start_round, NULL);
}

/* The clients are streams that do not read: the end takes longest with them. */
static void end_round(void *ctx, double *values)
{
	const unsigned *clients = ctx;
	struct connection connection;
	struct service service;
	uint64_t begin_ns;

	service_open(&service, &(struct source){ 0 }, NULL);
	if (*clients > 0) {
		connection_open(&connection, service.address);
		connection_ask(&connection, "/stream");
		while (connection.used == 0 && connection_wait(&connection) == 0)
			;
	}
	begin_ns = glint_now_ns();
	kill(service.pid, SIGTERM);
	/* A loop without a sleep would keep a processor from the service, under SCHED_FIFO for long. */
	while (access(service.address, F_OK) == 0)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
	values[0] = ms_since(begin_ns);
	waitpid(service.pid, NULL, 0);
	values[1] = ms_since(begin_ns);
	if (*clients > 0)
		connection_close(&connection);
	service_remove(service.folder);
}

static void bench_the_end(void)
{
	const struct glint_bench_figure figures[] = { { "until the socket is gone", "ms" },
						      { "until the process has ended", "ms" } };

	for (unsigned clients = 0; clients < 2; clients++)
		glint_bench_rounds(clients ? "SIGTERM, with a stream" : "SIGTERM", figures,
				   ARRAY_SIZE(figures), end_round, &clients);
}

static void bench_no_client(void)
{
	bench_core("no client, 1080p60", (struct run){ moving, .reader = { .n = 0 } }, 0.5);
	bench_core("no client, 1080p60 MJPEG", (struct run){ { .format = "MJPEG" } }, 0);
}

static void memory_round(void *ctx, double *values)
{
	struct reader_result result = run_once(ctx);

	values[0] = (double)result.rss_kib / 1024;
	tally_fini(&result.latencies);
}

static void bench_memory_beyond_the_buffers(void)
{
	static const char *const sizes[] = { "1920x1080", "3840x2160" };
	const struct glint_bench_figure figure = { "memory beyond buffers", "MiB", 16 };

	for (unsigned i = 0; i < 4; i++) {
		struct run run = { i % 2 ? moving : desktop, .reader = { .n = 1 } };
		char name[64];

		run.source.size = sizes[i / 2];
		snprintf(name, sizeof(name), "%s, %s", sizes[i / 2],
			 i % 2 ? "all moves" : "a box moves");
		glint_bench_rounds(name, &figure, 1, memory_round, &run);
	}
}

/* clang-format off */
GLINT_BENCHES("service",
	GLINT_BENCH(bench_a_stream_to_one_client),
	GLINT_BENCH(bench_a_stream_of_a_screen_that_stands_still),
	GLINT_BENCH(bench_a_stream_on_either_loop),
	GLINT_BENCH(bench_streams_to_one_and_to_many_clients),
	GLINT_BENCH(bench_jpegs_of_the_device_are_passed_through),
	GLINT_BENCH(bench_snapshots_one_and_sixteen_at_once),
	GLINT_BENCH(bench_random_requests_get_pictures_that_are_newer),
	GLINT_BENCH(bench_exact_pixels_are_requested),
	GLINT_BENCH(bench_the_answer_of_a_wait),
	GLINT_BENCH(bench_waits_that_no_frame_decides),
	GLINT_BENCH(bench_a_stream_beside_ten_thousand_waits),
	GLINT_BENCH(bench_the_start),
	GLINT_BENCH(bench_the_end),
	GLINT_BENCH(bench_no_client),
	GLINT_BENCH(bench_memory_beyond_the_buffers),
)
