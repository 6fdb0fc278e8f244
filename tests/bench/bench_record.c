/* SPDX-License-Identifier: MIT */
/*
 * The recorder: what it costs, that it loses no frame, and how soon a trigger is answered and its
 * file complete. The service is a process on the emulated device, and records into a folder of a
 * real disk, which BENCH_DISK names. A lost frame fails a benchmark: one for which the driver had no
 * buffer, or the recorder no memory. Frames for which the emulated device itself was too late are
 * none of the service's, and a figure.
 */
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <linux/magic.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/kconfig.h"
#include "base/macros.h"
#include "bench.h"
#include "connection.h"
#include "process.h"
#include "reader.h"
#include "request.h"
#include "service_process.h"
#include "tally.h"
#include "v4l2emu/stats.h"

#define WARMUP	     0.7
#define SETTLED	     2 /* seconds of frames: the service looks at pictures, and its memory is warm */
#define PATIENCE_NS  (60 * GLINT_NSEC_PER_SEC)
#define STALL	     2.0 /* seconds */
#define TRIGGERS     200u
#define WINDOW_BYTES 1e9
#define NO_SYNC	     "tests/preload/no_sync.so"

static const char recorder[] = "\"recorder\": {";

/* Of each measurement; BENCH_SECONDS in the environment: others. */
static double seconds(void)
{
	const char *text = getenv("BENCH_SECONDS");
	double given = text ? strtod(text, NULL) : 0;

	return given > 0 ? given : 3;
}

static void pause_for(double time)
{
	struct timespec pause = glint_timespec((uint64_t)(time * 1e9));

	(void)nanosleep(&pause, NULL);
}

/* --- The disk ------------------------------------------------------------------------- */

/* "ext4 on /dev/vda" of the file system of @path. */
static void describe_disk(const char *path, char *text, size_t size)
{
	char line[1024], type[64], device[128];
	unsigned major, minor;
	struct stat stat_of;
	FILE *mounts = fopen("/proc/self/mountinfo", "re");

	snprintf(text, size, "unknown");
	if (stat(path, &stat_of) < 0)
		stat_of = (struct stat){ 0 };
	while (mounts && fgets(line, sizeof(line), mounts)) {
		const char *rest = strstr(line, " - ");

		if (rest && sscanf(line, "%*u %*u %u:%u", &major, &minor) == 2 &&
		    makedev(major, minor) == stat_of.st_dev &&
		    sscanf(rest, " - %63s %127s", type, device) == 2)
			snprintf(text, size, "%s on %s", type, device);
	}
	if (mounts)
		(void)fclose(mounts);
}

static void make_folder(char folder[static PATH_MAX])
{
	const char *given = getenv("BENCH_DISK"), *build = getenv("O");
	char path[PATH_MAX - 32], disk[256];

	if (given && *given) {
		snprintf(path, sizeof(path), "%s", given);
	} else {
		snprintf(path, sizeof(path), "%s/bench", build ? build : "build");
		(void)mkdir(path, 0777);
	}
	if (!realpath(path, folder)) {
		perror(path);
		exit(2);
	}
	describe_disk(folder, disk, sizeof(disk));
	glint_bench_about("disk", disk);
	strcat(folder, "/record-XXXXXX");
	if (!mkdtemp(folder)) {
		perror(folder);
		exit(2);
	}
}

/* Why there is nothing to measure, or NULL. */
static const char *obstacle(void)
{
	char folder[PATH_MAX];
	struct statfs in;
	int err;

	if (!IS_ENABLED(CONFIG_RECORD))
		return "this build has no recorder";
	make_folder(folder);
	err = statfs(folder, &in);
	(void)rmdir(folder);
	if (err == 0 && in.f_type == TMPFS_MAGIC)
		return "the folder is in memory: BENCH_DISK names one of a disk";
	return NULL;
}

/* --- One service ------------------------------------------------------------------------ */

/* A service with a recorder, or without one. */
struct side {
	struct source source;
	unsigned memory, disk; /* MiB; memory 0: no recorder; disk 0: the ring is in memory alone */
	bool jpegs;	       /* the service's own */
	unsigned clients;      /* of the stream */
};

struct rig {
	const struct side *side;
	struct service service;
	char folder[PATH_MAX];
	const struct emu_stats *device;
};

static uint64_t recorder_figure(const struct rig *rig, const char *member)
{
	return request_state(rig->service.address, recorder, member);
}

/* False: it took too long. */
static bool reaches(const struct rig *rig, const char *member, uint64_t least)
{
	uint64_t deadline_ns = glint_now_ns() + PATIENCE_NS;

	while (recorder_figure(rig, member) < least) {
		if (glint_now_ns() > deadline_ns)
			return false;
		pause_for(0.02);
	}
	return true;
}

static bool produces(const struct rig *rig, double least)
{
	uint64_t deadline_ns = glint_now_ns() + PATIENCE_NS;

	while ((double)rig->device->produced < least) {
		if (glint_now_ns() > deadline_ns)
			return false;
		pause_for(0.02);
	}
	return true;
}

static bool state_says(const struct rig *rig, const char *text)
{
	struct connection reply;
	bool says;

	request_get(&reply, rig->service.address, "/state");
	says = memmem(reply.data, reply.used, text, strlen(text)) != NULL;
	connection_close(&reply);
	return says;
}

/* The ring has gone round once: memory and blocks of the disk are no longer new. */
static void wait_until_it_is_full(const struct rig *rig)
{
	const struct side *side = rig->side;

	if (side->memory == 0) {
		CU_ASSERT_FATAL(produces(rig, side->source.fps * SETTLED));
	} else if (side->disk > 0) {
		CU_ASSERT_FATAL(reaches(rig, "\"bytes_written\": ", (uint64_t)side->disk << 20));
	} else {
		CU_ASSERT_FATAL(reaches(rig, "\"passed\": ", 1));
	}
}

static void rig_open(struct rig *rig, const struct side *side)
{
	char memory[16], disk[16];
	const char *options[16] = { "--buffers", "32" };
	unsigned n = 2;

	*rig = (struct rig){ .side = side };
	if (side->memory > 0) {
		make_folder(rig->folder);
		snprintf(memory, sizeof(memory), "%u", side->memory);
		options[n++] = "--record";
		options[n++] = rig->folder;
		options[n++] = "--record-memory";
		options[n++] = memory;
		options[n++] = "--record-what";
		options[n++] = side->jpegs ? "jpeg" : "frames";
	}
	if (side->memory > 0 && side->disk > 0) {
		snprintf(disk, sizeof(disk), "%u", side->disk);
		options[n++] = "--record-disk";
		options[n++] = disk;
	}
	service_open(&rig->service, &side->source, options);
	rig->device = emu_stats_map(rig->service.stats);
	CU_ASSERT_PTR_NOT_NULL_FATAL(rig->device);
	wait_until_it_is_full(rig);
	if (side->memory > 0 && !side->jpegs)
		CU_ASSERT(state_says(rig, side->source.memory ? "\"memory\": \"userptr\"" :
								"\"memory\": \"copy\""));
}

static void rig_close(struct rig *rig)
{
	if (rig->side->memory > 0)
		CU_ASSERT(state_says(rig, "\"disk_error\": \"\""));
	munmap((void *)rig->device, sizeof(*rig->device));
	service_close(&rig->service);
	if (rig->side->memory > 0)
		service_remove(rig->folder);
}

/* --- Frames that are lost ------------------------------------------------------------------ */

struct counts {
	uint64_t produced, dropped, late; /* of the device */
	uint64_t seen, lost;		  /* of the recorder */
};

static struct counts count(const struct rig *rig)
{
	struct counts counts = {
		.produced = rig->device->produced,
		.dropped = rig->device->dropped,
		.late = rig->device->late,
	};

	if (rig->side->memory > 0) {
		counts.seen = recorder_figure(rig, "\"seen\": ");
		counts.lost = recorder_figure(rig, "\"lost\": ");
	}
	return counts;
}

struct losses {
	double lost, late;
};

/* Since @before. Without a recorder nothing but figures. */
static struct losses losses_since(const struct rig *rig, const struct counts *before)
{
	struct counts after = count(rig);
	uint64_t lost = after.dropped - before->dropped + after.lost - before->lost;

	CU_ASSERT(after.produced > before->produced);
	if (rig->side->memory > 0) {
		CU_ASSERT_EQUAL(lost, 0);
		CU_ASSERT(after.seen > before->seen);
	}
	return (struct losses){ (double)lost, (double)(after.late - before->late) };
}

/* --- What it costs -------------------------------------------------------------------------- */

struct cost {
	double core; /* percent */
	double frame_us;
	double worst_write_ms, p50_ms, p99_ms;
	struct losses losses;
};

static void measure(const struct side *side, struct cost *cost)
{
	struct reader_options options = { .n = side->clients, .seconds = seconds() };
	struct reader_result result;
	struct counts before;
	uint64_t produced;
	struct rig rig;

	rig_open(&rig, side);
	options.warmup = side->clients > 0 ? WARMUP : 0.1;
	options.address = rig.service.address;
	options.pid = rig.service.pid;
	options.fps = side->source.fps;
	before = count(&rig);
	produced = rig.device->produced;
	result = reader_run(&options);
	produced = rig.device->produced - produced;
	cost->losses = losses_since(&rig, &before);
	cost->core = (double)result.cpu_ns / result.seconds / 1e7;
	/* The reader's seconds are without the warm-up, in which frames are produced, too. */
	cost->frame_us = (double)result.cpu_ns / 1e3 /
			 ((double)produced * result.seconds / (result.seconds + options.warmup));
	cost->worst_write_ms =
		side->memory > 0 ? (double)recorder_figure(&rig, "\"worst_write_ms\": ") : 0;
	cost->p50_ms = (double)tally_percentile(&result.latencies, 50) / 1e6;
	cost->p99_ms = (double)tally_percentile(&result.latencies, 99) / 1e6;
	tally_fini(&result.latencies);
	rig_close(&rig);
}

static double at_least_0(double value)
{
	return value > 0 ? value : 0;
}

/* Without a recorder, with one copy a frame, and with frames that the device writes to its memory. */
static void cost_round(void *ctx, double *values)
{
	const struct side *recording = ctx;
	struct side side = *recording;
	struct cost without, copied, in_place;

	side.memory = 0;
	measure(&side, &without);
	measure(recording, &copied);
	side.memory = recording->memory;
	side.source.memory = "userptr";
	measure(&side, &in_place);
	values[0] = without.core;
	values[1] = copied.core;
	values[2] = in_place.core;
	values[3] = copied.core / without.core;
	values[4] = in_place.core / without.core;
	values[5] = at_least_0(copied.core - without.core);
	values[6] = at_least_0(in_place.core - without.core);
	values[7] = copied.losses.lost + in_place.losses.lost;
	values[8] = copied.losses.late + in_place.losses.late;
	values[9] = MAX(copied.worst_write_ms, in_place.worst_write_ms);
}

/* @copied_bar, @in_place_bar: percent of a core, or 0 */
static void bench_cost(const char *name, struct side side, double copied_bar, double in_place_bar)
{
	const struct glint_bench_figure figures[] = {
		{ "no recorder, of a core", "%" },
		{ "copied, of a core", "%", copied_bar },
		{ "in place, of a core", "%", in_place_bar },
		{ "copied to no recorder", "x" },
		{ "in place to no recorder", "x" },
		{ "copied, more of a core", "%" },
		{ "in place, more of a core", "%" },
		{ "frames lost", "" },
		{ "frames of which the device was late", "" },
		{ "worst write", "ms" },
	};

	glint_bench_rounds(name, figures, side.disk > 0 ? 10 : 9, cost_round, &side);
}

static void bench_a_ring_on_the_disk(void)
{
	const char *why = obstacle();

	if (why)
		GLINT_SKIP("%s", why);
	bench_cost("1080p60 YUYV to the disk",
		   (struct side){ { .size = "1920x1080", .fps = 60 }, 768, 768 }, 6, 2);
	bench_cost("2160p30 NV12 to the disk",
		   (struct side){ { .size = "3840x2160", .fps = 30, .format = "NV12" }, 1024, 768 },
		   9, 1.5);
	bench_cost("VGA YUYV, 500 fps to the disk",
		   (struct side){ { .size = "640x480", .fps = 500 }, 768, 768 }, 0, 5);
}

static void bench_a_ring_in_memory(void)
{
	const char *why = obstacle();

	if (why)
		GLINT_SKIP("%s", why);
	bench_cost("1080p60 YUYV to memory",
		   (struct side){ { .size = "1920x1080", .fps = 60 }, 256 }, 0, 0);
	bench_cost("VGA YUYV, 1000 fps to memory",
		   (struct side){ { .size = "640x480", .fps = 1000 }, 512 }, 12, 0);
	bench_cost("QVGA YUYV, 2000 fps to memory",
		   (struct side){ { .size = "320x240", .fps = 2000 }, 512 }, 10, 0);
	bench_cost("QVGA YUYV, 5000 fps to memory",
		   (struct side){ { .size = "320x240", .fps = 5000 }, 512 }, 0, 0);
}

/* --- A disk that stalls --------------------------------------------------------------------- */

/* The thread of the service that writes; 0: there is none. */
static pid_t find_writer(pid_t pid)
{
	char path[64], name[32];
	const struct dirent *entry;
	pid_t found = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/comm", (int)pid, entry->d_name);
		file = fopen(path, "re");
		if (file && fgets(name, sizeof(name), file) && strcmp(name, "record\n") == 0)
			found = (pid_t)strtol(entry->d_name, NULL, 10);
		if (file)
			(void)fclose(file);
	}
	if (tasks)
		closedir(tasks);
	return found;
}

/* No write begins meanwhile: the thread that writes is stopped, and the others go on. */
static void stall(const struct rig *rig)
{
	pid_t writer = find_writer(rig->service.pid);

	CU_ASSERT_FATAL(ptrace(PTRACE_SEIZE, writer, NULL, NULL) == 0);
	CU_ASSERT(ptrace(PTRACE_INTERRUPT, writer, NULL, NULL) == 0);
	CU_ASSERT(waitpid(writer, NULL, __WALL) == writer);
	pause_for(STALL);
	CU_ASSERT(ptrace(PTRACE_DETACH, writer, NULL, NULL) == 0);
}

static void stall_round(void *ctx, double *values)
{
	struct process_use use_before, use_after;
	uint64_t begin_ns, deadline_ns;
	struct losses losses;
	struct counts before;
	struct rig rig;

	rig_open(&rig, ctx);
	before = count(&rig);
	stall(&rig);
	process_look(rig.service.pid, &use_before);
	begin_ns = glint_now_ns();
	values[0] = (double)recorder_figure(&rig, "\"disk_unwritten\": ");
	deadline_ns = begin_ns + PATIENCE_NS;
	while (recorder_figure(&rig, "\"disk_unwritten\": ") > 8 && glint_now_ns() < deadline_ns)
		pause_for(0.02);
	CU_ASSERT(glint_now_ns() < deadline_ns);
	values[1] = (double)(glint_now_ns() - begin_ns) / 1e6;
	process_look(rig.service.pid, &use_after);
	losses = losses_since(&rig, &before);
	values[2] = (double)(use_after.cpu_ns - use_before.cpu_ns) / values[1] / 1e4;
	values[3] = losses.lost;
	values[4] = losses.late;
	rig_close(&rig);
}

static void bench_a_disk_that_stalls(void)
{
	const struct glint_bench_figure figures[] = {
		{ "frames in memory behind it", "" },
		{ "until the disk has them", "ms" },
		{ "until then, of a core", "%" },
		{ "frames lost", "" },
		{ "frames of which the device was late", "" },
	};
	struct side side = { { .size = "1920x1080", .fps = 60, .memory = "userptr" }, 1536, 512 };
	const char *why = obstacle();

	if (why)
		GLINT_SKIP("%s", why);
	glint_bench_rounds("1080p60 YUYV, no write for 2 s", figures, ARRAY_SIZE(figures),
			   stall_round, &side);
}

/* --- Beside a stream ---------------------------------------------------------------------------- */

static void beside_round(void *ctx, double *values)
{
	const struct side *recording = ctx;
	struct side side = *recording;
	struct cost without, with;

	side.memory = 0;
	measure(&side, &without);
	measure(recording, &with);
	values[0] = at_least_0(with.core - without.core);
	values[1] = with.core / without.core;
	values[2] = with.p50_ms / without.p50_ms;
	values[3] = with.p99_ms / without.p99_ms;
	values[4] = without.core;
	values[5] = with.core;
	values[6] = without.p50_ms;
	values[7] = with.p50_ms;
	values[8] = without.p99_ms;
	values[9] = with.p99_ms;
	values[10] = with.losses.lost;
	values[11] = with.losses.late;
}

static void bench_beside(const char *name, struct side side)
{
	const struct glint_bench_figure figures[] = {
		{ "more of a core", "%", 3 },
		{ "CPU, recording to not", "x" },
		{ "p50, recording to not", "x", 1.1 },
		{ "p99, recording to not", "x", 1.25 },
		{ "not recording, of a core", "%" },
		{ "recording, of a core", "%" },
		{ "p50 not recording", "ms" },
		{ "p50 recording", "ms" },
		{ "p99 not recording", "ms" },
		{ "p99 recording", "ms" },
		{ "frames lost", "" },
		{ "frames of which the device was late", "" },
	};

	glint_bench_rounds(name, figures, ARRAY_SIZE(figures), beside_round, &side);
}

static void bench_recording_beside_a_stream(void)
{
	const struct source source = { .size = "1920x1080",
				       .fps = 60,
				       .scene = "busy",
				       .change = "all",
				       .range = "limited",
				       .memory = "userptr" };
	const char *why = obstacle();

	if (why)
		GLINT_SKIP("%s", why);
	bench_beside("1080p60 raw to the disk beside a stream",
		     (struct side){ source, 768, 768, .clients = 1 });
	bench_beside("1080p60 JPEGs to memory beside a stream",
		     (struct side){ source, 32, .jpegs = true, .clients = 1 });
}

/* --- Nobody records ---------------------------------------------------------------------------- */

static void nobody_round(void *ctx, double *values)
{
	struct side side = { { .size = "640x480", .fps = 1000 }, 0 };
	struct cost with, without;

	measure(&side, &with);
	side.source.program = ctx;
	measure(&side, &without);
	values[0] = with.frame_us / without.frame_us;
	values[1] = with.frame_us;
	values[2] = without.frame_us;
}

static void bench_nobody_records(void)
{
	const struct glint_bench_figure figures[] = {
		{ "CPU a frame, to a glintd without a recorder", "x" },
		{ "CPU a frame", "us" },
		{ "CPU a frame, without a recorder", "us" },
	};
	char *other = getenv("BENCH_NO_RECORDER");

	if (!other || !*other)
		GLINT_SKIP("BENCH_NO_RECORDER names no glintd that was built without a recorder");
	glint_bench_rounds("no --record, VGA 1000 fps", figures, ARRAY_SIZE(figures), nobody_round,
			   other);
}

/* --- Triggers ------------------------------------------------------------------------------------ */

struct triggers {
	const char *query;
	const char *preload;
};

/* When the newest recording was complete; 0: it was not in time. */
static uint64_t wait_until_closed(const struct rig *rig)
{
	uint64_t deadline_ns = glint_now_ns() + PATIENCE_NS, closed_ns = 0;

	while (closed_ns == 0 && glint_now_ns() < deadline_ns) {
		struct connection reply;

		pause_for(0.004);
		request_get(&reply, rig->service.address, "/record");
		closed_ns = request_number(&reply, "\"recordings\": [", "\"closed_ns\": ");
		connection_close(&reply);
	}
	return closed_ns;
}

/* When the last frame of a recording was complete in memory; 0: its index does not say. */
static uint64_t last_frame_ns(const struct rig *rig, const char *name)
{
	static const char member[] = "\"complete_ns\":";
	char path[PATH_MAX + 64], line[1024];
	uint64_t ns = 0;
	FILE *index;

	snprintf(path, sizeof(path), "%s/%s.jsonl", rig->folder, name);
	index = fopen(path, "re");
	while (index && fgets(line, sizeof(line), index)) {
		const char *at = strstr(line, member);

		if (at)
			ns = strtoull(at + strlen(member), NULL, 10);
	}
	if (index)
		(void)fclose(index);
	return ns;
}

static double percentile_ms(struct tally *tally, unsigned percent)
{
	return (double)tally_percentile(tally, percent) / 1e6;
}

static void triggers_round(void *ctx, double *values)
{
	const struct triggers *triggers = ctx;
	const struct side side = { { .size = "1920x1080",
				     .fps = 60,
				     .memory = "userptr",
				     .preload = triggers->preload },
				   768,
				   768 };
	struct tally answers = { 0 }, closings = { 0 };
	struct connection connection;
	struct counts before;
	struct losses losses;
	struct rig rig;

	rig_open(&rig, &side);
	before = count(&rig);
	connection_open(&connection, rig.service.address);
	for (unsigned i = 0; i < TRIGGERS; i++) {
		char name[32], path[128];
		const uint8_t *answer;
		uint64_t asked_ns, closed_ns, frame_ns;
		size_t size;

		snprintf(name, sizeof(name), "clip-%u", i);
		snprintf(path, sizeof(path), "/record?name=%s&pre=0&post=2&%s", name,
			 triggers->query);
		pause_for(drand48() / side.source.fps);
		asked_ns = glint_now_ns();
		connection_post(&connection, path);
		while (!(answer = connection_picture(&connection, &size)) &&
		       connection_wait(&connection) == 0)
			;
		tally_add(&answers, glint_now_ns() - asked_ns);
		CU_ASSERT_FATAL(answer && memmem(answer, size, "\"ok\": true", 10));
		connection_drop(&connection);
		closed_ns = wait_until_closed(&rig);
		frame_ns = last_frame_ns(&rig, name);
		CU_ASSERT_FATAL(frame_ns > 0 && closed_ns > frame_ns);
		tally_add(&closings, closed_ns - frame_ns);
	}
	connection_close(&connection);
	losses = losses_since(&rig, &before);
	values[0] = percentile_ms(&answers, 50);
	values[1] = percentile_ms(&answers, 99);
	values[2] = percentile_ms(&closings, 50);
	values[3] = percentile_ms(&closings, 99);
	values[4] = losses.lost;
	values[5] = losses.late;
	rig_close(&rig);
	tally_fini(&answers);
	tally_fini(&closings);
}

/* @answer_bar, @closed_bar: milliseconds, or 0 */
static void bench_triggers(const char *name, struct triggers triggers, double answer_bar,
			   double closed_bar)
{
	const struct glint_bench_figure figures[] = {
		{ "answer, p50", "ms" },
		{ "answer, p99", "ms", answer_bar },
		{ "last frame to closed file, p50", "ms" },
		{ "last frame to closed file, p99", "ms", closed_bar },
		{ "frames lost", "" },
		{ "frames of which the device was late", "" },
	};
	const char *why = obstacle();

	if (why)
		GLINT_SKIP("%s", why);
	glint_bench_rounds(name, figures, ARRAY_SIZE(figures), triggers_round, &triggers);
}

static void bench_a_trigger_is_accepted(void)
{
	bench_triggers("200 triggers, until=accepted", (struct triggers){ "until=accepted" }, 2, 0);
}

static void bench_a_trigger_without_fdatasync(void)
{
	bench_triggers("200 triggers, until=accepted, not synced",
		       (struct triggers){ "until=accepted", NO_SYNC }, 2, 20);
}

static void bench_a_trigger_at_a_frame_that_is_held(void)
{
	bench_triggers("200 triggers, until=open&at=last",
		       (struct triggers){ "until=open&at=last" }, 2, 0);
}

static void bench_a_trigger_at_the_next_frame(void)
{
	bench_triggers("200 triggers, until=open&at=now", (struct triggers){ "until=open&at=now" },
		       0, 0);
}

/* --- A window of the memory --------------------------------------------------------------------- */

static void window_round(void *ctx, double *values)
{
	const uint64_t frame_bytes = 1920 * 1080 * 2;
	const uint64_t frames = (uint64_t)(WINDOW_BYTES / (double)frame_bytes) + 1;
	struct side side = {
		{ .size = "1920x1080", .fps = 60, .memory = "userptr", .preload = ctx }, 2560
	};
	struct connection reply;
	struct losses losses;
	struct counts before;
	uint64_t begin_ns;
	char path[128];
	struct rig rig;

	rig_open(&rig, &side);
	before = count(&rig);
	snprintf(path, sizeof(path), "/record?name=window&pre=%" PRIu64 "&post=0&until=complete",
		 frames - 1);
	begin_ns = glint_now_ns();
	request_post(&reply, rig.service.address, path);
	values[0] = (double)(glint_now_ns() - begin_ns) / 1e6;
	values[1] = (double)request_number(&reply, "\"result\"", "\"bytes\": ") / (1 << 20);
	/* The device may have been too late for some. */
	CU_ASSERT_EQUAL(request_number(&reply, "\"result\"", "\"frames\": ") +
				request_number(&reply, "\"result\"", "\"dropped\": "),
			frames);
	connection_close(&reply);
	losses = losses_since(&rig, &before);
	values[2] = values[1] * (1 << 20) / 1e3 / values[0];
	values[3] = losses.lost;
	values[4] = losses.late;
	rig_close(&rig);
}

static void bench_window(const char *name, char *preload, double bar)
{
	const struct glint_bench_figure figures[] = {
		{ "until the file is complete", "ms", bar },
		{ "its size", "MiB" },
		{ "rate", "MB/s" },
		{ "frames lost", "" },
		{ "frames of which the device was late", "" },
	};
	const char *why = obstacle();

	if (why)
		GLINT_SKIP("%s", why);
	glint_bench_rounds(name, figures, ARRAY_SIZE(figures), window_round, preload);
}

static void bench_a_window_of_the_memory(void)
{
	bench_window("1 GB of the memory", NULL, 0);
}

static void bench_a_window_of_the_memory_without_fdatasync(void)
{
	static char no_sync[] = NO_SYNC;

	bench_window("1 GB of the memory, not synced", no_sync, 4000);
}

/* clang-format off */
GLINT_BENCHES("record",
	GLINT_BENCH(bench_a_ring_on_the_disk),
	GLINT_BENCH(bench_a_ring_in_memory),
	GLINT_BENCH(bench_a_disk_that_stalls),
	GLINT_BENCH(bench_recording_beside_a_stream),
	GLINT_BENCH(bench_nobody_records),
	GLINT_BENCH(bench_a_trigger_is_accepted),
	GLINT_BENCH(bench_a_trigger_without_fdatasync),
	GLINT_BENCH(bench_a_trigger_at_a_frame_that_is_held),
	GLINT_BENCH(bench_a_trigger_at_the_next_frame),
	GLINT_BENCH(bench_a_window_of_the_memory),
	GLINT_BENCH(bench_a_window_of_the_memory_without_fdatasync),
)
