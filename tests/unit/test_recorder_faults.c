/* SPDX-License-Identifier: MIT */
/*
 * The recorder's disk fails while the whole service has clients: a stream in the middle of a JPEG,
 * and a snapshot that waits. They, and the capture, go on; /state says why frames are lost.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>

#include "record/disk.h"
#include "record/recorder.h"
#include "report_rig.h"
#include "service_rig.h"

#define WIDTH	   640u
#define HEIGHT	   480u
#define JPEG_BYTES 400000u /* more than a socket takes at once */
#define MEMORY_MIB 8u	   /* for 20 frames */
#define DISK_MIB   32u
#define SLACK	   8u  /* frames */
#define MANY	   50u /* frames, that fill the memory, and not the ring on the disk */

enum fault { FAULT_NONE, FAULT_EIO, FAULT_ENOSPC, FAULT_STALL };

static struct {
	struct glint_disk kernel;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum fault fault;
} faulty = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static int64_t faulty_write(struct glint_disk *disk, int fd, const void *bytes, size_t size,
			    uint64_t offset)
{
	enum fault fault;

	pthread_mutex_lock(&faulty.lock);
	while (faulty.fault == FAULT_STALL)
		pthread_cond_wait(&faulty.changed, &faulty.lock);
	fault = faulty.fault;
	pthread_mutex_unlock(&faulty.lock);
	if (fault != FAULT_NONE)
		return fault == FAULT_EIO ? -EIO : -ENOSPC;
	return faulty.kernel.write(disk, fd, bytes, size, offset);
}

struct scene {
	struct world world;
	char folder[64];
	int stream, snapshot, record;
	bool is_faulty;	 /* the disk */
	size_t streamed; /* bytes */
	char reply[2 * JPEG_BYTES];
	size_t replied;
};

static int64_t figure(struct scene *scene, const char *path)
{
	return REPORTED(int, recorder, scene->world.service->recorder, path);
}

static void disk_has(struct scene *scene, enum fault fault)
{
	scene->is_faulty = fault != FAULT_NONE;
	pthread_mutex_lock(&faulty.lock);
	faulty.fault = fault;
	pthread_cond_broadcast(&faulty.changed);
	pthread_mutex_unlock(&faulty.lock);
}

/* One turn of the loop, with a frame, but no faster than a good disk takes them. */
static void frame_turn(struct scene *scene)
{
	bool waits = figure(scene, "recorder.disk_unwritten") > (int64_t)SLACK ||
		     figure(scene, "recorder.backlog") > (int64_t)SLACK;

	if (!waits || scene->is_faulty)
		(void)world_fill(&scene->world);
	world_turn(&scene->world);
}

/* Frames come until then. The test runner ends a loop that hangs: a busy disk may take seconds. */
#define FRAMES_UNTIL(scene, condition)                                                             \
	do                                                                                         \
		frame_turn(scene);                                                                 \
	while (!(condition))

static void scene_open(struct scene *scene, bool ring)
{
	struct world *w = &scene->world;

	memset(scene, 0, sizeof(*scene));
	faulty.kernel = glint_disk_kernel;
	glint_disk_kernel.write = faulty_write;
	glint_disk_kernel.is_kernel = false;
	scene->stream = scene->snapshot = scene->record = -1;
	strcpy(scene->folder, "/tmp/glint-test-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(scene->folder));
	world_prepare(w, V4L2_PIX_FMT_MJPEG, WIDTH, HEIGHT);
	w->jpeg_size = world_make_jpeg(w->jpeg, WIDTH, HEIGHT, JPEG_BYTES);
	w->settings.record.folder = scene->folder;
	w->settings.record.memory_mib = MEMORY_MIB;
	w->settings.record.disk_mib = ring ? DISK_MIB : 0;
	w->settings.record.pre = w->settings.record.post = (struct glint_record_span){ true, 3 };
}

static void remove_folder(const struct scene *scene)
{
	char path[512];
	struct dirent *entry;
	DIR *dir = opendir(scene->folder);

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", scene->folder, entry->d_name);
		unlink(path);
	}
	if (dir)
		closedir(dir);
	CU_ASSERT_EQUAL(rmdir(scene->folder), 0);
}

static void scene_close(struct scene *scene)
{
	const struct glint_ledger *ledger = glint_capture_ledger(scene->world.service->capture);

	CU_ASSERT_EQUAL(glint_ledger_unaccounted(ledger), 0);
	glint_close(&scene->stream);
	glint_close(&scene->snapshot);
	glint_close(&scene->record);
	world_close(&scene->world);
	glint_disk_kernel = faulty.kernel;
	remove_folder(scene);
}

/* The stream's client reads on. */
static void read_stream(struct scene *scene)
{
	static char dropped[1 << 16];
	ssize_t n;

	while ((n = recv(scene->stream, dropped, sizeof(dropped), 0)) > 0)
		scene->streamed += (size_t)n;
	CU_ASSERT_TRUE_FATAL(n < 0 && errno == EAGAIN);
}

static void read_reply(struct scene *scene, int fd)
{
	scene->replied += world_take(fd, scene->reply + scene->replied,
				     sizeof(scene->reply) - 1 - scene->replied);
	scene->reply[scene->replied] = '\0';
}

/* Ask, and let frames come until the reply is whole. */
static const char *reply_to(struct scene *scene, const char *request)
{
	int fd = world_ask(&scene->world, request);

	scene->replied = 0;
	while (!world_reply_is_whole(scene->reply, scene->replied)) {
		frame_turn(scene);
		read_stream(scene);
		read_reply(scene, fd);
	}
	close(fd);
	return scene->reply;
}

/* Both clients go on: each frame is dequeued, the snapshot comes, and so do parts of the stream. */
static void clients_go_on(struct scene *scene)
{
	struct world *w = &scene->world;
	size_t before;

	scene->replied = 0;
	for (unsigned i = 0; i < MANY; i++) {
		world_frame(w);
		world_turns(w, 2);
		read_reply(scene, scene->snapshot);
	}
	CU_ASSERT_TRUE(world_reply_is_whole(scene->reply, scene->replied));
	CU_ASSERT_EQUAL(strncmp(scene->reply, "HTTP/1.1 200", 12), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(scene->reply, "X-UStreamer-Online: true"));
	before = scene->streamed;
	while (scene->streamed < before + 4ul * JPEG_BYTES) {
		frame_turn(scene);
		read_stream(scene);
	}
	CU_ASSERT_TRUE(world_source(w).online);
	CU_ASSERT_EQUAL(figure(scene, "recorder.seen"), figure(scene, "recorder.recorded") +
								figure(scene, "recorder.lost") +
								figure(scene, "recorder.passed") +
								figure(scene, "recorder.in_ring"));
}

static void scene_begin(struct scene *scene)
{
	struct world *w = &scene->world;

	for (unsigned i = 0; i < 5; i++)
		world_frame(w);
	WORLD_WAIT(w, world_source(w).online && figure(scene, "recorder.in_ring") == 5);
	scene->stream = world_ask(w, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
	WORLD_WAIT(w, glint_fanout_wanted(glint_capture_frames(w->service->capture)));
	world_frame(w);
	world_frame(w);
	CU_ASSERT_TRUE(world_source(w).leased > 0);
	scene->snapshot = world_ask(w, "GET /snapshot?after=now HTTP/1.1\r\nHost: x\r\n\r\n");
	world_turns(w, 5);
}

static const struct {
	enum fault fault;
	const char *error;
} faults[] = {
	{ FAULT_EIO, "Input/output error" },
	{ FAULT_ENOSPC, "No space left on device" },
	{ FAULT_STALL, "" },
};

static void test_a_ring_whose_disk_fails_costs_frames_and_no_client(void)
{
	static struct scene scene;

	for (unsigned i = 0; i < ARRAY_SIZE(faults); i++) {
		struct world *w = &scene.world;
		const char *reply;
		char expected[64];
		int64_t written;

		scene_open(&scene, true);
		WORLD_START(w);
		scene_begin(&scene);
		disk_has(&scene, faults[i].fault);
		clients_go_on(&scene);
		snprintf(expected, sizeof(expected), "\"disk_error\": \"%s\"", faults[i].error);
		reply = reply_to(&scene, "GET /state HTTP/1.1\r\nHost: x\r\n\r\n");
		CU_ASSERT_PTR_NOT_NULL(strstr(reply, expected));
		if (faults[i].fault == FAULT_STALL) {
			CU_ASSERT_TRUE(figure(&scene, "recorder.disk_unwritten") > 0);
			CU_ASSERT_TRUE(figure(&scene, "recorder.lost") > 0);
		}
		/* The disk is well again: the next window has all of its frames. */
		disk_has(&scene, FAULT_NONE);
		written = figure(&scene, "recorder.bytes_written");
		FRAMES_UNTIL(&scene, figure(&scene, "recorder.bytes_written") >
					     written + (MEMORY_MIB + 4ll) * (1 << 20));
		reply = reply_to(
			&scene,
			"POST /record?pre=3&post=3&wait=1&name=a HTTP/1.1\r\nHost: x\r\n\r\n");
		CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"state\": \"closed\""));
		CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"lost\": 0"));
		CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"frames\": 7"));
		scene_close(&scene);
	}
}

static void test_a_recording_whose_disk_fails_costs_frames_and_no_client(void)
{
	static struct scene scene;

	for (unsigned i = 0; i < ARRAY_SIZE(faults); i++) {
		struct world *w = &scene.world;
		const char *reply;

		scene_open(&scene, false);
		WORLD_START(w);
		scene_begin(&scene);
		scene.record = world_ask(
			w,
			"POST /record?pre=3&post=9999&wait=1&name=a HTTP/1.1\r\nHost: x\r\n\r\n");
		FRAMES_UNTIL(&scene, figure(&scene, "recorder.bytes_written") > 0);
		disk_has(&scene, faults[i].fault);
		clients_go_on(&scene);
		if (faults[i].fault == FAULT_STALL) {
			CU_ASSERT_TRUE(figure(&scene, "recorder.lost") > 0);
			disk_has(&scene, FAULT_NONE);
			reply = reply_to(&scene,
					 "DELETE /record?name=a HTTP/1.1\r\nHost: x\r\n\r\n");
			CU_ASSERT_EQUAL(strncmp(reply, "HTTP/1.1 200", 12), 0);
		}
		scene.replied = 0;
		while (!world_reply_is_whole(scene.reply, scene.replied)) {
			world_turn(w);
			read_reply(&scene, scene.record);
		}
		CU_ASSERT_PTR_NOT_NULL(strstr(scene.reply, faults[i].error));
		CU_ASSERT_PTR_NOT_NULL(strstr(scene.reply, faults[i].fault == FAULT_STALL ?
								   "\"state\": \"closed\"" :
								   "\"ended\": \"disk-error\""));
		disk_has(&scene, FAULT_NONE);
		scene_close(&scene);
	}
}

GLINT_TESTS("recorder's disk, of the service",
	    GLINT_TEST(test_a_ring_whose_disk_fails_costs_frames_and_no_client),
	    GLINT_TEST(test_a_recording_whose_disk_fails_costs_frames_and_no_client))
