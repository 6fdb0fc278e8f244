/* SPDX-License-Identifier: MIT */
/*
 * The flight recorder with small frames, a memory for 16 of them, and a disk that can fail or stall;
 * on the loop of glint_test_loop().
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <linux/videodev2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "clip/clip.h"
#include "clip/ring.h"
#include "core/events.h"
#include "core/fanout.h"
#include "core/ledger.h"
#include "loop_rig.h"
#include "malloc_rig.h"
#include "mem/dmabuf.h"
#include "mem/loan.h"
#include "random.h"
#include "record/disk.h"
#include "record/engine.h"
#include "record/folder.h"
#include "record/gpio.h"
#include "record/internal.h"
#include "record/recorder.h"
#include "record/ring.h"
#include "report_rig.h"
#include "v4l2/format.h"

#define WIDTH	64u
#define HEIGHT	48u
#define STRIDE	80u
#define SLOT	(2 * GLINT_CLIP_PAGE) /* of a frame in the memory */
#define FRAMES	16u		      /* that the memory holds */
#define LONG_NS (60 * GLINT_NSEC_PER_SEC)
#define ON_DISK 64u /* that a ring on the disk holds */

/* The kernel's disk, where calls can fail, writes can be held, and files have a largest size. */
struct rig_disk {
	struct glint_disk disk;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool held;
	bool holds_frames_only; /* not the heads of files */
	unsigned waiting;	/* writes that are held */
	unsigned passes;	/* so many of them may go on */
	int create_err;
	_Atomic unsigned writes;
	unsigned fail_write_at; /* 0: none */
	unsigned fail_writes;	/* so many of them; 0: all */
	_Atomic unsigned cuts;	/* files that had blocks too many */
	int copy_err;		/* of copies from the ring; -EBADMSG: it cannot be read */
	int write_err;
	uint64_t full_at;	      /* no file can be larger; 0: none */
	_Atomic uint64_t fail_offset; /* writes there fail with write_err; 0: none */
	/* What makes files complete, in order: 's' sync of a file, 'n' of names, 'r' rename. */
	char calls[64];
	unsigned syncs;
	unsigned empty;	       /* files without bytes that were synced */
	unsigned fail_sync_at; /* one sync fails with EIO; 0: none */
	bool holds_syncs, syncing;
};

struct recorder_rig {
	struct glint_loop *loop;
	struct glint_events *events;
	struct glint_fanout frames;
	struct glint_recorder *recorder;
	struct glint_recorder_config config;
	struct rig_disk disk;
	char folder[64];
	struct glint_frame frame;
	struct glint_dmabuf buf;
	struct glint_format format;
	uint8_t pixels[STRIDE * HEIGHT];
	uint32_t next_seq;
	/* The source writes into the recorder's memory. */
	struct glint_loan *loan;
	struct glint_frame places[FRAMES];
	struct glint_dmabuf place_bufs[FRAMES];
	uint64_t stream;	      /* of frames */
	uint64_t stamp_ns;	      /* of the next frame; 0: now */
	unsigned next_place, reserve; /* places that other readers and the driver need */
	bool leaves;		      /* the last frame there returns the memory */
	/* What the ledger would say of the last gap. */
	struct glint_gaps gaps;
};

static struct rig_disk *rig_disk_of(struct glint_disk *disk)
{
	return container_of(disk, struct rig_disk, disk);
}

static int rig_create(struct glint_disk *disk, int dir, const char *name, bool *direct)
{
	int err = rig_disk_of(disk)->create_err;

	return err < 0 ? err : glint_disk_kernel.create(disk, dir, name, direct);
}

static int64_t rig_write(struct glint_disk *disk, int fd, const void *bytes, size_t size,
			 uint64_t offset)
{
	struct rig_disk *rig = rig_disk_of(disk);
	unsigned number = atomic_fetch_add(&rig->writes, 1) + 1;

	pthread_mutex_lock(&rig->lock);
	rig->waiting++;
	pthread_cond_broadcast(&rig->changed);
	while (rig->held && rig->passes == 0 && (offset > 0 || !rig->holds_frames_only))
		pthread_cond_wait(&rig->changed, &rig->lock);
	rig->waiting--;
	rig->passes -= rig->passes > 0;
	pthread_cond_broadcast(&rig->changed);
	pthread_mutex_unlock(&rig->lock);
	if (rig->fail_write_at > 0 && number >= rig->fail_write_at &&
	    (rig->fail_writes == 0 || number < rig->fail_write_at + rig->fail_writes))
		return rig->write_err;
	if (rig->fail_offset > 0 && offset == rig->fail_offset)
		return rig->write_err;
	if (rig->full_at > 0 && offset >= rig->full_at)
		return -ENOSPC;
	if (rig->full_at > 0)
		size = MIN(size, (size_t)(rig->full_at - offset));
	return glint_disk_kernel.write(disk, fd, bytes, size, offset);
}

static int rig_allocate(struct glint_disk *disk, int fd, uint64_t offset, uint64_t size)
{
	struct rig_disk *rig = rig_disk_of(disk);

	if (rig->full_at > 0 && offset + size > rig->full_at)
		return -ENOSPC;
	return glint_disk_kernel.allocate(disk, fd, offset, size);
}

static int rig_truncate(struct glint_disk *disk, int fd, uint64_t size)
{
	atomic_fetch_add(&rig_disk_of(disk)->cuts, 1);
	return glint_disk_kernel.truncate(disk, fd, size);
}

static int rig_copy(struct glint_disk *disk, int from, uint64_t from_offset, int to,
		    uint64_t to_offset, uint64_t size, uint8_t *buffer, size_t buffer_size)
{
	int err = rig_disk_of(disk)->copy_err;

	return err < 0 ? err :
			 glint_disk_kernel.copy(disk, from, from_offset, to, to_offset, size,
						buffer, buffer_size);
}

static void disk_call(struct rig_disk *rig, char call)
{
	size_t used = strlen(rig->calls);

	if (used + 1 < sizeof(rig->calls))
		rig->calls[used] = call;
}

static int disk_sync(struct rig_disk *rig, char call)
{
	int err;

	pthread_mutex_lock(&rig->lock);
	disk_call(rig, call);
	err = ++rig->syncs == rig->fail_sync_at ? -EIO : 0;
	rig->syncing = true;
	pthread_cond_broadcast(&rig->changed);
	while (rig->holds_syncs)
		pthread_cond_wait(&rig->changed, &rig->lock);
	rig->syncing = false;
	pthread_mutex_unlock(&rig->lock);
	return err;
}

static int rig_sync(struct glint_disk *disk, int fd)
{
	struct rig_disk *rig = rig_disk_of(disk);
	struct stat status;

	if (fstat(fd, &status) < 0 || status.st_size == 0)
		rig->empty++;
	return disk_sync(rig, 's');
}

static int rig_sync_names(struct glint_disk *disk, int dir)
{
	(void)dir;
	return disk_sync(rig_disk_of(disk), 'n');
}

static int rig_rename(struct glint_disk *disk, int dir, const char *from, const char *to)
{
	struct rig_disk *rig = rig_disk_of(disk);

	pthread_mutex_lock(&rig->lock);
	disk_call(rig, 'r');
	pthread_mutex_unlock(&rig->lock);
	return glint_disk_kernel.rename(disk, dir, from, to);
}

/* Syncs take until it ends. */
static void disk_hold_syncs(struct rig_disk *rig, bool held)
{
	pthread_mutex_lock(&rig->lock);
	rig->holds_syncs = held;
	pthread_cond_broadcast(&rig->changed);
	pthread_mutex_unlock(&rig->lock);
}

/* Wait until a thread is in a sync. */
static void disk_wait_syncing(struct rig_disk *rig)
{
	pthread_mutex_lock(&rig->lock);
	while (!rig->syncing)
		pthread_cond_wait(&rig->changed, &rig->lock);
	pthread_mutex_unlock(&rig->lock);
}

static void disk_hold(struct rig_disk *rig, bool held)
{
	pthread_mutex_lock(&rig->lock);
	rig->held = held;
	pthread_cond_broadcast(&rig->changed);
	pthread_mutex_unlock(&rig->lock);
}

/* Wait until the thread is in a write. */
static void disk_wait_held(struct rig_disk *rig)
{
	pthread_mutex_lock(&rig->lock);
	while (rig->waiting == 0)
		pthread_cond_wait(&rig->changed, &rig->lock);
	pthread_mutex_unlock(&rig->lock);
}

/* Let the write that is held go on. */
static void disk_pass(struct rig_disk *rig)
{
	pthread_mutex_lock(&rig->lock);
	rig->passes = 1;
	pthread_cond_broadcast(&rig->changed);
	while (rig->passes > 0)
		pthread_cond_wait(&rig->changed, &rig->lock);
	pthread_mutex_unlock(&rig->lock);
}

static int rig_gaps(void *ctx, uint64_t stream, uint32_t since, uint32_t seq,
		    struct glint_gaps *gaps)
{
	const struct recorder_rig *r = ctx;

	(void)stream;
	*gaps = r->gaps;
	CU_ASSERT_EQUAL(gaps->dropped + gaps->corrupt, seq - since - 1);
	return 0;
}

static void recorder_rig_state(struct recorder_rig *r, const char *path, uint64_t value)
{
	uint64_t found = (uint64_t)REPORTED(int, recorder, r->recorder, path);

	if (found != value)
		printf("# %s is %llu\n", path, (unsigned long long)found);
	CU_ASSERT_EQUAL(found, value);
}

static bool is_ready(struct recorder_rig *r)
{
	return strcmp(REPORTED(text, recorder, r->recorder, "recorder.state"), "ready") == 0;
}

/* Wait until the thread has written all that recordings have; it gets each frame at once. */
static void rig_drain(struct recorder_rig *r)
{
	while (REPORTED(int, recorder, r->recorder, "recorder.backlog") > 0 ||
	       REPORTED(int, recorder, r->recorder, "recorder.disk_unwritten") > 0)
		CU_ASSERT_EQUAL_FATAL(glint_loop_run_once(r->loop, glint_now_ns()), 0);
}

static void rig_frame_release(struct glint_frame *frame)
{
	(void)frame;
}

static const struct glint_frame_ops rig_frame_ops = { .release = rig_frame_release };

static unsigned rig_free_places(const struct recorder_rig *r)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FRAMES; i++)
		n += r->places[i].refs == 0;
	return n;
}

/* The source has other memory from now on. */
static void rig_return(struct recorder_rig *r)
{
	glint_loan_return(r->loan);
	r->loan = NULL;
}

static void rig_place_release(struct glint_frame *frame)
{
	struct recorder_rig *r = container_of(frame - frame->slot, struct recorder_rig, places[0]);

	if (r->leaves && rig_free_places(r) == FRAMES)
		rig_return(r);
}

static const struct glint_frame_ops rig_place_ops = { .release = rig_place_release };

static bool rig_is_short(void *ctx)
{
	const struct recorder_rig *r = ctx;

	return r->loan && rig_free_places(r) < r->reserve;
}

static void rig_open_folder(struct recorder_rig *r)
{
	memset(r, 0, sizeof(*r));
	strcpy(r->folder, "/tmp/glint-test-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(r->folder));
	pthread_mutex_init(&r->disk.lock, NULL);
	pthread_cond_init(&r->disk.changed, NULL);
	r->disk.disk = glint_disk_kernel;
	r->disk.disk.is_kernel = false;
	r->disk.disk.create = rig_create;
	r->disk.disk.copy = rig_copy;
	r->disk.disk.write = rig_write;
	r->disk.disk.allocate = rig_allocate;
	r->disk.disk.truncate = rig_truncate;
	r->disk.disk.sync = rig_sync;
	r->disk.disk.sync_names = rig_sync_names;
	r->disk.disk.rename = rig_rename;
	r->format = (struct glint_format){
		.info = glint_format_find(V4L2_PIX_FMT_GREY),
		.fourcc = V4L2_PIX_FMT_GREY,
		.width = WIDTH,
		.height = HEIGHT,
		.n_planes = 1,
		.stride = { STRIDE },
		.size = { STRIDE * HEIGHT },
	};
	r->buf.memory = GLINT_MEMORY_V4L2;
	r->buf.n_planes = 1;
	r->buf.planes[0] =
		(struct glint_plane){ .fd = -1, .map = r->pixels, .size = sizeof(r->pixels) };
	r->frame =
		(struct glint_frame){ .ops = &rig_frame_ops, .buf = &r->buf, .format = &r->format };
	r->next_seq = 1000;
	r->stream = 1;
	r->config = (struct glint_recorder_config){
		.folder = r->folder,
		.memory = FRAMES * SLOT,
		.pre = { true, 3 },
		.post = { true, 2 },
		.disk = &r->disk.disk,
		.is_short = rig_is_short,
		.gaps = rig_gaps,
		.ctx = r,
	};
	glint_fanout_init(&r->frames, NULL);
}

#define RIG_OPEN(r)                                                                                \
	do {                                                                                       \
		rig_open_folder(r);                                                                \
		RIG_LOOP((r)->loop);                                                               \
	} while (0)

static void rig_start(struct recorder_rig *r)
{
	CU_ASSERT_EQUAL_FATAL(glint_events_create(&r->events, r->loop), 0);
	r->config.events = r->events;
	CU_ASSERT_EQUAL_FATAL(glint_recorder_create(&r->recorder, r->loop, &r->frames, &r->config),
			      0);
	RIG_RUN_UNTIL(r->loop, is_ready(r));
}

static int rig_borrow(struct recorder_rig *r)
{
	struct glint_lender *lender = glint_recorder_lender(r->recorder);
	int err = lender->lend(lender, &r->loan);

	if (err < 0)
		return err;
	r->reserve = 3;
	r->format.stride[0] = WIDTH;
	r->format.size[0] = WIDTH * HEIGHT;
	CU_ASSERT_EQUAL_FATAL(glint_loan_stride(WIDTH * HEIGHT), SLOT);
	for (unsigned i = 0; i < FRAMES; i++) {
		struct glint_dmabuf *buf = &r->place_bufs[i];

		glint_dmabuf_init(buf);
		buf->memory = GLINT_MEMORY_USERPTR;
		buf->n_planes = 1;
		buf->planes[0].map = r->loan->base + i * SLOT + GLINT_LOAN_HEAD;
		buf->planes[0].size = SLOT - GLINT_LOAN_HEAD;
		r->places[i] = (struct glint_frame){
			.ops = &rig_place_ops, .slot = i, .buf = buf, .format = &r->format
		};
	}
	return 0;
}

static void rig_remove_folder(const struct recorder_rig *r)
{
	char path[512];
	struct dirent *entry;
	DIR *dir = opendir(r->folder);

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", r->folder, entry->d_name);
		unlink(path);
	}
	if (dir)
		closedir(dir);
	CU_ASSERT_EQUAL(rmdir(r->folder), 0);
}

static unsigned rig_count_files(const struct recorder_rig *r)
{
	struct dirent *entry;
	DIR *dir = opendir(r->folder);
	unsigned n = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
	while ((entry = readdir(dir)))
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return n;
}

static void rig_close(struct recorder_rig *r)
{
	CU_ASSERT_TRUE(glint_recorder_destroy(r->recorder, UINT64_MAX));
	if (r->loan) {
		CU_ASSERT_EQUAL(rig_free_places(r), FRAMES);
		rig_return(r); /* the source ends later than the recorder */
	}
	glint_events_end(r->events);
	glint_loop_destroy(r->loop);
	glint_events_destroy(r->events);
	rig_remove_folder(r);
}

/* A free place of the recorder's memory, as a driver would fill it. */
static struct glint_frame *rig_place(struct recorder_rig *r)
{
	struct glint_frame *frame;

	CU_ASSERT_TRUE_FATAL(rig_free_places(r) > 0);
	do
		frame = &r->places[r->next_place++ % FRAMES];
	while (frame->refs > 0);
	return frame;
}

/* Push a frame whose pixels all are the low byte of its number; numbers are missing before it. */
static void rig_push(struct recorder_rig *r, uint32_t dropped, uint32_t corrupt)
{
	struct glint_frame *frame = r->loan && !r->leaves ? rig_place(r) : &r->frame;
	uint32_t seq = r->next_seq += dropped + corrupt, stride = r->format.stride[0];
	uint8_t *pixels = frame->buf->planes[0].map;

	memset(pixels, 0xee, stride * HEIGHT);
	for (unsigned y = 0; y < HEIGHT; y++)
		memset(pixels + y * stride, (int)(seq & 0xff), WIDTH);
	glint_frame_begin(frame, seq);
	frame->info.stream = r->stream;
	frame->info.live = true;
	frame->info.seq = seq;
	frame->info.width = WIDTH;
	frame->info.height = HEIGHT;
	frame->info.dequeue_ns = glint_now_ns();
	frame->info.capture_ns = r->stamp_ns > 0 ? r->stamp_ns : frame->info.dequeue_ns;
	frame->info.exposure_ns = frame->info.complete_ns = frame->info.capture_ns;
	r->gaps = (struct glint_gaps){ .dropped = dropped, .corrupt = corrupt };
	glint_fanout_push_frame(&r->frames, frame);
	glint_frame_unref(frame);
	r->next_seq++;
}

static void rig_push_many(struct recorder_rig *r, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		rig_push(r, 0, 0);
}

struct asked {
	struct glint_record_request request;
	unsigned calls;
	bool refused;
	struct glint_recording recording; /* at the call */
};

static void asked_done(struct glint_record_request *request,
		       const struct glint_recording *recording)
{
	struct asked *asked = container_of(request, struct asked, request);

	asked->calls++;
	asked->refused = !recording;
	if (recording)
		asked->recording = *recording;
}

static void rig_ask_until(struct recorder_rig *r, struct asked *asked, const char *name,
			  const struct glint_moment *at, enum glint_record_until until)
{
	*asked = (struct asked){
		.request = {
			.at = *at,
			.now_ns = glint_now_ns(),
			.trigger = "command",
			.until = until,
			.done = asked_done,
		},
	};
	strcpy(asked->request.name, name);
	glint_recorder_trigger(r->recorder, &asked->request);
	CU_ASSERT_EQUAL(asked->calls, 0); /* never from within the call */
}

static void rig_ask(struct recorder_rig *r, struct asked *asked, const char *name,
		    enum glint_moment_kind at, uint32_t seq)
{
	rig_ask_until(r, asked, name, &(struct glint_moment){ .kind = at, .seq = seq },
		      GLINT_RECORD_COMPLETE);
}

/* Read a clip; the numbers of its frames go to @seqs, and the pixels are compared. */
static unsigned rig_read(struct recorder_rig *r, const char *file, uint32_t *seqs, unsigned most,
			 struct glint_clip_reader *reader)
{
	struct glint_clip_frame frame;
	uint8_t pixels[WIDTH * HEIGHT];
	char path[256];
	unsigned n = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", r->folder, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(glint_clip_read_head(reader, fd), 0);
	while (n < most && glint_clip_read_frame(reader, &frame) == 0) {
		CU_ASSERT_EQUAL_FATAL(frame.size, sizeof(pixels));
		CU_ASSERT_EQUAL(pread(fd, pixels, sizeof(pixels), (off_t)reader->offset),
				(ssize_t)sizeof(pixels));
		for (size_t i = 0; i < sizeof(pixels); i++)
			if (pixels[i] != (frame.seq & 0xff)) {
				CU_FAIL_FATAL("a frame has another frame's pixels");
			}
		seqs[n++] = frame.seq;
	}
	close(fd);
	return n;
}

static void test_a_window_has_the_frames_before_and_behind_the_trigger(void)
{
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked asked;
	uint32_t seqs[32];

	RIG_OPEN(&r);
	rig_start(&r);
	rig_push_many(&r, 8); /* 1000 to 1007 */
	rig_ask(&r, &asked, "a", GLINT_MOMENT_NOW, 0);
	rig_push_many(&r, 8);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_FALSE(asked.refused);
	CU_ASSERT_EQUAL(asked.recording.state, GLINT_RECORDING_CLOSED);
	CU_ASSERT_STRING_EQUAL(asked.recording.file, "a.mkv");
	CU_ASSERT_STRING_EQUAL(asked.recording.ended, "post");
	CU_ASSERT_EQUAL(asked.recording.trigger_seq, 1008);
	CU_ASSERT_EQUAL(asked.recording.before, 3);
	CU_ASSERT_FALSE(asked.recording.shortened);
	CU_ASSERT_EQUAL_FATAL(rig_read(&r, "a.mkv", seqs, 32, &reader), 6);
	for (uint32_t i = 0; i < 6; i++)
		CU_ASSERT_EQUAL(seqs[i], 1005 + i);
	CU_ASSERT_TRUE(reader.head.finished);
	CU_ASSERT_EQUAL(reader.head.frames, 6);
	CU_ASSERT_EQUAL(reader.head.before_trigger, 3);
	CU_ASSERT_EQUAL(reader.head.trigger_seq, 1008);
	CU_ASSERT_EQUAL(reader.head.bytes, reader.size);
	recorder_rig_state(&r, "recorder.seen", 16);
	recorder_rig_state(&r, "recorder.recorded", 6);
	recorder_rig_state(&r, "recorder.in_ring", 10);
	recorder_rig_state(&r, "recorder.lost", 0);
	rig_close(&r);
}

static void test_a_frame_that_comes_long_after_its_stamp_is_recorded(void)
{
	const struct glint_recorder_source source = { .device = "", .frame_ns = LONG_NS };
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked asked;
	uint32_t seqs[32];

	RIG_OPEN(&r);
	r.config.post = (struct glint_record_span){ false, 20 * GLINT_NSEC_PER_MSEC };
	rig_start(&r);
	glint_recorder_source_changed(r.recorder, &source);
	r.stamp_ns = glint_now_ns() - GLINT_NSEC_PER_SEC;
	rig_push(&r, 0, 0);
	rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0);
	/* By its stamp, the end was nearly a second ago. */
	rig_settle(r.loop);
	CU_ASSERT_EQUAL(asked.calls, 0);
	r.stamp_ns += 10 * GLINT_NSEC_PER_MSEC;
	rig_push(&r, 0, 0);
	r.stamp_ns += 20 * GLINT_NSEC_PER_MSEC;
	rig_push(&r, 0, 0);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(rig_read(&r, "a.mkv", seqs, 32, &reader), 2);
	CU_ASSERT_EQUAL(asked.recording.last_seq, 1001);
	rig_close(&r);
}

/* Frames to come need entries, as they need bytes. */
static void test_frames_before_the_trigger_leave_entries_for_those_behind(void)
{
	struct recorder_rig r;
	struct asked asked;

	RIG_OPEN(&r);
	r.config.pre.value = 100;
	rig_start(&r);
	r.recorder->ring->n_entries = FRAMES / 4; /* fewer than fit into the memory */
	rig_push_many(&r, 8);
	disk_hold(&r.disk, true);
	rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0);
	rig_push_many(&r, 2);
	recorder_rig_state(&r, "recorder.lost", 0);
	disk_hold(&r.disk, false);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_TRUE(asked.recording.shortened);
	CU_ASSERT_EQUAL(asked.recording.before, 1);
	CU_ASSERT_EQUAL(asked.recording.frames, 4);
	rig_close(&r);
}

/* The number of a frame is that of its stream, though another one has begun. */
static void test_a_frame_of_the_stream_before_is_found(void)
{
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked asked;
	uint32_t seqs[32];

	RIG_OPEN(&r);
	r.config.post.value = 0;
	rig_start(&r);
	rig_push_many(&r, 6); /* 1000 to 1005 */
	r.stream = 2;
	r.next_seq = 0;
	rig_push_many(&r, 2);
	rig_ask_until(&r, &asked, "a",
		      &(struct glint_moment){ GLINT_MOMENT_SEQ, .seq = 1004, .stream = 1 },
		      GLINT_RECORD_COMPLETE);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(asked.recording.trigger_seq, 1004);
	CU_ASSERT_EQUAL_FATAL(rig_read(&r, "a.mkv", seqs, 32, &reader), 4);
	CU_ASSERT_EQUAL(seqs[3], 1004);
	/* A frame that the old stream did not have any more. */
	rig_ask(&r, &asked, "b", GLINT_MOMENT_LAST, 0);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(asked.recording.trigger_seq, 1);
	rig_close(&r);
}

/* To free blocks can take half a second, in which the file is not complete. */
static void no_blocks_to_free(uint64_t ring, struct glint_record_span post)
{
	const struct glint_recorder_source source = { .device = "",
						      .frame_ns = GLINT_NSEC_PER_SEC };
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked asked;
	uint32_t seqs[32];

	RIG_OPEN(&r);
	r.config.disk_size = ring;
	r.config.post = post;
	rig_start(&r);
	glint_recorder_source_changed(r.recorder, &source);
	rig_push_many(&r, 8);
	rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0);
	rig_push(&r, 0, 0);
	rig_drain(&r); /* the file has blocks for the frames to come */
	rig_push_many(&r, post.in_frames ? (unsigned)post.value : 1);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(asked.recording.state, GLINT_RECORDING_CLOSED);
	CU_ASSERT_EQUAL(rig_read(&r, "a.mkv", seqs, 32, &reader), asked.recording.frames);
	CU_ASSERT_EQUAL(reader.head.bytes, reader.size);
	CU_ASSERT_EQUAL(r.disk.cuts, 0);
	rig_close(&r);
}

static void test_a_file_whose_length_is_known_has_no_blocks_to_free(void)
{
	no_blocks_to_free(0, (struct glint_record_span){ true, 5 });
	no_blocks_to_free(0, (struct glint_record_span){ false, 20 * GLINT_NSEC_PER_MSEC });
	no_blocks_to_free(ON_DISK * SLOT, (struct glint_record_span){ true, 5 });
}

static void test_a_file_that_ends_early_has_its_size(void)
{
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked asked;
	uint32_t seqs[32];

	RIG_OPEN(&r);
	r.config.post = (struct glint_record_span){ true, 1000 };
	rig_start(&r);
	rig_ask(&r, &asked, "a", GLINT_MOMENT_NOW, 0);
	rig_push_many(&r, 4);
	rig_drain(&r);
	r.format.range = GLINT_RANGE_LIMITED;
	rig_push(&r, 0, 0);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_STRING_EQUAL(asked.recording.ended, "format");
	CU_ASSERT_EQUAL(rig_read(&r, "a.mkv", seqs, 32, &reader), 4);
	CU_ASSERT_EQUAL(reader.head.bytes, reader.size);
	CU_ASSERT_EQUAL(r.disk.cuts, 1);
	rig_close(&r);
}

static void test_a_moment_in_the_past_is_recorded_while_it_is_held(void)
{
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked held, gone;
	uint32_t seqs[32];

	RIG_OPEN(&r);
	rig_start(&r);
	rig_push_many(&r, 40); /* 1024 to 1039 are in memory */
	rig_ask(&r, &held, "held", GLINT_MOMENT_SEQ, 1035);
	rig_ask(&r, &gone, "gone", GLINT_MOMENT_SEQ, 1020);
	RIG_RUN_UNTIL(r.loop, held.calls == 1 && gone.calls == 1);
	CU_ASSERT_TRUE(gone.refused);
	CU_ASSERT_EQUAL(gone.request.status, 409);
	CU_ASSERT_STRING_EQUAL(gone.request.reason, "not-held");
	CU_ASSERT_FALSE_FATAL(held.refused);
	CU_ASSERT_EQUAL_FATAL(rig_read(&r, "held.mkv", seqs, 32, &reader), 6);
	CU_ASSERT_EQUAL(seqs[0], 1032);
	CU_ASSERT_EQUAL(seqs[5], 1037);
	rig_close(&r);
}

static void test_missing_frames_count_and_are_told(void)
{
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked asked;
	uint32_t seqs[32];

	RIG_OPEN(&r);
	rig_start(&r);
	rig_push_many(&r, 4);				/* 1000 to 1003 */
	rig_push(&r, 2, 1);				/* 1007 */
	rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0); /* 1003 is 4 before: too far */
	rig_push(&r, 0, 0);				/* 1008 */
	rig_push(&r, 3, 0);				/* 1012; the end was 1009 */
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL_FATAL(rig_read(&r, "a.mkv", seqs, 32, &reader), 2);
	CU_ASSERT_EQUAL(seqs[0], 1007);
	CU_ASSERT_EQUAL(seqs[1], 1008);
	CU_ASSERT_EQUAL(reader.head.gaps.dropped, 1); /* 1009 */
	CU_ASSERT_EQUAL(asked.recording.dropped, 1);
	recorder_rig_state(&r, "recorder.dropped", 5);
	recorder_rig_state(&r, "recorder.corrupt", 1);
	rig_close(&r);
}

/* The largest number is followed by 0; what is missing between them counts as elsewhere. */
static void test_numbers_wrap_within_a_recording(void)
{
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked asked;
	uint32_t seqs[32];

	RIG_OPEN(&r);
	rig_start(&r);
	r.next_seq = UINT32_MAX - 3;
	rig_push_many(&r, 3);			       /* 3 to 1 before the largest */
	rig_push(&r, 3, 0);			       /* 2 */
	rig_ask(&r, &asked, "a", GLINT_MOMENT_SEQ, 0); /* of the missing ones: 2 is behind it */
	rig_push(&r, 0, 0);			       /* 3 */
	rig_push(&r, 0, 0);			       /* 4: the end */
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(asked.recording.state, GLINT_RECORDING_CLOSED);
	CU_ASSERT_EQUAL_FATAL(rig_read(&r, "a.mkv", seqs, 32, &reader), 3);
	CU_ASSERT_EQUAL(reader.head.trigger_seq, 2);
	CU_ASSERT_EQUAL(seqs[0], 2);
	CU_ASSERT_EQUAL(seqs[2], 4);
	rig_ask(&r, &asked, "b", GLINT_MOMENT_SEQ, UINT32_MAX - 1);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL_FATAL(rig_read(&r, "b.mkv", seqs, 32, &reader), 3);
	CU_ASSERT_EQUAL(seqs[0], UINT32_MAX - 3);
	CU_ASSERT_EQUAL(seqs[2], UINT32_MAX - 1);
	CU_ASSERT_EQUAL(reader.head.gaps.dropped, 2); /* up to its end */
	recorder_rig_state(&r, "recorder.dropped", 3);
	rig_close(&r);
}

static void test_a_stalled_disk_costs_frames_that_are_counted(void)
{
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked asked;
	uint32_t seqs[64];
	unsigned n;

	RIG_OPEN(&r);
	r.config.post = (struct glint_record_span){ true, 30 };
	rig_start(&r);
	disk_hold(&r.disk, true);
	rig_push_many(&r, 4); /* 1000 to 1003 */
	rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0);
	disk_wait_held(&r.disk);
	rig_push_many(&r, 20); /* to 1023; 1000 to 1015 have space */
	recorder_rig_state(&r, "recorder.lost", 8);
	recorder_rig_state(&r, "recorder.backlog", 16);
	disk_hold(&r.disk, false);
	rig_drain(&r);
	rig_push_many(&r, 15); /* to 1038; the end is 1033 */
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(asked.recording.state, GLINT_RECORDING_CLOSED);
	CU_ASSERT_EQUAL(asked.recording.lost, 8);
	n = rig_read(&r, "a.mkv", seqs, 64, &reader);
	CU_ASSERT_EQUAL_FATAL(n, 26);
	CU_ASSERT_EQUAL(seqs[15], 1015);
	CU_ASSERT_EQUAL(seqs[16], 1024);
	CU_ASSERT_EQUAL(seqs[25], 1033);
	CU_ASSERT_EQUAL(reader.head.gaps.lost, 8);
	CU_ASSERT_EQUAL(reader.head.gaps.dropped, 0);
	rig_close(&r);
}

static void test_a_failed_write_leaves_what_was_written(void)
{
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked asked;
	uint32_t seqs[64];
	unsigned n;

	RIG_OPEN(&r);
	r.config.post = (struct glint_record_span){ true, 100 };
	rig_start(&r);
	rig_push_many(&r, 4);
	rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0);
	/* The first frames are written; a later write fails. */
	while (REPORTED(int, recorder, r.recorder, "recorder.bytes_written") == 0)
		CU_ASSERT_EQUAL_FATAL(glint_loop_run_once(r.loop, glint_now_ns()), 0);
	r.disk.write_err = -EIO;
	r.disk.fail_write_at = atomic_load(&r.disk.writes) + 1;
	rig_push_many(&r, 4);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(asked.recording.state, GLINT_RECORDING_FAILED);
	CU_ASSERT_EQUAL(asked.recording.err, -EIO);
	/* The head cannot be written either, so the next start recovers the file. */
	CU_ASSERT_STRING_EQUAL(asked.recording.file, "");
	CU_ASSERT_TRUE(glint_recorder_destroy(r.recorder, UINT64_MAX));
	r.disk.fail_write_at = 0;
	CU_ASSERT_EQUAL_FATAL(glint_recorder_create(&r.recorder, r.loop, &r.frames, &r.config), 0);
	RIG_RUN_UNTIL(r.loop, is_ready(&r));
	recorder_rig_state(&r, "recorder.recovered", 1);
	n = rig_read(&r, "a.recovered.mkv", seqs, 64, &reader);
	CU_ASSERT_TRUE_FATAL(n >= 4);
	for (uint32_t i = 0; i < n; i++)
		CU_ASSERT_EQUAL(seqs[i], 1000 + i);
	CU_ASSERT_STRING_EQUAL(reader.head.ended, "recovered");
	rig_close(&r);
}

static unsigned count_lines(const struct recorder_rig *r, const char *file)
{
	char path[256], line[GLINT_CLIP_LINE_MAX];
	unsigned n = 0;
	FILE *index;

	snprintf(path, sizeof(path), "%s/%s", r->folder, file);
	index = fopen(path, "re");
	CU_ASSERT_PTR_NOT_NULL_FATAL(index);
	while (fgets(line, sizeof(line), index))
		n++;
	fclose(index);
	return n;
}

static void test_a_full_disk_leaves_the_frames_that_had_space(void)
{
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked asked;
	uint32_t seqs[64];

	RIG_OPEN(&r);
	r.config.post = (struct glint_record_span){ true, 1000 };
	/* The sixth frame does not fit: its head does. */
	r.disk.full_at = GLINT_CLIP_PAGE + 5 * SLOT + GLINT_CLIP_PAGE;
	rig_start(&r);
	rig_push_many(&r, 4); /* 1000 to 1003 */
	rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0);
	while (asked.calls == 0) {
		rig_push(&r, 0, 0);
		rig_drain(&r);
		CU_ASSERT_EQUAL_FATAL(glint_loop_run_once(r.loop, glint_now_ns()), 0);
	}
	CU_ASSERT_FALSE_FATAL(asked.refused);
	CU_ASSERT_EQUAL(asked.recording.state, GLINT_RECORDING_FAILED);
	CU_ASSERT_EQUAL(asked.recording.err, -ENOSPC);
	CU_ASSERT_STRING_EQUAL(asked.recording.ended, "disk-error");
	CU_ASSERT_STRING_EQUAL(asked.recording.file, "a.incomplete.mkv");
	CU_ASSERT_EQUAL(asked.recording.frames, 5);
	CU_ASSERT_EQUAL(asked.recording.before, 3);
	CU_ASSERT_EQUAL(asked.recording.last_seq, 1004);
	CU_ASSERT_TRUE(asked.recording.lost >= 1);
	CU_ASSERT_EQUAL_FATAL(rig_read(&r, "a.incomplete.mkv", seqs, 64, &reader), 5);
	for (uint32_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(seqs[i], 1000 + i);
	CU_ASSERT_TRUE(reader.head.finished);
	CU_ASSERT_EQUAL(reader.head.frames, 5);
	CU_ASSERT_EQUAL(reader.head.bytes, reader.size);
	CU_ASSERT_STRING_EQUAL(reader.head.ended, "disk-error");
	CU_ASSERT_EQUAL(count_lines(&r, "a.incomplete.jsonl"), 5);
	/* Frames are kept nevertheless, and recorded when there is space again. */
	r.disk.full_at = 0;
	rig_push_many(&r, FRAMES + 1);
	rig_ask(&r, &asked, "b", GLINT_MOMENT_LAST, 0);
	CU_ASSERT_EQUAL(glint_recorder_stop(r.recorder, "b"), 0);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(asked.recording.state, GLINT_RECORDING_CLOSED);
	CU_ASSERT_EQUAL(rig_read(&r, "b.mkv", seqs, 64, &reader), 4);
	recorder_rig_state(&r, "recorder.failed", 1);
	recorder_rig_state(&r, "recorder.closed", 1);
	recorder_rig_state(&r, "recorder.recorded", 9);
	rig_close(&r);
}

static bool rig_has_file(const struct recorder_rig *r, const char *file)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", r->folder, file);
	return access(path, F_OK) == 0;
}

static void rig_make_file(const struct recorder_rig *r, const char *file)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", r->folder, file);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	CU_ASSERT_EQUAL(write(fd, "mine", 4), 4);
	close(fd);
}

static void test_files_are_on_the_disk_before_they_get_their_names(void)
{
	struct recorder_rig r;
	struct asked asked;

	RIG_OPEN(&r);
	rig_start(&r);
	rig_push_many(&r, 4);
	disk_hold_syncs(&r.disk, true);
	rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0);
	rig_push_many(&r, 2);
	disk_wait_syncing(&r.disk);
	CU_ASSERT_EQUAL(asked.calls, 0);
	CU_ASSERT_TRUE(rig_has_file(&r, ".a.mkv.part"));
	CU_ASSERT_TRUE(rig_has_file(&r, ".a.jsonl.part"));
	CU_ASSERT_EQUAL(rig_count_files(&r), 3);
	disk_hold_syncs(&r.disk, false);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_STRING_EQUAL(asked.recording.file, "a.mkv");
	CU_ASSERT_STRING_EQUAL(r.disk.calls, "ssrrn");
	CU_ASSERT_EQUAL(r.disk.empty, 0);
	rig_close(&r);
}

static void test_files_that_cannot_be_synced_keep_their_first_names(void)
{
	/* The clip's sync fails, or that of its index. */
	for (unsigned n = 1; n <= 2; n++) {
		struct glint_clip_reader reader;
		struct recorder_rig r;
		struct asked asked;
		uint32_t seqs[16];

		RIG_OPEN(&r);
		r.disk.fail_sync_at = n;
		rig_start(&r);
		rig_push_many(&r, 4); /* 1000 to 1003 */
		rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0);
		rig_push_many(&r, 2);
		RIG_RUN_UNTIL(r.loop, asked.calls == 1);
		CU_ASSERT_EQUAL(asked.recording.state, GLINT_RECORDING_FAILED);
		CU_ASSERT_EQUAL(asked.recording.err, -EIO);
		CU_ASSERT_STRING_EQUAL(asked.recording.ended, "disk-error");
		CU_ASSERT_STRING_EQUAL(asked.recording.file, "");
		CU_ASSERT_EQUAL(strchr(r.disk.calls, 'r'), NULL);
		CU_ASSERT_FALSE(rig_has_file(&r, "a.mkv"));
		CU_ASSERT_FALSE(rig_has_file(&r, "a.jsonl"));
		recorder_rig_state(&r, "recorder.failed", 1);
		/* Other recordings are made nevertheless. */
		rig_ask(&r, &asked, "b", GLINT_MOMENT_LAST, 0);
		rig_push_many(&r, 2);
		RIG_RUN_UNTIL(r.loop, asked.calls == 1);
		CU_ASSERT_STRING_EQUAL(asked.recording.file, "b.mkv");
		/* The next start recovers the files, though another one was killed while it did. */
		CU_ASSERT_TRUE(glint_recorder_destroy(r.recorder, UINT64_MAX));
		rig_make_file(&r, ".a.recovered.jsonl.part");
		CU_ASSERT_EQUAL_FATAL(
			glint_recorder_create(&r.recorder, r.loop, &r.frames, &r.config), 0);
		RIG_RUN_UNTIL(r.loop, is_ready(&r));
		recorder_rig_state(&r, "recorder.recovered", 1);
		CU_ASSERT_EQUAL_FATAL(rig_read(&r, "a.recovered.mkv", seqs, 16, &reader), 6);
		for (uint32_t i = 0; i < 6; i++)
			CU_ASSERT_EQUAL(seqs[i], 1000 + i);
		CU_ASSERT_EQUAL(count_lines(&r, "a.recovered.jsonl"), 6);
		CU_ASSERT_FALSE(rig_has_file(&r, ".a.jsonl.part"));
		CU_ASSERT_FALSE(rig_has_file(&r, ".a.recovered.jsonl.part"));
		rig_close(&r);
	}
}

static void test_names_that_cannot_be_synced_are_told(void)
{
	struct recorder_rig r;
	struct asked asked;

	RIG_OPEN(&r);
	r.disk.fail_sync_at = 3;
	rig_start(&r);
	rig_push_many(&r, 4);
	rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0);
	rig_push_many(&r, 2);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_STRING_EQUAL(r.disk.calls, "ssrrn");
	CU_ASSERT_EQUAL(asked.recording.state, GLINT_RECORDING_FAILED);
	CU_ASSERT_EQUAL(asked.recording.err, -EIO);
	CU_ASSERT_STRING_EQUAL(asked.recording.file, "a.mkv");
	CU_ASSERT_EQUAL(count_lines(&r, "a.jsonl"), 6);
	rig_close(&r);
}

/* Far more frames than the memory holds. */
static void frames_are_written_while_files_reach_the_disk(uint64_t disk_size)
{
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked first, second;
	uint32_t seqs[4 * FRAMES];

	RIG_OPEN(&r);
	r.config.disk_size = disk_size;
	r.config.separate = true;
	r.config.post = (struct glint_record_span){ true, 1000 };
	rig_start(&r);
	rig_push_many(&r, 4); /* to 1003 */
	disk_hold_syncs(&r.disk, true);
	rig_ask(&r, &first, "a", GLINT_MOMENT_LAST, 0);
	rig_push_many(&r, 2); /* to 1005 */
	CU_ASSERT_EQUAL(glint_recorder_stop(r.recorder, "a"), 0);
	disk_wait_syncing(&r.disk);
	rig_ask(&r, &second, "b", GLINT_MOMENT_LAST, 0);
	for (unsigned i = 0; i < 3 * FRAMES; i++) {
		rig_push(&r, 0, 0);
		rig_drain(&r);
	}
	recorder_rig_state(&r, "recorder.lost", 0);
	recorder_rig_state(&r, "recorder.active", 2);
	CU_ASSERT_EQUAL(glint_recorder_stop(r.recorder, "b"), 0);
	CU_ASSERT_EQUAL(first.calls, 0);
	disk_hold_syncs(&r.disk, false);
	RIG_RUN_UNTIL(r.loop, first.calls == 1 && second.calls == 1);
	CU_ASSERT_EQUAL(first.recording.state, GLINT_RECORDING_CLOSED);
	CU_ASSERT_EQUAL(second.recording.state, GLINT_RECORDING_CLOSED);
	CU_ASSERT_EQUAL(rig_read(&r, "a.mkv", seqs, ARRAY_SIZE(seqs), &reader), 6);
	CU_ASSERT_EQUAL(second.recording.lost, 0);
	CU_ASSERT_EQUAL(rig_read(&r, "b.mkv", seqs, ARRAY_SIZE(seqs), &reader), 4 + 3 * FRAMES);
	rig_close(&r);
}

static void test_frames_are_written_while_files_reach_the_disk(void)
{
	frames_are_written_while_files_reach_the_disk(0);
}

static void test_frames_are_written_to_the_ring_while_files_reach_the_disk(void)
{
	frames_are_written_while_files_reach_the_disk(ON_DISK * SLOT);
}

static void test_a_failed_recording_needs_no_memory_while_its_files_reach_the_disk(void)
{
	struct recorder_rig r;
	struct asked asked;
	uint64_t lost;

	RIG_OPEN(&r);
	r.config.post = (struct glint_record_span){ true, 1000 };
	r.disk.full_at = GLINT_CLIP_PAGE + 5 * SLOT;
	rig_start(&r);
	rig_push_many(&r, 4);
	disk_hold_syncs(&r.disk, true);
	rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0);
	while (glint_recorder_recording(r.recorder, 0)->state != GLINT_RECORDING_FINISHING) {
		rig_push(&r, 0, 0);
		rig_drain(&r);
		CU_ASSERT_EQUAL_FATAL(glint_loop_run_once(r.loop, glint_now_ns()), 0);
	}
	disk_wait_syncing(&r.disk);
	rig_push_many(&r, FRAMES); /* those of the recording leave the memory */
	lost = (uint64_t)REPORTED(int, recorder, r.recorder, "recorder.lost");
	rig_push_many(&r, 3 * FRAMES);
	recorder_rig_state(&r, "recorder.lost", lost);
	CU_ASSERT_EQUAL(asked.calls, 0);
	disk_hold_syncs(&r.disk, false);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(asked.recording.state, GLINT_RECORDING_FAILED);
	CU_ASSERT_EQUAL(asked.recording.err, -ENOSPC);
	CU_ASSERT_EQUAL(asked.recording.frames, 5);
	CU_ASSERT_STRING_EQUAL(asked.recording.file, "a.incomplete.mkv");
	CU_ASSERT_EQUAL(count_lines(&r, "a.incomplete.jsonl"), 5);
	rig_close(&r);
}

static void test_a_disk_that_is_too_slow_begins_further_recordings(void)
{
	struct recorder_rig r;
	struct asked first, second;

	RIG_OPEN(&r);
	r.config.separate = true;
	r.config.post = (struct glint_record_span){ true, 1000 };
	r.disk.holds_frames_only = true;
	rig_start(&r);
	rig_push_many(&r, 4);
	disk_hold(&r.disk, true);
	rig_ask(&r, &first, "a", GLINT_MOMENT_LAST, 0);
	disk_wait_held(&r.disk);
	rig_push(&r, 0, 0); /* there is always more to write */
	rig_ask(&r, &second, "b", GLINT_MOMENT_LAST, 0);
	second.request.until = GLINT_RECORD_OPEN;
	disk_pass(&r.disk);
	RIG_RUN_UNTIL(r.loop, second.calls == 1);
	CU_ASSERT_FALSE(second.refused);
	CU_ASSERT_EQUAL(second.recording.state, GLINT_RECORDING_RUNNING);
	CU_ASSERT_EQUAL(first.calls, 0);
	disk_hold(&r.disk, false);
	rig_close(&r);
}

/* Longer than a source may be silent. */
static void test_a_disk_that_stalls_for_long_does_not_end_a_recording(void)
{
	struct recorder_rig r;
	struct asked asked;
	uint64_t end_ns;

	RIG_OPEN(&r);
	r.config.post = (struct glint_record_span){ true, 2000000 };
	rig_start(&r);
	disk_hold(&r.disk, true);
	rig_push_many(&r, 4);
	rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0);
	rig_push_many(&r, FRAMES);
	for (end_ns = glint_now_ns() + 5200 * GLINT_NSEC_PER_MSEC; glint_now_ns() < end_ns;) {
		rig_push(&r, 0, 0);
		CU_ASSERT_EQUAL_FATAL(
			glint_loop_run_once(r.loop, glint_now_ns() + 20 * GLINT_NSEC_PER_MSEC), 0);
	}
	CU_ASSERT_EQUAL(glint_recorder_recording(r.recorder, 0)->state, GLINT_RECORDING_RUNNING);
	disk_hold(&r.disk, false);
	rig_drain(&r);
	CU_ASSERT_EQUAL(glint_recorder_stop(r.recorder, "a"), 0);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_STRING_EQUAL(asked.recording.ended, "stopped");
	rig_close(&r);
}

static void test_keeping_frames_allocates_nothing(void)
{
	struct recorder_rig r;
	unsigned before;

	NEEDS_MALLOC();
	RIG_OPEN(&r);
	rig_start(&r);
	rig_push(&r, 0, 0);
	before = malloc_count;
	rig_push_many(&r, 3 * FRAMES);
	CU_ASSERT_EQUAL(malloc_count, before);
	recorder_rig_state(&r, "recorder.seen", 3 * FRAMES + 1);
	rig_close(&r);
}

static void test_an_end_before_the_memory_is_ready_leaves_no_sink(void)
{
	struct recorder_rig r;

	RIG_OPEN(&r);
	CU_ASSERT_EQUAL_FATAL(glint_events_create(&r.events, r.loop), 0);
	r.config.events = r.events;
	CU_ASSERT_EQUAL_FATAL(glint_recorder_create(&r.recorder, r.loop, &r.frames, &r.config), 0);
	CU_ASSERT_TRUE(glint_recorder_destroy(r.recorder, UINT64_MAX));
	r.recorder = NULL;
	CU_ASSERT_FALSE(glint_fanout_wanted(&r.frames));
	rig_close(&r);
}

static void test_a_disk_that_takes_no_frame_leaves_no_file(void)
{
	struct recorder_rig r;
	struct asked asked;

	RIG_OPEN(&r);
	rig_start(&r);
	rig_push_many(&r, 4);
	r.disk.write_err = -ENOSPC;
	r.disk.fail_write_at = 2; /* the first one is the head's */
	rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(asked.recording.state, GLINT_RECORDING_FAILED);
	CU_ASSERT_EQUAL(asked.recording.err, -ENOSPC);
	CU_ASSERT_STRING_EQUAL(asked.recording.file, "");
	CU_ASSERT_EQUAL(asked.recording.frames, 0);
	CU_ASSERT_EQUAL(asked.recording.before, 0);
	CU_ASSERT_EQUAL(rig_count_files(&r), 1); /* the lock */
	/* The disk has space again, and the name is free. */
	r.disk.fail_write_at = 0;
	rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0);
	rig_push_many(&r, 2);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(asked.recording.state, GLINT_RECORDING_CLOSED);
	CU_ASSERT_STRING_EQUAL(asked.recording.file, "a.mkv");
	CU_ASSERT_EQUAL(rig_count_files(&r), 3);
	rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_STRING_EQUAL(asked.request.reason, "name-exists");
	rig_close(&r);
}

static void test_frames_are_delivered_exactly_if_a_recording_has_them(void)
{
	struct recorder_rig r;
	struct asked asked;

	RIG_OPEN(&r);
	r.config.triggers = GLINT_RECORD_ON_DROP;
	rig_start(&r);
	rig_push(&r, 0, 0);
	CU_ASSERT_EQUAL(r.frame.outcome, GLINT_OUTCOME_SKIPPED);
	disk_hold(&r.disk, true);
	rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0);
	for (unsigned i = 0; i < 2; i++) {
		rig_push(&r, 0, 0);
		CU_ASSERT_EQUAL(r.frame.outcome, GLINT_OUTCOME_DELIVERED);
	}
	/* The recording has its last frame, and is still to be closed. */
	rig_push(&r, 0, 0);
	recorder_rig_state(&r, "recorder.active", 1);
	CU_ASSERT_EQUAL(r.frame.outcome, GLINT_OUTCOME_SKIPPED);
	disk_hold(&r.disk, false);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	/* The frame behind the gap is frame 0 of a recording. */
	rig_push(&r, 1, 0);
	recorder_rig_state(&r, "recorder.active", 1);
	CU_ASSERT_EQUAL(r.frame.outcome, GLINT_OUTCOME_DELIVERED);
	rig_close(&r);
}

static void test_a_file_that_cannot_be_created_refuses_the_request(void)
{
	static const struct {
		int err;
		const char *reason;
	} cases[] = { { -ENOSPC, "disk-full" }, { -EROFS, "read-only" }, { -EIO, "disk-error" } };
	struct recorder_rig r;
	struct asked asked;

	RIG_OPEN(&r);
	rig_start(&r);
	rig_push_many(&r, 4);
	for (unsigned i = 0; i < 3; i++) {
		r.disk.create_err = cases[i].err;
		rig_ask(&r, &asked, "", GLINT_MOMENT_LAST, 0);
		RIG_RUN_UNTIL(r.loop, asked.calls == 1);
		CU_ASSERT_TRUE(asked.refused);
		CU_ASSERT_EQUAL(asked.request.status, 503);
		CU_ASSERT_STRING_EQUAL(asked.request.reason, cases[i].reason);
	}
	rig_ask(&r, &asked, "again", GLINT_MOMENT_LAST, 0);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	r.disk.create_err = 0;
	/* Nothing has the name. */
	rig_ask(&r, &asked, "again", GLINT_MOMENT_LAST, 0);
	rig_push_many(&r, 2);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_FALSE(asked.refused);
	recorder_rig_state(&r, "recorder.failed", 4);
	recorder_rig_state(&r, "recorder.active", 0);
	rig_close(&r);
}

static void test_nothing_is_overwritten(void)
{
	static const char *const names[] = { "a", "b" };
	struct recorder_rig r;
	struct asked asked;

	RIG_OPEN(&r);
	rig_start(&r);
	rig_make_file(&r, "a.jsonl");
	rig_make_file(&r, "b.incomplete.mkv");
	rig_push_many(&r, 4);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		rig_ask(&r, &asked, names[i], GLINT_MOMENT_LAST, 0);
		RIG_RUN_UNTIL(r.loop, asked.calls == 1);
		CU_ASSERT_TRUE(asked.refused);
		CU_ASSERT_EQUAL(asked.request.status, 409);
		CU_ASSERT_STRING_EQUAL(asked.request.reason, "name-exists");
	}
	rig_close(&r);
}

static void rig_remove_file(const struct recorder_rig *r, const char *file)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", r->folder, file);
	CU_ASSERT_EQUAL(unlink(path), 0);
}

static void test_a_name_is_free_when_its_files_are_gone_and_its_recording_has_ended(void)
{
	struct asked first, second, third;
	struct recorder_rig r;

	RIG_OPEN(&r);
	rig_start(&r);
	rig_push_many(&r, 4);
	rig_ask(&r, &first, "a", GLINT_MOMENT_LAST, 0);
	rig_ask(&r, &second, "a", GLINT_MOMENT_LAST, 0);
	RIG_RUN_UNTIL(r.loop, second.calls == 1);
	CU_ASSERT_STRING_EQUAL(second.request.reason, "name-exists");
	rig_push_many(&r, 2);
	RIG_RUN_UNTIL(r.loop, first.calls == 1);
	CU_ASSERT_STRING_EQUAL(first.recording.file, "a.mkv");

	rig_remove_file(&r, "a.mkv");
	rig_ask(&r, &second, "a", GLINT_MOMENT_LAST, 0);
	RIG_RUN_UNTIL(r.loop, second.calls == 1);
	CU_ASSERT_STRING_EQUAL(second.request.reason, "name-exists"); /* its index is there */

	rig_remove_file(&r, "a.jsonl");
	rig_ask(&r, &third, "a", GLINT_MOMENT_LAST, 0);
	rig_push_many(&r, 2);
	RIG_RUN_UNTIL(r.loop, third.calls == 1);
	CU_ASSERT_FALSE(third.refused);
	CU_ASSERT_STRING_EQUAL(third.recording.file, "a.mkv");
	CU_ASSERT_EQUAL(third.recording.trigger_seq, first.recording.trigger_seq + 2);
	/* The newest of the name is told first. */
	CU_ASSERT_EQUAL(glint_recorder_recording(r.recorder, 0)->number, third.recording.number);
	rig_close(&r);
}

static void test_a_further_trigger_waits_for_the_file_too(void)
{
	struct asked first, second;
	struct recorder_rig r;

	RIG_OPEN(&r);
	rig_start(&r);
	rig_push_many(&r, 4);
	disk_hold(&r.disk, true);
	rig_ask(&r, &first, "a", GLINT_MOMENT_LAST, 0);
	disk_wait_held(&r.disk);
	rig_ask_until(&r, &second, "", &(struct glint_moment){ GLINT_MOMENT_LAST },
		      GLINT_RECORD_OPEN);
	rig_settle(r.loop);
	CU_ASSERT_TRUE(second.request.extended);
	CU_ASSERT_EQUAL(second.calls, 0);
	disk_hold(&r.disk, false);
	RIG_RUN_UNTIL(r.loop, second.calls == 1);
	CU_ASSERT_EQUAL(second.recording.state, GLINT_RECORDING_RUNNING);
	rig_push_many(&r, 3);
	RIG_RUN_UNTIL(r.loop, first.calls == 1);
	rig_close(&r);
}

static void test_a_further_trigger_makes_a_recording_longer(void)
{
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked first, second;
	uint32_t seqs[32];

	RIG_OPEN(&r);
	rig_start(&r);
	rig_push_many(&r, 4); /* to 1003 */
	rig_ask(&r, &first, "a", GLINT_MOMENT_LAST, 0);
	rig_push(&r, 0, 0); /* 1004 */
	rig_ask(&r, &second, "", GLINT_MOMENT_LAST, 0);
	rig_push_many(&r, 3); /* to 1007; the end is 1006 */
	RIG_RUN_UNTIL(r.loop, first.calls == 1 && second.calls == 1);
	CU_ASSERT_TRUE(second.request.extended);
	CU_ASSERT_STRING_EQUAL(second.recording.name, "a");
	CU_ASSERT_EQUAL(second.recording.triggers, 2);
	CU_ASSERT_EQUAL_FATAL(rig_read(&r, "a.mkv", seqs, 32, &reader), 7);
	CU_ASSERT_EQUAL(seqs[0], 1000);
	CU_ASSERT_EQUAL(seqs[6], 1006);
	rig_close(&r);
}

static void test_a_further_trigger_whose_frame_comes_too_late_is_told(void)
{
	struct glint_clip_reader reader;
	struct asked first, late;
	struct recorder_rig r;
	uint32_t seqs[32];

	RIG_OPEN(&r);
	rig_start(&r);
	rig_push_many(&r, 4); /* 1000 to 1003 */
	rig_ask(&r, &first, "a", GLINT_MOMENT_LAST, 0);
	late = (struct asked){
		.request = {
			.at = { .kind = GLINT_MOMENT_SEQ, .seq = 1010 },
			.now_ns = glint_now_ns() - 6 * GLINT_NSEC_PER_SEC,
			.trigger = "command",
			.until = GLINT_RECORD_COMPLETE,
			.done = asked_done,
		},
	};
	glint_recorder_trigger(r.recorder, &late.request);
	CU_ASSERT_TRUE(late.request.extended);
	rig_push_many(&r, 4); /* 1004 to 1007; 1010 is given up, and 1005 is the end */
	RIG_RUN_UNTIL(r.loop, first.calls == 1 && late.calls == 1);
	CU_ASSERT_STRING_EQUAL(late.recording.ended, "no-frames");
	CU_ASSERT_EQUAL(late.recording.state, GLINT_RECORDING_CLOSED);
	CU_ASSERT_EQUAL(rig_read(&r, "a.mkv", seqs, 32, &reader), 6);
	CU_ASSERT_EQUAL(seqs[5], 1005);
	CU_ASSERT_STRING_EQUAL(reader.head.ended, "no-frames");
	rig_close(&r);
}

static void test_other_pixels_end_a_recording(void)
{
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked asked;
	uint32_t seqs[32];

	RIG_OPEN(&r);
	rig_start(&r);
	rig_push_many(&r, 4);
	rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0);
	r.format.range = GLINT_RANGE_LIMITED;
	rig_push(&r, 0, 0);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_STRING_EQUAL(asked.recording.ended, "format");
	CU_ASSERT_EQUAL(rig_read(&r, "a.mkv", seqs, 32, &reader), 4);
	/* A window of the new format does not begin with the old one. */
	rig_ask(&r, &asked, "b", GLINT_MOMENT_LAST, 0);
	rig_push_many(&r, 2);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_TRUE(asked.recording.shortened);
	CU_ASSERT_EQUAL(rig_read(&r, "b.mkv", seqs, 32, &reader), 3);
	CU_ASSERT_EQUAL(seqs[0], 1004);
	rig_close(&r);
}

static bool rig_finishes_a_file(const struct recorder_rig *r)
{
	const struct glint_recording *recording;

	for (unsigned i = 0; (recording = glint_recorder_recording(r->recorder, i)); i++)
		if (recording->state == GLINT_RECORDING_FINISHING)
			return true;
	return false;
}

/* The numbers that a trigger at @zero must have, from those that were pushed. */
static unsigned expect_window(const uint32_t *pushed, unsigned n, uint32_t zero, uint32_t pre,
			      uint32_t post, uint32_t *out)
{
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++)
		if (pushed[i] + pre >= zero && pushed[i] <= zero + post)
			out[count++] = pushed[i];
	return count;
}

static void check_random_windows(bool borrows, bool on_disk)
{
	enum { TRIGGERS = 500, OPEN = 3 };
	struct random random = random_begin();
	static uint32_t pushed[20 * TRIGGERS];
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked asked[OPEN];
	uint32_t zeros[OPEN], pres[OPEN], posts[OPEN], seqs[64], expected[64];
	unsigned n_pushed = 0, done = 0, begun = 0;
	bool busy[OPEN] = { false };

	RIG_OPEN(&r);
	r.config.separate = true;
	r.config.disk_size = on_disk ? ON_DISK * SLOT : 0;
	rig_start(&r);
	if (borrows) {
		CU_ASSERT_EQUAL_FATAL(rig_borrow(&r), 0);
	}
	while (done < TRIGGERS) {
		uint32_t dropped = random_below(&random, 8) == 0 ? random_below(&random, 4) : 0;
		unsigned place = random_below(&random, OPEN);

		CU_ASSERT_TRUE_FATAL(n_pushed < sizeof(pushed) / sizeof(pushed[0]));
		rig_push(&r, dropped, 0);
		pushed[n_pushed++] = r.next_seq - 1;
		if (!busy[place] && begun < TRIGGERS && n_pushed > 32) {
			char name[16];

			snprintf(name, sizeof(name), "w%u", begun++);
			pres[place] = random_below(&random, 5);
			posts[place] = random_below(&random, 5);
			/* On the disk most moments have left the memory. */
			zeros[place] =
				pushed[n_pushed - 1 - random_below(&random, on_disk ? 26 : 2)];
			r.config.pre.value = pres[place];
			asked[place].calls = 0;
			busy[place] = true;
			asked[place] = (struct asked){
				.request = {
					.at = { .kind = GLINT_MOMENT_SEQ, .seq = zeros[place] },
					.has_pre = true,
					.pre = { true, pres[place] },
					.has_post = true,
					.post = { true, posts[place] },
					.now_ns = glint_now_ns(),
					.trigger = "command",
					.until = GLINT_RECORD_COMPLETE,
					.done = asked_done,
				},
			};
			strcpy(asked[place].request.name, name);
			glint_recorder_trigger(r.recorder, &asked[place].request);
		}
		/* Frames come no faster than the disk takes them: here nothing may be lost. */
		rig_drain(&r);
		CU_ASSERT_EQUAL_FATAL(glint_loop_run_once(r.loop, glint_now_ns()), 0);
		/* There is no end of frames while the thread that finishes files has no processor. */
		if (random_below(&random, 2) == 0)
			RIG_RUN_UNTIL(r.loop, !rig_finishes_a_file(&r));
		for (unsigned i = 0; i < OPEN; i++) {
			char file[80];
			unsigned n, wanted;

			if (!busy[i] || asked[i].calls == 0)
				continue;
			busy[i] = false;
			done++;
			CU_ASSERT_FALSE_FATAL(asked[i].refused);
			CU_ASSERT_EQUAL(asked[i].recording.trigger_seq, zeros[i]);
			snprintf(file, sizeof(file), "%s.mkv", asked[i].recording.name);
			n = rig_read(&r, file, seqs, 64, &reader);
			wanted = expect_window(pushed, n_pushed, zeros[i], pres[i], posts[i],
					       expected);
			if (n != wanted)
				printf("# %s: %u frames, not %u: 0 is %u, pre %u, post %u\n", file,
				       n, wanted, zeros[i], pres[i], posts[i]);
			CU_ASSERT_EQUAL_FATAL(n, wanted);
			CU_ASSERT_EQUAL(memcmp(seqs, expected, n * sizeof(seqs[0])), 0);
			/* From the first number to the end: frames, and those that are missing. */
			CU_ASSERT_EQUAL(zeros[i] + posts[i] - seqs[0] + 1,
					n + glint_clip_gap_count(&reader.head.gaps));
		}
	}
	recorder_rig_state(&r, "recorder.lost", 0);
	recorder_rig_state(&r, "recorder.closed", TRIGGERS);
	recorder_rig_state(&r, "recorder.copied", borrows ? 0 : n_pushed);
	rig_close(&r);
}

static void test_random_windows_of_copies_are_exact(void)
{
	check_random_windows(false, false);
}

static void test_random_windows_of_frames_in_place_are_exact(void)
{
	check_random_windows(true, false);
}

/* --- A ring on the disk --------------------------------------------------------------------- */

static void test_random_windows_from_the_disk_are_exact(void)
{
	check_random_windows(false, true);
}

static void test_random_windows_of_frames_in_place_from_the_disk_are_exact(void)
{
	check_random_windows(true, true);
}

static void rig_start_on_disk(struct recorder_rig *r)
{
	r->config.disk_size = ON_DISK * SLOT;
	rig_start(r);
}

/* No faster than the disk takes them. */
static void rig_push_slowly(struct recorder_rig *r, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		rig_push(r, 0, 0);
		rig_drain(r);
	}
}

static void test_the_disk_holds_more_than_the_memory(void)
{
	struct glint_clip_reader reader;
	struct asked held, gone;
	struct recorder_rig r;
	uint32_t seqs[64];

	RIG_OPEN(&r);
	r.config.pre.value = 20;
	rig_start_on_disk(&r);
	rig_push_slowly(&r, 150); /* 1086 to 1149 are on the disk, and the last 16 in memory */
	recorder_rig_state(&r, "recorder.in_ring", ON_DISK);
	recorder_rig_state(&r, "recorder.passed", 150 - ON_DISK);
	recorder_rig_state(&r, "recorder.disk_bytes", ON_DISK * SLOT);
	rig_ask(&r, &held, "held", GLINT_MOMENT_SEQ, 1130);
	rig_ask(&r, &gone, "gone", GLINT_MOMENT_SEQ, 1085);
	RIG_RUN_UNTIL(r.loop, held.calls == 1 && gone.calls == 1);
	CU_ASSERT_TRUE(gone.refused);
	CU_ASSERT_STRING_EQUAL(gone.request.reason, "not-held");
	CU_ASSERT_FALSE_FATAL(held.refused);
	/* At most half of the ring is from before the trigger, with what came since. */
	CU_ASSERT_TRUE(held.recording.shortened);
	CU_ASSERT_EQUAL_FATAL(rig_read(&r, "held.mkv", seqs, 64, &reader), 15);
	for (uint32_t i = 0; i < 15; i++)
		CU_ASSERT_EQUAL(seqs[i], 1118 + i);
	CU_ASSERT_EQUAL(reader.head.before_trigger, 12);
	CU_ASSERT_EQUAL(reader.head.bytes, reader.size);
	recorder_rig_state(&r, "recorder.recorded", 15);
	recorder_rig_state(&r, "recorder.in_ring", ON_DISK - 15);
	recorder_rig_state(&r, "recorder.lost", 0);
	rig_push_slowly(&r, ON_DISK);
	recorder_rig_state(&r, "recorder.in_ring", ON_DISK);
	recorder_rig_state(&r, "recorder.passed", 150 - 15);
	rig_close(&r);
}

static void test_a_ring_on_a_disk_that_stalls_loses_counted_frames_only(void)
{
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked asked;
	uint32_t seqs[64];
	unsigned n;

	RIG_OPEN(&r);
	r.config.pre.value = 30;
	rig_start_on_disk(&r);
	rig_push_slowly(&r, 10); /* 1000 to 1009 */
	disk_hold(&r.disk, true);
	rig_push_many(&r, 20); /* to 1029: 16 have space, without a trigger */
	recorder_rig_state(&r, "recorder.lost", 4);
	disk_hold(&r.disk, false);
	rig_drain(&r);
	rig_push_slowly(&r, 1);
	rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0);
	rig_push_slowly(&r, 2);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(asked.recording.lost, 4);
	n = rig_read(&r, "a.mkv", seqs, 64, &reader);
	CU_ASSERT_EQUAL(n, 29);
	CU_ASSERT_EQUAL(seqs[0], 1000);
	CU_ASSERT_EQUAL(seqs[n - 1], 1032);
	CU_ASSERT_EQUAL(reader.head.gaps.lost, 4);
	recorder_rig_state(&r, "recorder.seen", 33);
	recorder_rig_state(&r, "recorder.recorded", 29);
	rig_close(&r);
}

static void test_a_bad_place_of_the_disk_costs_its_frame_and_is_told(void)
{
	struct glint_clip_frame frame;
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked asked;
	uint32_t seqs[64];
	char path[128];
	int fd;

	RIG_OPEN(&r);
	r.config.pre.value = 20;
	rig_start_on_disk(&r);
	rig_push_slowly(&r, 10); /* 1000 to 1009 */
	r.disk.write_err = -EIO;
	r.disk.fail_writes = 2;
	r.disk.fail_write_at = atomic_load(&r.disk.writes) + 1;
	rig_push_slowly(&r, 1); /* 1010 and 1014 are lost */
	rig_push(&r, 3, 0);
	rig_drain(&r);
	rig_push_slowly(&r, 8);
	CU_ASSERT_STRING_EQUAL(REPORTED(text, recorder, r.recorder, "recorder.disk_error"),
			       "Input/output error");
	rig_push_slowly(&r, 12); /* all of them have left the memory */
	rig_ask(&r, &asked, "a", GLINT_MOMENT_SEQ, 1018);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(asked.recording.state, GLINT_RECORDING_CLOSED);
	CU_ASSERT_EQUAL(asked.recording.lost, 2);
	CU_ASSERT_EQUAL(asked.recording.dropped, 3);
	CU_ASSERT_EQUAL(asked.recording.first_seq, 1000);
	CU_ASSERT_EQUAL(asked.recording.last_seq, 1020);
	CU_ASSERT_EQUAL_FATAL(rig_read(&r, "a.mkv", seqs, 64, &reader), 16);
	CU_ASSERT_EQUAL(reader.head.gaps.lost, 2);
	CU_ASSERT_EQUAL(reader.head.gaps.dropped, 3);
	CU_ASSERT_EQUAL(seqs[9], 1009);
	CU_ASSERT_EQUAL(seqs[10], 1015);
	snprintf(path, sizeof(path), "%s/a.mkv", r.folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CU_ASSERT_EQUAL(glint_clip_read_head(&reader, fd), 0);
	do {
		CU_ASSERT_EQUAL_FATAL(glint_clip_read_frame(&reader, &frame), 0);
	} while (frame.seq != 1015);
	CU_ASSERT_EQUAL(frame.before.lost, 2);
	CU_ASSERT_EQUAL(frame.before.dropped, 3);
	close(fd);
	rig_push_slowly(&r, ON_DISK);
	recorder_rig_state(&r, "recorder.lost", 2);
	recorder_rig_state(&r, "recorder.recorded", 16);
	rig_close(&r);
}

static void test_a_disk_that_cannot_be_read_leaves_no_file(void)
{
	struct recorder_rig r;
	struct asked asked;

	RIG_OPEN(&r);
	rig_start_on_disk(&r);
	rig_push_slowly(&r, 40);
	r.disk.copy_err = -EBADMSG;
	rig_ask(&r, &asked, "a", GLINT_MOMENT_SEQ, 1020);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(asked.recording.state, GLINT_RECORDING_FAILED);
	CU_ASSERT_EQUAL(asked.recording.err, -EIO);
	CU_ASSERT_EQUAL(asked.recording.lost, 6);
	CU_ASSERT_EQUAL(rig_count_files(&r), 2); /* the lock, and the ring */
	r.disk.copy_err = 0;
	rig_ask(&r, &asked, "a", GLINT_MOMENT_SEQ, 1030);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(asked.recording.state, GLINT_RECORDING_CLOSED);
	CU_ASSERT_EQUAL(asked.recording.frames, 6);
	rig_close(&r);
}

/* What is written behind the cut makes the file long again, with zeros in it. */
static void test_a_ring_that_another_program_has_cut_gives_no_zeros(void)
{
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked asked;
	uint32_t seqs[64];
	char path[128];
	size_t n;

	RIG_OPEN(&r);
	r.config.pre.value = 30;
	rig_start_on_disk(&r);
	rig_push_slowly(&r, 10); /* 1000 to 1009 */
	snprintf(path, sizeof(path), "%s/" GLINT_CLIP_RING, r.folder);
	CU_ASSERT_EQUAL(truncate(path, GLINT_CLIP_PAGE + 3 * SLOT + SLOT / 2), 0);
	rig_push_slowly(&r, 20); /* 1010 to 1029 */
	rig_ask(&r, &asked, "a", GLINT_MOMENT_SEQ, 1020);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(asked.recording.state, GLINT_RECORDING_CLOSED);
	n = rig_read(&r, "a.mkv", seqs, 64, &reader);
	CU_ASSERT_EQUAL(reader.head.gaps.lost, asked.recording.lost);
	CU_ASSERT_EQUAL_FATAL(n, 3 + 13);
	CU_ASSERT_EQUAL(seqs[2], 1002);
	CU_ASSERT_EQUAL(seqs[3], 1010);
	CU_ASSERT_EQUAL(asked.recording.lost, 7);
	CU_ASSERT_STRING_EQUAL(REPORTED(text, recorder, r.recorder, "recorder.disk_error"),
			       "Input/output error");
	rig_close(&r);
}

static bool is_failed(struct recorder_rig *r)
{
	return strcmp(REPORTED(text, recorder, r->recorder, "recorder.state"), "failed") == 0;
}

/* The file has got them from the memory. */
static void test_frames_that_the_ring_lacks_but_a_file_has_are_recorded(void)
{
	struct recorder_rig r;
	struct asked asked;

	RIG_OPEN(&r);
	r.config.post.value = 6;
	rig_start_on_disk(&r);
	rig_push_slowly(&r, 10);
	rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0);
	rig_push_slowly(&r, 1);
	r.disk.write_err = -EIO;
	r.disk.fail_offset = GLINT_CLIP_PAGE + 11 * SLOT; /* of 1011 in the ring */
	rig_push_slowly(&r, 10);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(asked.recording.frames, 10);
	CU_ASSERT_EQUAL(asked.recording.lost, 0);
	recorder_rig_state(&r, "recorder.recorded", 10);
	rig_push_slowly(&r, ON_DISK);
	recorder_rig_state(&r, "recorder.recorded", 10);
	recorder_rig_state(&r, "recorder.lost", 0);
	rig_close(&r);
}

static void test_a_ring_that_was_cut_short_has_its_other_frames(void)
{
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked asked;
	uint32_t seqs[64];
	char path[128];

	RIG_OPEN(&r);
	r.config.pre.value = 30;
	rig_start_on_disk(&r);
	rig_push_slowly(&r, ON_DISK + 6); /* 1064 to 1069 are before older ones */
	snprintf(path, sizeof(path), "%s/" GLINT_CLIP_RING, r.folder);
	CU_ASSERT_EQUAL(truncate(path, GLINT_CLIP_PAGE + 10 * SLOT), 0);
	rig_push_slowly(&r, 3);
	rig_ask(&r, &asked, "a", GLINT_MOMENT_SEQ, 1066);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(asked.recording.state, GLINT_RECORDING_CLOSED);
	CU_ASSERT_EQUAL_FATAL(rig_read(&r, "a.mkv", seqs, 64, &reader), 5);
	CU_ASSERT_EQUAL(seqs[0], 1064);
	CU_ASSERT_EQUAL(asked.recording.lost, 23); /* with the 9 to the newest: half of the ring */
	rig_close(&r);
}

/* An error of the file is none of the ring's frames. */
static void test_a_file_that_takes_nothing_costs_other_recordings_no_frame(void)
{
	struct recorder_rig r;
	struct asked asked;

	RIG_OPEN(&r);
	rig_start_on_disk(&r);
	rig_push_slowly(&r, 40);
	r.disk.copy_err = -EIO;
	rig_ask(&r, &asked, "a", GLINT_MOMENT_SEQ, 1020);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(asked.recording.state, GLINT_RECORDING_FAILED);
	r.disk.copy_err = 0;
	rig_ask(&r, &asked, "b", GLINT_MOMENT_SEQ, 1020);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(asked.recording.state, GLINT_RECORDING_CLOSED);
	CU_ASSERT_EQUAL(asked.recording.frames, 6);
	CU_ASSERT_EQUAL(asked.recording.lost, 0);
	rig_close(&r);
}

static void test_a_file_system_that_does_not_tell_its_space_may_have_it(void)
{
	struct statvfs space = { .f_frsize = 4096, .f_blocks = 1000, .f_bavail = 10 };

	CU_ASSERT_FALSE(glint_disk_lacks_space(&space, 9 * 4096));
	CU_ASSERT_TRUE(glint_disk_lacks_space(&space, 10 * 4096));
	CU_ASSERT_TRUE(glint_disk_lacks_space(&space, UINT64_MAX));
	space.f_frsize = 0;
	CU_ASSERT_FALSE(glint_disk_lacks_space(&space, UINT64_MAX));
	space = (struct statvfs){ .f_frsize = 4096 };
	CU_ASSERT_FALSE(glint_disk_lacks_space(&space, UINT64_MAX));
}

static void test_a_disk_without_space_for_the_ring_is_told(void)
{
	struct recorder_rig r;

	RIG_OPEN(&r);
	r.config.disk_size = ON_DISK * SLOT;
	r.disk.full_at = SLOT;
	CU_ASSERT_EQUAL_FATAL(glint_recorder_create(&r.recorder, r.loop, &r.frames, &r.config), 0);
	RIG_RUN_UNTIL(r.loop, is_failed(&r));
	CU_ASSERT_EQUAL(rig_count_files(&r), 1); /* its blocks are others' at once */
	rig_push_many(&r, 4);
	CU_ASSERT_TRUE(glint_recorder_destroy(r.recorder, UINT64_MAX));
	CU_ASSERT_EQUAL(rig_count_files(&r), 1); /* the lock */
	glint_loop_destroy(r.loop);
	rig_remove_folder(&r);
}

/* The ring as a kill would leave it now, under the name of a ring that was left. */
static void rig_kill(const struct recorder_rig *r, uint8_t *bytes, size_t size)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/" GLINT_CLIP_RING, r->folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CU_ASSERT_EQUAL(pread(fd, bytes, size, 0), (ssize_t)size);
	close(fd);
}

static void rig_leave(const struct recorder_rig *r, const char *name, const uint8_t *bytes,
		      size_t size)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", r->folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CU_ASSERT_EQUAL(write(fd, bytes, size), (ssize_t)size);
	close(fd);
}

static void test_a_ring_that_was_left_has_its_whole_frames(void)
{
	enum { SIZE = GLINT_CLIP_PAGE + ON_DISK * SLOT };
	static uint8_t bytes[SIZE];
	struct glint_clip_recovered recovered;
	struct glint_clip_reader reader;
	struct recorder_rig r;
	uint32_t seqs[128];
	unsigned n, clips, newest;
	int dir;

	RIG_OPEN(&r);
	rig_start_on_disk(&r);
	rig_push_slowly(&r, 150); /* the newest, 1149, is in the place 149 % 64 = 21 */
	rig_kill(&r, bytes, SIZE);
	/* Writes that had begun: heads of old frames, and pixels of frames that nobody knows. */
	for (unsigned i = 22; i < 30; i++)
		memset(bytes + GLINT_CLIP_PAGE + i * SLOT + GLINT_CLIP_PAGE, 0x55, 512);
	rig_leave(&r, GLINT_CLIP_RING_LEFT, bytes, SIZE);
	dir = open(r.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_EQUAL_FATAL(
		glint_clip_recover_ring(dir, GLINT_CLIP_RING_LEFT, "ring", &recovered, &clips), 0);
	CU_ASSERT_EQUAL(clips, 1);
	CU_ASSERT_STRING_EQUAL(recovered.name, "ring.recovered");
	n = rig_read(&r, "ring.recovered.mkv", seqs, 128, &reader);
	CU_ASSERT_EQUAL_FATAL(n, recovered.frames);
	/* The frame that was written last does not say of itself that it is whole. */
	newest = seqs[n - 1];
	CU_ASSERT_EQUAL(newest, 1148);
	CU_ASSERT_TRUE(n >= ON_DISK - 19);
	for (unsigned i = 0; i < n; i++)
		CU_ASSERT_EQUAL(seqs[i], newest + 1 - n + i);
	CU_ASSERT_TRUE(reader.head.finished);
	CU_ASSERT_EQUAL(reader.head.trigger_seq, newest);
	CU_ASSERT_STRING_EQUAL(reader.head.trigger, "killed");
	CU_ASSERT_EQUAL(reader.head.bytes, reader.size);

	/* A frame in the middle that the disk did not keep is missing, and counted. */
	memset(bytes + GLINT_CLIP_PAGE + 10 * SLOT, 0, GLINT_CLIP_PAGE);
	rig_leave(&r, GLINT_CLIP_RING_LEFT, bytes, SIZE);
	CU_ASSERT_EQUAL_FATAL(
		glint_clip_recover_ring(dir, GLINT_CLIP_RING_LEFT, "ring", &recovered, &clips), 0);
	CU_ASSERT_STRING_EQUAL(recovered.name, "ring.recovered-2");
	CU_ASSERT_EQUAL(rig_read(&r, "ring.recovered-2.mkv", seqs, 128, &reader), n - 1);
	CU_ASSERT_EQUAL(reader.head.gaps.lost, 1);

	/* No ring, and one without a frame. */
	bytes[0] ^= 1;
	rig_leave(&r, GLINT_CLIP_RING_LEFT, bytes, SIZE);
	CU_ASSERT_EQUAL(glint_clip_recover_ring(dir, GLINT_CLIP_RING_LEFT, "ring", &recovered,
						&clips),
			-EBADMSG);
	bytes[0] ^= 1;
	rig_leave(&r, GLINT_CLIP_RING_LEFT, bytes, GLINT_CLIP_PAGE);
	CU_ASSERT_EQUAL(
		glint_clip_recover_ring(dir, GLINT_CLIP_RING_LEFT, "ring", &recovered, &clips), 0);
	CU_ASSERT_EQUAL(recovered.frames, 0);
	close(dir);
	rig_close(&r);
}

/* Writes the head of a frame in a ring, whose pixels do not matter. */
static void write_ring_frame(int fd, uint64_t id, uint64_t number, uint64_t offset, uint32_t size)
{
	const struct glint_clip_frame frame = {
		.stream = 1, .seq = (uint32_t)number, .size = size, .capture_ns = number * 1000000
	};
	const struct glint_clip_ring_record written = {
		.number = number,
		.done = number,
		.format = { .fourcc = GLINT_CLIP_MJPEG, .width = 64, .height = 48 },
	};
	uint8_t page[GLINT_CLIP_PAGE] = { 0 };

	glint_clip_write_frame_head(&frame, 1000000, page);
	glint_clip_ring_write_record(id, &written, page);
	CU_ASSERT_EQUAL(pwrite(fd, page, sizeof(page), (off_t)offset), (ssize_t)sizeof(page));
}

static void test_a_ring_that_was_left_has_no_frames_of_old_laps(void)
{
	enum { PAGES = 40, SIZE = (1 + PAGES) * GLINT_CLIP_PAGE };
	const struct glint_clip_ring ring = {
		.id = 42, .size = PAGES * GLINT_CLIP_PAGE, .realtime_ns = 1, .monotonic_ns = 1
	};
	struct glint_clip_recovered recovered;
	uint8_t page[GLINT_CLIP_PAGE];
	struct recorder_rig r;
	uint64_t number = 100;
	unsigned clips;
	int dir, fd;

	rig_open_folder(&r);
	dir = open(r.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = openat(dir, GLINT_CLIP_RING_LEFT, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CU_ASSERT_EQUAL(ftruncate(fd, SIZE), 0);
	glint_clip_ring_write_page(&ring, page);
	CU_ASSERT_EQUAL(pwrite(fd, page, sizeof(page), 0), (ssize_t)sizeof(page));
	/* Small pictures up to the end; then large ones, none of which has space in the last page. */
	for (unsigned at = 0; at < PAGES; at += 2)
		write_ring_frame(fd, 42, number++, (1 + at) * GLINT_CLIP_PAGE, 4000);
	for (unsigned lap = 0; lap < 2; lap++)
		for (unsigned at = 0; at + 4 <= PAGES - 2; at += 4)
			write_ring_frame(fd, 42, number++, (1 + at) * GLINT_CLIP_PAGE, 12000);
	close(fd);
	CU_ASSERT_EQUAL_FATAL(
		glint_clip_recover_ring(dir, GLINT_CLIP_RING_LEFT, "ring", &recovered, &clips), 0);
	CU_ASSERT_EQUAL(clips, 1);
	/* Without the newest, and what lies where the next one may have been written. */
	CU_ASSERT_EQUAL(recovered.frames, 8);
	close(dir);
	rig_remove_folder(&r);
}

static void test_a_damaged_ring_is_read_without_harm(void)
{
	enum { SIZE = GLINT_CLIP_PAGE + ON_DISK * SLOT };
	static uint8_t bytes[SIZE], damaged[SIZE];
	struct random random = random_begin();
	struct glint_clip_recovered recovered;
	struct recorder_rig r;
	unsigned clips;
	int dir;

	RIG_OPEN(&r);
	rig_start_on_disk(&r);
	rig_push_slowly(&r, 100);
	rig_kill(&r, bytes, SIZE);
	dir = open(r.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (unsigned round = 0; round < 60; round++) {
		unsigned size = 1 + random_below(&random, SIZE);

		memcpy(damaged, bytes, SIZE);
		for (unsigned i = 0; i < 300; i++) {
			/* The ends of heads have the records. */
			unsigned page = random_below(&random, SIZE / GLINT_CLIP_PAGE);
			unsigned at = i % 2 ? random_below(&random, GLINT_CLIP_PAGE) :
					      GLINT_CLIP_PAGE - 1 - random_below(&random, 90);

			damaged[page * GLINT_CLIP_PAGE + at] = (uint8_t)random_below(&random, 256);
		}
		rig_leave(&r, GLINT_CLIP_RING_LEFT, damaged, size);
		(void)glint_clip_recover_ring(dir, GLINT_CLIP_RING_LEFT, "ring", &recovered,
					      &clips);
	}
	close(dir);
	rig_close(&r);
}

static void test_the_first_ring_that_was_left_is_kept(void)
{
	uint8_t bytes[GLINT_CLIP_PAGE] = { 1 };
	struct recorder_rig r;
	struct stat status;
	char path[128];

	RIG_OPEN(&r);
	rig_leave(&r, GLINT_CLIP_RING, bytes, 100);
	rig_start_on_disk(&r);
	snprintf(path, sizeof(path), "%s/" GLINT_CLIP_RING_LEFT, r.folder);
	CU_ASSERT_EQUAL(stat(path, &status), 0);
	CU_ASSERT_EQUAL(status.st_size, 100);
	CU_ASSERT_TRUE(glint_recorder_destroy(r.recorder, UINT64_MAX));
	CU_ASSERT_EQUAL(rig_count_files(&r), 2); /* the lock, and what was left: no ring */
	rig_leave(&r, GLINT_CLIP_RING, bytes, 200);
	CU_ASSERT_EQUAL_FATAL(glint_recorder_create(&r.recorder, r.loop, &r.frames, &r.config), 0);
	RIG_RUN_UNTIL(r.loop, is_ready(&r));
	CU_ASSERT_EQUAL(stat(path, &status), 0);
	CU_ASSERT_EQUAL(status.st_size, 100);
	rig_close(&r);
}

static void test_frames_in_the_memory_are_kept_without_a_copy(void)
{
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked asked;
	uint32_t seqs[32];

	RIG_OPEN(&r);
	rig_start(&r);
	CU_ASSERT_EQUAL_FATAL(rig_borrow(&r), 0);
	rig_push_many(&r, 40); /* 1000 to 1039 */
	/* The oldest frames are released in time. */
	CU_ASSERT_EQUAL(rig_free_places(&r), r.reserve);
	rig_ask(&r, &asked, "a", GLINT_MOMENT_SEQ, 1036);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL_FATAL(rig_read(&r, "a.mkv", seqs, 32, &reader), 6);
	for (uint32_t i = 0; i < 6; i++)
		CU_ASSERT_EQUAL(seqs[i], 1033 + i);
	recorder_rig_state(&r, "recorder.copied", 0);
	recorder_rig_state(&r, "recorder.lost", 0);
	rig_close(&r);
}

static void test_the_driver_keeps_its_places_when_the_disk_stalls(void)
{
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked asked;
	uint32_t seqs[64];

	RIG_OPEN(&r);
	r.config.post = (struct glint_record_span){ true, 30 };
	rig_start(&r);
	CU_ASSERT_EQUAL_FATAL(rig_borrow(&r), 0);
	disk_hold(&r.disk, true);
	rig_push_many(&r, 4); /* 1000 to 1003 */
	rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0);
	disk_wait_held(&r.disk);
	rig_push_many(&r, 20); /* to 1023; 3 places are not the recorder's */
	recorder_rig_state(&r, "recorder.lost", 11);
	CU_ASSERT_EQUAL(rig_free_places(&r), r.reserve);
	disk_hold(&r.disk, false);
	rig_drain(&r);
	rig_push_many(&r, 15); /* to 1038; the end is 1033 */
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(asked.recording.lost, 11);
	CU_ASSERT_EQUAL_FATAL(rig_read(&r, "a.mkv", seqs, 64, &reader), 23);
	CU_ASSERT_EQUAL(seqs[12], 1012);
	CU_ASSERT_EQUAL(seqs[13], 1024);
	CU_ASSERT_EQUAL(seqs[22], 1033);
	rig_close(&r);
}

static void test_the_memory_is_lent_when_no_recording_needs_it(void)
{
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked asked;
	uint32_t seqs[64];

	RIG_OPEN(&r);
	rig_start(&r);
	disk_hold(&r.disk, true);
	rig_push_many(&r, 4); /* 1000 to 1003: copies */
	rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0);
	disk_wait_held(&r.disk);
	CU_ASSERT_EQUAL(rig_borrow(&r), -EBUSY);
	rig_push_many(&r, 3);
	disk_hold(&r.disk, false);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(rig_read(&r, "a.mkv", seqs, 64, &reader), 6);
	CU_ASSERT_EQUAL_FATAL(rig_borrow(&r), 0);
	recorder_rig_state(&r, "recorder.copied", 7);
	recorder_rig_state(&r, "recorder.in_ring", 0);
	rig_push_many(&r, 6);
	CU_ASSERT_EQUAL(rig_free_places(&r), FRAMES - 6);
	/* The source goes on with other memory: the first copy needs the space. */
	r.leaves = true;
	rig_push_many(&r, 2);
	CU_ASSERT_PTR_NULL(r.loan);
	recorder_rig_state(&r, "recorder.copied", 9);
	recorder_rig_state(&r, "recorder.lost", 0);
	rig_ask(&r, &asked, "b", GLINT_MOMENT_LAST, 0);
	rig_push_many(&r, 20);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(rig_read(&r, "b.mkv", seqs, 64, &reader), 4);
	rig_close(&r);
}

static void check_leaving_source(bool on_disk)
{
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct asked asked;
	uint32_t seqs[64];

	RIG_OPEN(&r);
	r.config.post = (struct glint_record_span){ true, 10 };
	r.config.disk_size = on_disk ? ON_DISK * SLOT : 0;
	rig_start(&r);
	CU_ASSERT_EQUAL_FATAL(rig_borrow(&r), 0);
	disk_hold(&r.disk, true);
	rig_push_many(&r, 4); /* 1000 to 1003 */
	rig_ask(&r, &asked, "a", GLINT_MOMENT_LAST, 0);
	disk_wait_held(&r.disk);
	r.leaves = true;
	rig_push_many(&r, 3); /* of other memory, while this one has frames that must be written */
	recorder_rig_state(&r, "recorder.lost", 3);
	disk_hold(&r.disk, false);
	rig_drain(&r);
	for (unsigned i = 0; i < 8; i++) { /* 1007 to 1014; the end is 1013 */
		rig_push(&r, 0, 0);
		rig_drain(&r);
	}
	CU_ASSERT_PTR_NULL(r.loan);
	RIG_RUN_UNTIL(r.loop, asked.calls == 1);
	CU_ASSERT_EQUAL(asked.recording.lost, 3);
	CU_ASSERT_EQUAL_FATAL(rig_read(&r, "a.mkv", seqs, 64, &reader), 11);
	CU_ASSERT_EQUAL(seqs[3], 1003);
	CU_ASSERT_EQUAL(seqs[4], 1007);
	CU_ASSERT_EQUAL(reader.head.gaps.lost, 3);
	recorder_rig_state(&r, "recorder.seen", 15);
	recorder_rig_state(&r, "recorder.lost", 3);
	rig_close(&r);
}

static void test_frames_that_a_leaving_source_costs_are_told(void)
{
	check_leaving_source(false);
	check_leaving_source(true);
}

static void test_folders_of_others_are_refused(void)
{
	struct glint_record_folder folder, second;
	struct recorder_rig r;
	char link[96];

	rig_open_folder(&r);
	CU_ASSERT_EQUAL_FATAL(glint_record_folder_open(&folder, r.folder), 0);
	CU_ASSERT_EQUAL(glint_record_folder_open(&second, r.folder), -EBUSY);
	glint_record_folder_close(&folder);
	CU_ASSERT_EQUAL(glint_record_folder_open(&folder, r.folder), 0);
	glint_record_folder_close(&folder);

	snprintf(link, sizeof(link), "%s-link", r.folder);
	CU_ASSERT_EQUAL_FATAL(symlink(r.folder, link), 0);
	CU_ASSERT_EQUAL(glint_record_folder_open(&folder, link), -ELOOP);
	unlink(link);
	CU_ASSERT_EQUAL(glint_record_folder_open(&folder, "/dev/null"), -ENOTDIR);
	CU_ASSERT_EQUAL(glint_record_folder_open(&folder, "/tmp/glint-has-no-such-folder"),
			-ENOENT);
	CU_ASSERT_EQUAL(chmod(r.folder, 0777), 0);
	CU_ASSERT_EQUAL(glint_record_folder_open(&folder, r.folder), -EPERM);
	rig_remove_folder(&r);
}

static void test_a_place_has_space_for_all_that_is_written_there(void)
{
	for (size_t size = 1; size < 3 * GLINT_CLIP_PAGE; size++)
		CU_ASSERT_EQUAL_FATAL(glint_loan_stride(size), glint_clip_frame_bytes(size));
}

/* A thread that has other work takes what is complete, and waits for nothing. */
static void test_writes_end_though_nobody_waits_for_them(void)
{
	static _Alignas(GLINT_CLIP_PAGE) uint8_t memory[4 * GLINT_CLIP_PAGE];
	struct glint_disk_write write = { .bytes = memory, .size = sizeof(memory) };
	char path[] = "/tmp/glint-test-XXXXXX";
	struct glint_engine *engine;
	int kick_fd = eventfd(0, EFD_CLOEXEC);

	if (!IS_ENABLED(CONFIG_LOOP_URING) || strcmp(glint_test_loop(), "epoll") == 0)
		GLINT_SKIP("without io_uring a write is complete at once");
	write.fd = mkstemp(path);
	CU_ASSERT_EQUAL_FATAL(glint_engine_create_uring(&engine, memory, sizeof(memory), kick_fd),
			      0);
	engine->ops->start(engine, &write);
	while (!write.complete)
		(void)engine->ops->reap(engine);
	CU_ASSERT_EQUAL(write.res, (int64_t)sizeof(memory));
	CU_ASSERT_FALSE(engine->ops->reap(engine));
	engine->ops->destroy(engine);
	close(write.fd);
	close(kick_fd);
	unlink(path);
}

static void test_the_ring_keeps_entries_in_one_piece(void)
{
	struct random random = random_begin();
	struct glint_record_ring ring;
	uint64_t at, held = 0;

	CU_ASSERT_EQUAL_FATAL(glint_record_ring_init(&ring, 64 * GLINT_CLIP_PAGE, 64), 0);
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t length = (2 + random_below(&random, 20)) * GLINT_CLIP_PAGE;

		while (!glint_record_ring_find(&ring, length, &at)) {
			CU_ASSERT_TRUE_FATAL(ring.first < ring.next);
			held -= glint_record_ring_at(&ring, ring.first)->length;
			glint_record_ring_drop(&ring);
		}
		CU_ASSERT_TRUE_FATAL(at + length <= ring.size);
		for (uint64_t n = ring.first; n < ring.next; n++) {
			const struct glint_record_entry *entry = glint_record_ring_at(&ring, n);

			CU_ASSERT_TRUE_FATAL(at + length <= entry->at ||
					     entry->at + entry->length <= at);
		}
		glint_record_ring_add(&ring, at, length);
		held += length;
		CU_ASSERT_TRUE_FATAL(held <= ring.size);
	}
	glint_record_ring_fini(&ring);
}

static void test_the_first_signal_has_not_come_back(void)
{
	struct glint_recorder_source source = { .online = true, .device = "/dev/video0" };
	struct recorder_rig r;

	RIG_OPEN(&r);
	r.config.triggers = GLINT_RECORD_ON_SIGNAL_BACK | GLINT_RECORD_ON_SIGNAL_LOST;
	rig_start(&r);
	/* The frame that makes the source live is pushed before. */
	rig_push(&r, 0, 0);
	glint_recorder_source_changed(r.recorder, &source);
	CU_ASSERT_PTR_NULL(glint_recorder_recording(r.recorder, 0));
	source.online = false;
	glint_recorder_source_changed(r.recorder, &source);
	source.online = true;
	glint_recorder_source_changed(r.recorder, &source);
	CU_ASSERT_PTR_NOT_NULL_FATAL(glint_recorder_recording(r.recorder, 0));
	CU_ASSERT_STRING_EQUAL(glint_recorder_recording(r.recorder, 0)->trigger, "signal-lost");
	CU_ASSERT_EQUAL(glint_recorder_recording(r.recorder, 0)->triggers, 2);
	rig_close(&r);
}

static void test_spans_and_triggers_are_parsed(void)
{
	struct glint_record_span span;
	unsigned triggers;

	CU_ASSERT_EQUAL(glint_record_span_parse("120", &span), 0);
	CU_ASSERT_TRUE(span.in_frames && span.value == 120);
	CU_ASSERT_EQUAL(glint_record_span_parse("1.5s", &span), 0);
	CU_ASSERT_TRUE(!span.in_frames && span.value == 1500000000);
	CU_ASSERT_EQUAL(glint_record_span_parse("250ms", &span), 0);
	CU_ASSERT_EQUAL(span.value, 250000000);
	CU_ASSERT_EQUAL(glint_record_span_parse("2min", &span), 0);
	CU_ASSERT_EQUAL(span.value, 120000000000);
	CU_ASSERT_EQUAL(glint_record_span_parse("1ns", &span), 0);
	CU_ASSERT_TRUE(!span.in_frames && span.value == 1);
	CU_ASSERT_EQUAL(glint_record_span_parse("1nan", &span), -EINVAL);
	CU_ASSERT_EQUAL(glint_record_span_parse("1.5", &span), -EINVAL);
	CU_ASSERT_EQUAL(glint_record_span_parse("-1", &span), -EINVAL);
	CU_ASSERT_EQUAL(glint_record_span_parse("1e3", &span), -EINVAL);
	CU_ASSERT_EQUAL(glint_record_span_parse("1day", &span), -EINVAL);
	CU_ASSERT_EQUAL(glint_record_span_parse("", &span), -EINVAL);
	CU_ASSERT_EQUAL(glint_record_span_parse("86401s", &span), -EINVAL);
	CU_ASSERT_EQUAL(glint_record_triggers_parse("drop,signal-back", &triggers), 0);
	CU_ASSERT_EQUAL(triggers, GLINT_RECORD_ON_DROP | GLINT_RECORD_ON_SIGNAL_BACK);
	CU_ASSERT_EQUAL(glint_record_triggers_parse("", &triggers), 0);
	CU_ASSERT_EQUAL(triggers, 0);
	CU_ASSERT_EQUAL(glint_record_triggers_parse("drop,", &triggers), -EINVAL);
	CU_ASSERT_EQUAL(glint_record_triggers_parse("drops", &triggers), -EINVAL);
}

/* --- GPIO --------------------------------------------------------------------------------------- */

/* A chip of four lines, the third of which has a name. */
struct chip {
	struct glint_gpio_access access;
	int edges; /* the test writes events there */
	int busy_err;
	uint32_t taken; /* lines, a bit each */
	uint64_t flags;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned high, low; /* how often the output was set so */
	bool gone;
	unsigned reads_when_gone;
};

static int chip_open(struct glint_gpio_access *access, const char *path)
{
	(void)access;
	return strcmp(path, "/dev/gpiochip7") == 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) :
						     -ENOENT;
}

static int chip_take(struct chip *chip, struct gpio_v2_line_request *request)
{
	int fds[2];

	if (chip->busy_err < 0)
		return chip->busy_err;
	CU_ASSERT_EQUAL(request->num_lines, 1);
	CU_ASSERT_STRING_EQUAL(request->consumer, "glintd");
	chip->taken |= 1u << request->offsets[0];
	if (request->config.flags & GPIO_V2_LINE_FLAG_OUTPUT) {
		request->fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		return 0;
	}
	chip->flags = request->config.flags;
	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
	request->fd = fds[0];
	chip->edges = fds[1];
	return 0;
}

static void chip_set(struct chip *chip, const struct gpio_v2_line_values *values)
{
	pthread_mutex_lock(&chip->lock);
	CU_ASSERT_EQUAL(values->mask, 1);
	chip->high += values->bits == 1;
	chip->low += values->bits == 0;
	pthread_cond_broadcast(&chip->changed);
	pthread_mutex_unlock(&chip->lock);
}

static int chip_ioctl(struct glint_gpio_access *access, int fd, unsigned long request, void *arg)
{
	struct chip *chip = container_of(access, struct chip, access);
	struct gpio_v2_line_info *info = arg;

	CU_ASSERT_TRUE(fd >= 0);
	switch (request) {
	case GPIO_GET_CHIPINFO_IOCTL:
		((struct gpiochip_info *)arg)->lines = 4;
		return 0;
	case GPIO_V2_GET_LINEINFO_IOCTL:
		CU_ASSERT_TRUE(info->offset < 4);
		strcpy(info->name, info->offset == 2 ? "TRIGGER" : "");
		return 0;
	case GPIO_V2_GET_LINE_IOCTL:
		return chip_take(chip, arg);
	case GPIO_V2_LINE_SET_VALUES_IOCTL:
		chip_set(chip, arg);
		return 0;
	default:
		return -ENOTTY;
	}
}

static ssize_t chip_read(struct glint_gpio_access *access, int fd, void *bytes, size_t size)
{
	struct chip *chip = container_of(access, struct chip, access);

	chip->reads_when_gone += chip->gone;
	return chip->gone ? -ENODEV : glint_gpio_kernel.read(access, fd, bytes, size);
}

static void chip_init(struct chip *chip)
{
	*chip = (struct chip){
		.access = { .open = chip_open, .ioctl = chip_ioctl, .read = chip_read },
		.edges = -1,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
}

static void chip_wait(struct chip *chip, unsigned high, unsigned low)
{
	pthread_mutex_lock(&chip->lock);
	while (chip->high < high || chip->low < low)
		pthread_cond_wait(&chip->changed, &chip->lock);
	CU_ASSERT_EQUAL(chip->high, high);
	CU_ASSERT_EQUAL(chip->low, low);
	pthread_mutex_unlock(&chip->lock);
}

static void chip_edge(const struct chip *chip, uint64_t ns, uint32_t number)
{
	struct gpio_v2_line_event event = {
		.timestamp_ns = ns,
		.id = GPIO_V2_LINE_EVENT_RISING_EDGE,
		.line_seqno = number,
	};

	CU_ASSERT_EQUAL(write(chip->edges, &event, sizeof(event)), (ssize_t)sizeof(event));
}

/* Skips the test in a configuration without GPIO. */
#define RIG_OPEN_WITH_CHIP(r, chip)                                                                \
	do {                                                                                       \
		if (!IS_ENABLED(CONFIG_RECORD_GPIO))                                               \
			GLINT_SKIP("no GPIO in this configuration");                               \
		RIG_OPEN(r);                                                                       \
		chip_init(chip);                                                                   \
		(r)->config.gpio = &(chip)->access;                                                \
	} while (0)

static void test_an_edge_triggers_at_its_own_moment(void)
{
	struct glint_clip_reader reader;
	struct recorder_rig r;
	struct chip chip;
	uint32_t seqs[32];
	uint64_t ns;

	RIG_OPEN_WITH_CHIP(&r, &chip);
	CU_ASSERT_EQUAL(glint_record_line_parse("gpiochip7:TRIGGER:both", true, &r.config.in), 0);
	CU_ASSERT_EQUAL(glint_record_line_parse("/dev/gpiochip7:3", false, &r.config.out), 0);
	rig_start(&r);
	CU_ASSERT_EQUAL(chip.taken, 1u << 2 | 1u << 3);
	CU_ASSERT_EQUAL(chip.flags, GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_EDGE_RISING |
					    GPIO_V2_LINE_FLAG_EDGE_FALLING);
	rig_push_many(&r, 5); /* to 1004 */
	ns = glint_now_ns();
	rig_push_many(&r, 2); /* 1005 is the first one behind the edge, which is read later */
	CU_ASSERT_EQUAL(chip.high, 0);
	chip_edge(&chip, ns, 1);
	RIG_RUN_UNTIL(r.loop, glint_recorder_recording(r.recorder, 0));
	chip_wait(&chip, 1, 0);
	CU_ASSERT_STRING_EQUAL(glint_recorder_recording(r.recorder, 0)->trigger, "gpio");
	CU_ASSERT_EQUAL(glint_recorder_recording(r.recorder, 0)->moment_ns, ns);
	rig_push_many(&r, 1);
	chip_wait(&chip, 1, 1);
	RIG_RUN_UNTIL(r.loop,
		      glint_recorder_recording(r.recorder, 0)->state == GLINT_RECORDING_CLOSED);
	CU_ASSERT_EQUAL_FATAL(
		rig_read(&r, glint_recorder_recording(r.recorder, 0)->file, seqs, 32, &reader), 6);
	CU_ASSERT_EQUAL(seqs[0], 1002);
	CU_ASSERT_EQUAL(reader.head.trigger_seq, 1005);
	/* The kernel's queue had no place for two edges. */
	chip_edge(&chip, glint_now_ns(), 4);
	RIG_RUN_UNTIL(r.loop, REPORTED(int, recorder, r.recorder, "recorder.gpio_edges") == 2);
	recorder_rig_state(&r, "recorder.gpio_missed", 2);
	chip_wait(&chip, 2, 1);
	rig_close(&r);
	CU_ASSERT_TRUE(chip.low >= 2); /* also at the end */
	close(chip.edges);
}

static void test_a_chip_that_goes_away_is_told_once(void)
{
	struct recorder_rig r;
	struct chip chip;

	RIG_OPEN_WITH_CHIP(&r, &chip);
	CU_ASSERT_EQUAL(glint_record_line_parse("gpiochip7:1", true, &r.config.in), 0);
	rig_start(&r);
	chip_edge(&chip, glint_now_ns(), 1);
	RIG_RUN_UNTIL(r.loop, REPORTED(int, recorder, r.recorder, "recorder.gpio_edges") == 1);
	CU_ASSERT_STRING_EQUAL(REPORTED(text, recorder, r.recorder, "recorder.gpio_error"), "");
	/* From now on the line is always readable. */
	chip.gone = true;
	chip_edge(&chip, glint_now_ns(), 2);
	RIG_RUN_UNTIL(r.loop, *REPORTED(text, recorder, r.recorder, "recorder.gpio_error"));
	rig_push_many(&r, 20);
	CU_ASSERT_EQUAL(chip.reads_when_gone, 1);
	CU_ASSERT_STRING_EQUAL(REPORTED(text, recorder, r.recorder, "recorder.gpio_error"),
			       "No such device");
	rig_close(&r);
	close(chip.edges);
}

static void test_lines_that_cannot_be_had_are_told(void)
{
	struct recorder_rig r;
	struct chip chip;

	RIG_OPEN_WITH_CHIP(&r, &chip);
#define CREATE() glint_recorder_create(&r.recorder, r.loop, &r.frames, &r.config)
	CU_ASSERT_EQUAL(glint_record_line_parse("gpiochip7:4", true, &r.config.in), 0);
	CU_ASSERT_EQUAL(CREATE(), -ENXIO);
	CU_ASSERT_EQUAL(glint_record_line_parse("gpiochip7:OTHER", true, &r.config.in), 0);
	CU_ASSERT_EQUAL(CREATE(), -ENXIO);
	CU_ASSERT_EQUAL(glint_record_line_parse("gpiochip8:1", true, &r.config.in), 0);
	CU_ASSERT_EQUAL(CREATE(), -ENOENT);
	CU_ASSERT_EQUAL(glint_record_line_parse("gpiochip7:1", true, &r.config.in), 0);
	chip.busy_err = -EBUSY;
	CU_ASSERT_EQUAL(CREATE(), -EBUSY);
	/* The first line is given back when the second one cannot be had. */
	chip.busy_err = 0;
	CU_ASSERT_EQUAL(glint_record_line_parse("gpiochip9:1", false, &r.config.out), 0);
	CU_ASSERT_EQUAL(CREATE(), -ENOENT);
	close(chip.edges);
	rig_settle(r.loop);
	glint_loop_destroy(r.loop);
	rig_remove_folder(&r);
#undef CREATE
}

static void test_lines_are_parsed(void)
{
	static const char *const bad[] = { "",	  "gpiochip0", ":1",	 "gpiochip0:",
					   "a::", "a:1:",      "a:1:up", "a:1:rising:" };
	struct glint_record_line line;

	CU_ASSERT_EQUAL(glint_record_line_parse("gpiochip0:17", true, &line), 0);
	CU_ASSERT_STRING_EQUAL(line.chip, "/dev/gpiochip0");
	CU_ASSERT_STRING_EQUAL(line.line, "17");
	CU_ASSERT_EQUAL(line.edges, GLINT_RECORD_RISING);
	CU_ASSERT_EQUAL(glint_record_line_parse("/dev/x:A B:falling", true, &line), 0);
	CU_ASSERT_STRING_EQUAL(line.chip, "/dev/x");
	CU_ASSERT_STRING_EQUAL(line.line, "A B");
	CU_ASSERT_EQUAL(line.edges, GLINT_RECORD_FALLING);
	CU_ASSERT_EQUAL(glint_record_line_parse("a:1:rising", false, &line), -EINVAL);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(glint_record_line_parse(bad[i], true, &line), -EINVAL);
	CU_ASSERT_EQUAL(glint_record_line_parse("a:12345678901234567890123456789012", true, &line),
			-EINVAL);
}

GLINT_TESTS("recorder", GLINT_TEST(test_a_window_has_the_frames_before_and_behind_the_trigger),
	    GLINT_TEST(test_a_frame_that_comes_long_after_its_stamp_is_recorded),
	    GLINT_TEST(test_frames_before_the_trigger_leave_entries_for_those_behind),
	    GLINT_TEST(test_a_frame_of_the_stream_before_is_found),
	    GLINT_TEST(test_a_file_whose_length_is_known_has_no_blocks_to_free),
	    GLINT_TEST(test_a_file_that_ends_early_has_its_size),
	    GLINT_TEST(test_a_moment_in_the_past_is_recorded_while_it_is_held),
	    GLINT_TEST(test_missing_frames_count_and_are_told),
	    GLINT_TEST(test_numbers_wrap_within_a_recording),
	    GLINT_TEST(test_a_stalled_disk_costs_frames_that_are_counted),
	    GLINT_TEST(test_a_failed_write_leaves_what_was_written),
	    GLINT_TEST(test_a_full_disk_leaves_the_frames_that_had_space),
	    GLINT_TEST(test_files_are_on_the_disk_before_they_get_their_names),
	    GLINT_TEST(test_files_that_cannot_be_synced_keep_their_first_names),
	    GLINT_TEST(test_names_that_cannot_be_synced_are_told),
	    GLINT_TEST(test_frames_are_written_while_files_reach_the_disk),
	    GLINT_TEST(test_frames_are_written_to_the_ring_while_files_reach_the_disk),
	    GLINT_TEST(test_a_failed_recording_needs_no_memory_while_its_files_reach_the_disk),
	    GLINT_TEST(test_a_disk_that_is_too_slow_begins_further_recordings),
	    GLINT_TEST(test_a_disk_that_stalls_for_long_does_not_end_a_recording),
	    GLINT_TEST(test_keeping_frames_allocates_nothing),
	    GLINT_TEST(test_an_end_before_the_memory_is_ready_leaves_no_sink),
	    GLINT_TEST(test_a_disk_that_takes_no_frame_leaves_no_file),
	    GLINT_TEST(test_a_file_that_cannot_be_created_refuses_the_request),
	    GLINT_TEST(test_frames_are_delivered_exactly_if_a_recording_has_them),
	    GLINT_TEST(test_nothing_is_overwritten),
	    GLINT_TEST(test_a_further_trigger_waits_for_the_file_too),
	    GLINT_TEST(test_a_name_is_free_when_its_files_are_gone_and_its_recording_has_ended),
	    GLINT_TEST(test_a_further_trigger_makes_a_recording_longer),
	    GLINT_TEST(test_a_further_trigger_whose_frame_comes_too_late_is_told),
	    GLINT_TEST(test_other_pixels_end_a_recording),
	    GLINT_TEST(test_random_windows_of_copies_are_exact),
	    GLINT_TEST(test_random_windows_of_frames_in_place_are_exact),
	    GLINT_TEST(test_random_windows_from_the_disk_are_exact),
	    GLINT_TEST(test_random_windows_of_frames_in_place_from_the_disk_are_exact),
	    GLINT_TEST(test_the_disk_holds_more_than_the_memory),
	    GLINT_TEST(test_a_ring_on_a_disk_that_stalls_loses_counted_frames_only),
	    GLINT_TEST(test_a_bad_place_of_the_disk_costs_its_frame_and_is_told),
	    GLINT_TEST(test_a_disk_that_cannot_be_read_leaves_no_file),
	    GLINT_TEST(test_a_ring_that_another_program_has_cut_gives_no_zeros),
	    GLINT_TEST(test_frames_that_the_ring_lacks_but_a_file_has_are_recorded),
	    GLINT_TEST(test_a_ring_that_was_cut_short_has_its_other_frames),
	    GLINT_TEST(test_a_file_that_takes_nothing_costs_other_recordings_no_frame),
	    GLINT_TEST(test_a_file_system_that_does_not_tell_its_space_may_have_it),
	    GLINT_TEST(test_a_disk_without_space_for_the_ring_is_told),
	    GLINT_TEST(test_a_ring_that_was_left_has_its_whole_frames),
	    GLINT_TEST(test_a_ring_that_was_left_has_no_frames_of_old_laps),
	    GLINT_TEST(test_a_damaged_ring_is_read_without_harm),
	    GLINT_TEST(test_the_first_ring_that_was_left_is_kept),
	    GLINT_TEST(test_frames_in_the_memory_are_kept_without_a_copy),
	    GLINT_TEST(test_the_driver_keeps_its_places_when_the_disk_stalls),
	    GLINT_TEST(test_the_memory_is_lent_when_no_recording_needs_it),
	    GLINT_TEST(test_frames_that_a_leaving_source_costs_are_told),
	    GLINT_TEST(test_folders_of_others_are_refused),
	    GLINT_TEST(test_the_first_signal_has_not_come_back),
	    GLINT_TEST(test_a_place_has_space_for_all_that_is_written_there),
	    GLINT_TEST(test_writes_end_though_nobody_waits_for_them),
	    GLINT_TEST(test_the_ring_keeps_entries_in_one_piece),
	    GLINT_TEST(test_spans_and_triggers_are_parsed),
	    GLINT_TEST(test_an_edge_triggers_at_its_own_moment),
	    GLINT_TEST(test_a_chip_that_goes_away_is_told_once),
	    GLINT_TEST(test_lines_that_cannot_be_had_are_told), GLINT_TEST(test_lines_are_parsed))
