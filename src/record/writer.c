/* SPDX-License-Identifier: MIT */
#include "record/writer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/thread.h"
#include "clip/ring.h"
#include "core/loop.h"
#include "mem/loan.h"
#include "record/closer.h"
#include "record/engine.h"
#include "record/folder.h"
#include "record/output.h"

#define WRITES_MAX	8u /* under way: with more, submitting blocks, and gains nothing */
#define WRITE_BYTES_MAX (4u << 20)
#define QUEUE_MAX	16u /* above three for each job */
#define POPULATE_BYTES	(UINT64_C(64) << 20)
#define COPY_BYTES	(4u << 20) /* from the ring on the disk, at once */
#define RING_ENTRIES	(1u << 18) /* in the ring on the disk: the loop reads them at a trigger */
#define RING_WRITES	64u /* a ring has space for so many writes, if they are not single frames */
#define FOLDER_NS	GLINT_NSEC_PER_SEC

static const struct glint_log_topic topic = { "record" };

struct command {
	enum { COMMAND_BEGIN, COMMAND_END, COMMAND_QUIT } kind;
	struct glint_record_job *job;
};

struct event {
	enum { EVENT_READY, EVENT_OPENED, EVENT_FAILED, EVENT_CLOSED } kind;
	struct glint_record_job *job;
	int err;
};

/* A job on the thread. */
struct work {
	struct glint_record_job *job; /* NULL: the place is free */
	struct glint_record_output *output;
	uint64_t next; /* entry that is to be written */
	bool ending;   /* no entry follows */
	bool broken;   /* a write has failed: the frames behind it do not count */
	int err;       /* of the first write that has failed */
	/* With a ring on the disk: frames that it should have, and has not. */
	struct glint_clip_gap gap; /* right before @next, with what was missing before them */
	uint64_t missing;
};

/* A write under way, in order of its job. */
struct write {
	struct glint_disk_write disk; /* what is left of it */
	struct work *work;	      /* NULL: the place is free */
	uint64_t first, end;	      /* entries */
	uint64_t number;	      /* grows with each write */
	uint64_t begun_ns;
	bool done;
	int err;		   /* of the disk: the frames are not in the file */
	bool absent;		   /* of frames that the ring on the disk has not */
	bool copied;		   /* from the ring on the disk, not from memory */
	struct glint_clip_gap gap; /* frames missing before the first, beside those that it says */
};

/* The ring on the disk, of the thread. */
struct disk_ring {
	int fd; /* -1: none */
	bool direct;
	uint64_t id;
	uint64_t done;	    /* entries below are whole in the file, or bad */
	uint64_t write_max; /* bytes of one write, if it is not a single frame */
	struct work work;   /* without a job */
	uint8_t *buffer;    /* of COPY_BYTES, for O_DIRECT */
	bool error_logged, cut_logged;
};

struct glint_writer {
	struct glint_loop *loop;
	struct glint_writer_listener *listener;
	struct glint_writer_config config;
	struct glint_disk *disk;
	pthread_t thread;
	int kick_fd; /* wakes the thread */
	int event_fd;
	struct glint_op event_op;

	/* The thread's. */
	struct glint_record_folder folder;
	struct glint_engine *engine;
	struct glint_closer *closer;
	struct work works[GLINT_WRITER_JOBS_MAX];
	struct write writes[WRITES_MAX];
	uint64_t n_writes;
	struct disk_ring disk_ring;
	unsigned turn; /* the work that is asked first */

	/* Made by the thread, the loop's after EVENT_READY. */
	struct glint_record_ring ring;
	struct glint_loan *loan;
	uint8_t *memory;		  /* of the loan */
	struct glint_record_ring entries; /* of the ring on the disk */

	_Atomic uint64_t
		offered; /* entries below may be written to the ring on the disk; the loop's */
	_Atomic uint64_t kept; /* entries below need no memory; the thread's */
	_Atomic int ring_err;
	_Atomic bool quit;
	_Atomic(const char *) engine_name;
	_Atomic bool direct;
	_Atomic uint64_t worst_write_ns, written;
	_Atomic unsigned recovered;

	pthread_mutex_t lock; /* for all below */
	pthread_cond_t changed;
	struct command commands[QUEUE_MAX];
	struct event events[QUEUE_MAX];
	unsigned first_command, n_commands, first_event, n_events;
	bool folder_known, folder_late, ended;
	int folder_err;

	bool abandoned; /* the loop's */
};

/* --- On the writer's thread: events and commands -------------------------------------------- */

static void writer_post(struct glint_writer *writer, const struct event *event)
{
	pthread_mutex_lock(&writer->lock);
	assert(writer->n_events < QUEUE_MAX);
	writer->events[(writer->first_event + writer->n_events++) % QUEUE_MAX] = *event;
	pthread_cond_broadcast(&writer->changed);
	pthread_mutex_unlock(&writer->lock);
	(void)eventfd_write(writer->event_fd, 1);
}

/* On the closer's thread. */
static void writer_on_closed(void *ctx, struct glint_record_job *job)
{
	writer_post(ctx, &(struct event){ .kind = EVENT_CLOSED, .job = job });
}

static bool writer_take(struct glint_writer *writer, struct command *command)
{
	bool any;

	pthread_mutex_lock(&writer->lock);
	any = writer->n_commands > 0;
	if (any) {
		*command = writer->commands[writer->first_command];
		writer->first_command = (writer->first_command + 1) % QUEUE_MAX;
		writer->n_commands--;
	}
	pthread_mutex_unlock(&writer->lock);
	return any;
}

/* --- Memory -------------------------------------------------------------------------------- */

static uint64_t available_bytes(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib = UINT64_MAX / 1024;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			break;
	if (file)
		(void)fclose(file);
	return kib * 1024;
}

/*
 * Fault all pages in: on the frame path each would cost a microsecond. The kernel would rather end
 * processes than refuse a page, so look first.
 */
static int populate(struct glint_writer *writer)
{
	uint64_t size = writer->config.memory;

	if (available_bytes() < size)
		return -ENOMEM;
	for (uint64_t at = 0; at < size && !atomic_load(&writer->quit); at += POPULATE_BYTES)
		memset(writer->memory + at, 0, MIN(size - at, POPULATE_BYTES));
	return 0;
}

static int prepare_engine(struct glint_writer *writer)
{
	int err = -ENOSYS;

#if IS_ENABLED(CONFIG_LOOP_URING)
	if (writer->config.uring && writer->disk->is_kernel)
		err = glint_engine_create_uring(&writer->engine, writer->memory,
						writer->config.memory, writer->kick_fd);
#endif
	if (err < 0)
		err = glint_engine_create_pwrite(&writer->engine, writer->disk, writer->kick_fd);
	if (err == 0)
		atomic_store(&writer->engine_name, writer->engine->name);
	return err;
}

static int prepare(struct glint_writer *writer)
{
	int err = glint_record_ring_init(&writer->ring, writer->config.memory,
					 GLINT_RECORD_ENTRIES_MAX);

	if (err == 0)
		err = glint_loan_create(&writer->loan, writer->config.memory);
	if (err == 0)
		writer->memory = writer->loan->base;
	if (err == 0)
		err = populate(writer);
	if (err == 0)
		err = prepare_engine(writer);
	if (err == 0)
		err = glint_closer_create(&writer->closer, writer_on_closed, writer);
	if (err < 0)
		glint_log_err(&topic, err,
			      "cannot prepare %llu MiB of memory for recording; see "
			      "--record-memory",
			      (unsigned long long)(writer->config.memory >> 20));
	return err;
}

/* --- The ring on the disk ---------------------------------------------------------------- */

/*
 * A ring that a killed service has left: its frames show what came before. One is kept, the first: a
 * service that is killed again and again must not fill the disk.
 */
static void keep_left_ring(struct glint_writer *writer)
{
	struct glint_disk *disk = writer->disk;
	int dir = writer->folder.dir;

	if (!disk->exists(disk, dir, GLINT_CLIP_RING))
		return;
	if (disk->rename(disk, dir, GLINT_CLIP_RING, GLINT_CLIP_RING_LEFT) == 0)
		glint_log_warn(&topic,
			       "a service was killed while it recorded: 'glint clip recover "
			       "%s/" GLINT_CLIP_RING_LEFT
			       "' makes a clip of the frames in its ring",
			       writer->config.folder);
	else
		(void)unlinkat(dir, GLINT_CLIP_RING, 0);
}

static int write_ring_page(struct glint_writer *writer)
{
	struct disk_ring *ring = &writer->disk_ring;
	const struct glint_clip_ring page = {
		.id = ring->id,
		.size = writer->config.ring,
		.realtime_ns = glint_clock_ns(CLOCK_REALTIME),
		.monotonic_ns = glint_now_ns(),
	};
	struct glint_disk *disk = writer->disk;
	int64_t n;

	glint_clip_ring_write_page(&page, ring->buffer);
	n = disk->write(disk, ring->fd, ring->buffer, GLINT_CLIP_PAGE, 0);
	if (n == -EINVAL && ring->direct) {
		ring->direct = false;
		(void)fcntl(ring->fd, F_SETFL, fcntl(ring->fd, F_GETFL) & ~O_DIRECT);
		n = disk->write(disk, ring->fd, ring->buffer, GLINT_CLIP_PAGE, 0);
	}
	return n < 0 ? (int)n : n == GLINT_CLIP_PAGE ? 0 : -EIO;
}

/* After the end of a service nobody needs the frames: as those in memory. */
static void remove_ring(struct glint_writer *writer)
{
	if (writer->disk_ring.fd >= 0)
		(void)unlinkat(writer->folder.dir, GLINT_CLIP_RING, 0);
}

static int prepare_ring(struct glint_writer *writer)
{
	struct disk_ring *ring = &writer->disk_ring;
	struct glint_disk *disk = writer->disk;
	uint64_t size = writer->config.ring;
	int err;

	if (size == 0)
		return 0;
	keep_left_ring(writer);
	err = glint_record_ring_init(&writer->entries, size, RING_ENTRIES);
	if (err < 0)
		return err;
	ring->buffer = aligned_alloc(GLINT_CLIP_PAGE, COPY_BYTES);
	if (!ring->buffer)
		return -ENOMEM;
	ring->write_max = MIN((uint64_t)WRITE_BYTES_MAX, size / RING_WRITES);
	ring->direct = true;
	ring->fd = disk->create(disk, writer->folder.dir, GLINT_CLIP_RING, &ring->direct);
	err = ring->fd;
	if (err >= 0 && getrandom(&ring->id, sizeof(ring->id), 0) != sizeof(ring->id))
		err = -EIO;
	if (err >= 0)
		err = disk->allocate(disk, ring->fd, 0, GLINT_CLIP_PAGE + size);
	if (err >= 0)
		err = write_ring_page(writer);
	if (err < 0) {
		glint_log_err(&topic, err,
			      "cannot make a ring of %llu MiB in '%s'; see --record-disk",
			      (unsigned long long)(size >> 20), writer->config.folder);
		/* The file may have got all blocks of the disk. */
		remove_ring(writer);
		glint_close(&ring->fd);
		return err;
	}
	atomic_store(&writer->direct, ring->direct);
	return 0;
}

static bool has_ring(const struct glint_writer *writer)
{
	return writer->disk_ring.fd >= 0;
}

/* The facts of an entry; with a ring on the disk the memory may have other frames by now. */
static struct glint_record_entry *entry_at(struct glint_writer *writer, uint64_t number)
{
	return glint_record_ring_at(has_ring(writer) ? &writer->entries : &writer->ring, number);
}

/* Tell the loop which entries need their memory. */
static void ring_publish(struct glint_writer *writer)
{
	uint64_t kept = writer->disk_ring.done;

	for (unsigned i = 0; i < WRITES_MAX; i++) {
		const struct write *write = &writer->writes[i];

		if (write->work && write->work != &writer->disk_ring.work && !write->copied)
			kept = MIN(kept, write->first);
	}
	atomic_store_explicit(&writer->kept, kept, memory_order_release);
}

/* Frames that the disk did not take are missing in all recordings. */
static void ring_lose(struct glint_writer *writer, const struct write *write)
{
	for (uint64_t n = write->first; n < write->end; n++)
		entry_at(writer, n)->bad = true;
	atomic_store(&writer->ring_err, write->err);
	if (!writer->disk_ring.error_logged)
		glint_log_err(&topic, write->err,
			      "cannot write to the ring in '%s': frames are lost",
			      writer->config.folder);
	writer->disk_ring.error_logged = true;
}

/* --- Jobs ------------------------------------------------------------------------------------ */

static struct work *work_of(struct glint_writer *writer, const struct glint_record_job *job)
{
	for (unsigned i = 0; i < GLINT_WRITER_JOBS_MAX; i++)
		if (writer->works[i].job == job)
			return &writer->works[i];
	return NULL;
}

static void work_begin(struct glint_writer *writer, struct glint_record_job *job)
{
	struct work *work = work_of(writer, NULL);
	struct event event = { .kind = EVENT_OPENED, .job = job };

	assert(work);
	*work = (struct work){ .next = job->first };
	job->missing = 0;
	event.err =
		glint_record_output_create(&work->output, writer->disk, writer->folder.dir, job);
	if (event.err == 0) {
		work->job = job;
		atomic_store(&writer->direct, glint_record_output_is_direct(work->output));
	} else if (event.err != -EEXIST) {
		glint_log_err(&topic, event.err, "cannot create the recording '%s' in '%s'",
			      job->head.name, writer->config.folder);
	}
	writer_post(writer, &event);
}

static bool work_is_writing(const struct glint_writer *writer, const struct work *work)
{
	for (unsigned i = 0; i < WRITES_MAX; i++)
		if (writer->writes[i].work == work)
			return true;
	return false;
}

/* Give the job to the closer if nothing is left to write. */
static void work_settle(struct glint_writer *writer, struct work *work)
{
	struct glint_record_job *job = work->job;

	if (!job || work_is_writing(writer, work))
		return;
	if (work->err == 0 && !(work->ending && work->next == atomic_load(&job->ready)))
		return;
	if (work->err == 0 && work->missing > 0 && job->head.frames == 0)
		work->err = -EIO;
	if (work->err == 0)
		glint_clip_gap_add(&job->tail, &work->gap);
	job->missing = work->missing;
	if (work->err < 0)
		writer_post(writer, &(struct event){ .kind = EVENT_FAILED, .job = job });
	glint_closer_add(writer->closer, work->output, job, work->err);
	work->output = NULL;
	work->job = NULL;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static struct write *free_write(struct glint_writer *writer)
{
	for (unsigned i = 0; i < WRITES_MAX; i++)
		if (!writer->writes[i].work)
			return &writer->writes[i];
	return NULL;
}

/* Formatting is not for the frame path. Several recordings may have the frame: one head is enough. */
static void add_head(struct glint_writer *writer, uint64_t frame_ns, uint64_t number)
{
	struct glint_record_entry *entry = glint_record_ring_at(&writer->ring, number);
	struct disk_ring *ring = &writer->disk_ring;
	uint8_t *page = writer->memory + entry->at;

	if (entry->has_head)
		return;
	entry->has_head = true;
	glint_clip_write_frame(&entry->frame, frame_ns, page);
	if (has_ring(writer))
		glint_clip_ring_write_record(
			ring->id,
			&(struct glint_clip_ring_record){
				.number = number,
				.done = ring->done,
				/* Of two rounds of writes: the newest head may be missing. */
				.ahead = 2 * WRITES_MAX *
					 MAX(ring->write_max, (uint64_t)entry->length),
				.format = entry->look,
			},
			page);
}

/* Bytes that a recording is still to get behind @write, if its frames stay as large. */
static uint64_t bytes_to_come(struct glint_writer *writer, const struct write *write)
{
	struct glint_record_job *job = write->work->job;
	uint64_t ready = atomic_load_explicit(&job->ready, memory_order_acquire);
	uint64_t to_come = atomic_load_explicit(&job->to_come, memory_order_relaxed);
	uint64_t frames = MIN(to_come, UINT32_MAX) + ready - write->end;

	return MIN(frames, UINT32_MAX) * entry_at(writer, write->first)->length;
}

/*
 * Entries that lie behind one another, as one write of at most @most bytes; a large frame is a write
 * of its own. Those of the ring on the disk must lie behind one another there, too.
 */
static void write_gather(struct glint_writer *writer, struct write *write, uint64_t ready,
			 uint64_t most)
{
	struct work *work = write->work;
	bool to_ring = work == &writer->disk_ring.work;
	struct glint_record_entry *entry = glint_record_ring_at(&writer->ring, work->next);
	uint64_t size = 0, offset = to_ring ? entry_at(writer, work->next)->at : 0;

	write->first = work->next;
	write->disk.bytes = writer->memory + entry->at;
	do {
		add_head(writer, to_ring ? entry->look.frame_ns : work->job->head.frame_ns,
			 work->next);
		size += entry->length;
		entry = glint_record_ring_at(&writer->ring, ++work->next);
	} while (work->next < ready && writer->memory + entry->at == write->disk.bytes + size &&
		 (!to_ring || entry_at(writer, work->next)->at == offset + size) &&
		 size + entry->length <= most);
	write->end = work->next;
	write->disk.size = size;
	write->disk.offset = to_ring ? GLINT_CLIP_PAGE + offset :
				       glint_record_output_take(work->output, size,
								bytes_to_come(writer, write));
}

static void write_start(struct glint_writer *writer, struct write *write, int fd)
{
	write->disk.fd = fd;
	write->begun_ns = glint_now_ns();
	writer->engine->ops->start(writer->engine, &write->disk);
}

/* The next frames for the ring on the disk. Returns whether a write was started. */
static bool ring_pump(struct glint_writer *writer)
{
	struct disk_ring *ring = &writer->disk_ring;
	uint64_t offered = atomic_load_explicit(&writer->offered, memory_order_acquire);
	struct write *write = free_write(writer);

	if (!has_ring(writer) || !write || ring->work.next == offered)
		return false;
	*write = (struct write){ .work = &ring->work, .number = ++writer->n_writes };
	write_gather(writer, write, offered, ring->write_max);
	write_start(writer, write, ring->fd);
	return true;
}

/* Whether frames wait for the ring on the disk, more than a fourth of the memory has. */
static bool ring_is_late(struct glint_writer *writer)
{
	uint64_t offered = atomic_load_explicit(&writer->offered, memory_order_acquire);
	uint64_t next = writer->disk_ring.work.next;

	return next < offered &&
	       (offered - next) * entry_at(writer, next)->length > writer->config.memory / 4;
}

/* The write is over already: a copy, or nothing. */
static void write_end(struct write *write, int err)
{
	write->err = err;
	write->copied = true;
	write->done = true;
	if (write->work->err == 0)
		write->work->err = err;
}

/* Entries that lie behind one another in the ring on the disk, from @write->first on. */
static uint64_t copy_gather(struct glint_writer *writer, const struct write *write, uint64_t kept,
			    uint64_t *size)
{
	const struct glint_record_entry *first = entry_at(writer, write->first), *entry = first;
	uint64_t end = write->first;

	*size = 0;
	do {
		*size += entry->length;
		entry = entry_at(writer, ++end);
	} while (end < kept && !entry->bad && entry->at == first->at + *size &&
		 *size + entry->length <= COPY_BYTES);
	return end;
}

/* Frames are gone that had been written to the ring. Later frames are written to it all the same. */
static void ring_report_cut(struct glint_writer *writer)
{
	struct disk_ring *ring = &writer->disk_ring;

	atomic_store(&writer->ring_err, -EIO);
	if (!ring->cut_logged)
		glint_log_error(&topic,
				"another program has cut '%s/" GLINT_CLIP_RING
				"': its frames up to now are lost",
				writer->config.folder);
	ring->cut_logged = true;
}

static int copy_entries(struct glint_writer *writer, const struct write *write, uint64_t size)
{
	struct disk_ring *ring = &writer->disk_ring;
	struct glint_disk *disk = writer->disk;
	const struct glint_record_entry *first = entry_at(writer, write->first);
	int fd = glint_record_output_fd(write->work->output);
	uint64_t to =
		glint_record_output_take(write->work->output, size, bytes_to_come(writer, write));
	struct glint_clip_frame frame = first->frame;
	int64_t n = GLINT_CLIP_PAGE;
	int err;

	err = disk->copy(disk, ring->fd, GLINT_CLIP_PAGE + first->at, fd, to, size, ring->buffer,
			 COPY_BYTES);
	if (err == -EINVAL && glint_record_output_leave_direct(write->work->output))
		err = disk->copy(disk, ring->fd, GLINT_CLIP_PAGE + first->at, fd, to, size,
				 ring->buffer, COPY_BYTES);
	if ((err == 0 || err == -EBADMSG) &&
	    !disk->is_whole(disk, ring->fd, GLINT_CLIP_PAGE + first->at, size)) {
		ring_report_cut(writer);
		err = -EBADMSG;
	}
	if (err == 0 && glint_clip_gap_count(&write->gap) > 0) {
		glint_clip_gap_add(&frame.before, &write->gap);
		glint_clip_write_frame_head(&frame, first->look.frame_ns, ring->buffer);
		n = disk->write(disk, fd, ring->buffer, GLINT_CLIP_PAGE, to);
	}
	if (err == 0 && n != GLINT_CLIP_PAGE)
		err = n < 0 ? (int)n : -EIO;
	if (err < 0)
		glint_record_output_give_back(write->work->output, size);
	else
		atomic_fetch_add(&writer->written, size);
	return err;
}

/* Copy what a recording needs from the ring on the disk. */
static void work_copy(struct glint_writer *writer, struct write *write, uint64_t kept)
{
	struct work *work = write->work;
	struct glint_record_entry *first = entry_at(writer, work->next);
	uint64_t size;
	int err = 0;

	write->first = work->next;
	write->end = write->first + 1;
	write->gap = work->gap;
	if (!first->bad) {
		write->end = copy_gather(writer, write, kept, &size);
		err = copy_entries(writer, write, size);
		/* One frame cannot be read from the ring: the others can. */
		if (err == -EBADMSG && write->end - write->first > 1) {
			write->end = write->first + 1;
			err = copy_entries(writer, write, first->length);
		}
		first->bad = err == -EBADMSG;
	}
	if (first->bad) {
		write->absent = true;
		if (write->first > work->job->first) /* else it was missing before the recording */
			glint_clip_gap_add(&work->gap, &first->frame.before);
		work->gap.lost++;
		work->missing++;
		err = 0;
	} else {
		work->gap = (struct glint_clip_gap){ 0 };
	}
	work->next = write->end;
	write_end(write, err);
}

/* Returns whether a write was started. */
static bool work_pump(struct glint_writer *writer, struct work *work)
{
	struct write *write = free_write(writer);
	uint64_t ready, kept = atomic_load_explicit(&writer->kept, memory_order_relaxed);

	if (!write || !work->job || work->err < 0)
		return false;
	ready = atomic_load_explicit(&work->job->ready, memory_order_acquire);
	if (has_ring(writer))
		ready = MIN(ready, writer->disk_ring.work.next);
	if (work->next >= ready || (has_ring(writer) && ring_is_late(writer)))
		return false;
	/* The head of a frame behind a gap is another than in memory: once it is on the disk. */
	if (has_ring(writer) && glint_clip_gap_count(&work->gap) > 0 && work->next >= kept)
		return false;
	*write = (struct write){ .work = work, .number = ++writer->n_writes };
	if (has_ring(writer) && work->next < kept) {
		work_copy(writer, write, MIN(ready, kept));
		return true;
	}
	write_gather(writer, write, ready, WRITE_BYTES_MAX);
	write_start(writer, write, glint_record_output_fd(work->output));
	return true;
}

/* The oldest write of a job that has not been entered into its index. */
static struct write *oldest_write(struct glint_writer *writer, const struct work *work)
{
	struct write *oldest = NULL;

	for (unsigned i = 0; i < WRITES_MAX; i++) {
		struct write *write = &writer->writes[i];

		if (write->work == work && (!oldest || write->number < oldest->number))
			oldest = write;
	}
	return oldest;
}

/* Enter the frames of a write that is over into the index. */
static void write_enter(struct glint_writer *writer, const struct write *write)
{
	for (uint64_t n = write->first; n < write->end && !write->absent; n++) {
		struct glint_record_entry *from = entry_at(writer, n);
		struct glint_record_entry entry = {
			.frame = from->frame,
			.position = from->position,
			.length = from->length,
		};

		if (n == write->first)
			glint_clip_gap_add(&entry.frame.before, &write->gap);
		glint_record_output_add(write->work->output, &entry);
		from->in_file = true;
	}
}

/* Writes may end in another order than that of the frames, which the index and done() keep. */
static void work_advance(struct glint_writer *writer, struct work *work)
{
	struct write *write;

	while ((write = oldest_write(writer, work)) && write->done) {
		work->broken |= write->err < 0;
		if (!work->broken) {
			write_enter(writer, write);
			atomic_store_explicit(&work->job->done, write->end, memory_order_release);
		}
		write->work = NULL;
	}
}

static void ring_advance(struct glint_writer *writer)
{
	struct disk_ring *ring = &writer->disk_ring;
	struct write *write;

	while ((write = oldest_write(writer, &ring->work)) && write->done) {
		if (write->err < 0)
			ring_lose(writer, write);
		ring->done = write->end;
		write->work = NULL;
	}
}

/* The file system refuses O_DIRECT after all. Returns whether another try makes sense. */
static bool leave_direct(struct glint_writer *writer, const struct work *work)
{
	struct disk_ring *ring = &writer->disk_ring;

	if (work != &ring->work)
		return glint_record_output_leave_direct(work->output);
	if (!ring->direct)
		return false;
	ring->direct = false;
	return fcntl(ring->fd, F_SETFL, fcntl(ring->fd, F_GETFL) & ~O_DIRECT) == 0;
}

static void write_complete(struct glint_writer *writer, struct write *write)
{
	struct glint_disk_write *disk = &write->disk;
	struct work *work = write->work;
	uint64_t took_ns = glint_now_ns() - write->begun_ns;

	disk->complete = false;
	if (took_ns > atomic_load(&writer->worst_write_ns))
		atomic_store(&writer->worst_write_ns, took_ns);
	if (disk->res > 0) {
		atomic_fetch_add(&writer->written, (uint64_t)disk->res);
		disk->bytes += disk->res;
		disk->size -= (size_t)disk->res;
		disk->offset += (uint64_t)disk->res;
	}
	if (disk->res == -EINVAL && leave_direct(writer, work))
		disk->res = -EAGAIN;
	if (disk->size > 0 && (disk->res > 0 || disk->res == -EAGAIN || disk->res == -EINTR)) {
		writer->engine->ops->start(writer->engine, disk);
		return;
	}
	if (disk->size > 0)
		write->err = disk->res < 0 ? (int)disk->res : -EIO;
	/* The ring on the disk goes on: another place may be good. */
	if (work->err == 0 && work != &writer->disk_ring.work)
		work->err = write->err;
	write->done = true;
}

/* Returns whether a write was complete. */
static bool writer_reap(struct glint_writer *writer)
{
	bool any = false;

	for (unsigned i = 0; i < WRITES_MAX; i++) {
		struct write *write = &writer->writes[i];

		if (!write->work || write->done || !write->disk.complete)
			continue;
		write_complete(writer, write);
		any = true;
	}
	if (has_ring(writer))
		ring_advance(writer);
	for (unsigned i = 0; i < GLINT_WRITER_JOBS_MAX; i++)
		if (writer->works[i].job)
			work_advance(writer, &writer->works[i]);
	if (has_ring(writer))
		ring_publish(writer);
	return any;
}

/* --- The thread ------------------------------------------------------------------------------- */

/* False: the thread ends. */
static bool writer_run_commands(struct glint_writer *writer)
{
	struct command command;
	struct work *work;

	while (writer_take(writer, &command)) {
		switch (command.kind) {
		case COMMAND_BEGIN:
			work_begin(writer, command.job);
			break;
		case COMMAND_END:
			work = work_of(writer, command.job);
			if (work) /* else it has failed */
				work->ending = true;
			break;
		case COMMAND_QUIT:
			return false;
		}
	}
	return true;
}

/* A write for each job, and what has been written since. Returns whether more may be ready. */
static bool writer_pump(struct glint_writer *writer)
{
	bool any = ring_pump(writer);

	for (unsigned i = 0; i < GLINT_WRITER_JOBS_MAX; i++)
		any |= work_pump(writer, &writer->works[writer->turn++ % GLINT_WRITER_JOBS_MAX]);
	/* Copies from the ring on the disk may leave no time to wait; the ring's own writes must end. */
	any |= writer->engine->ops->reap(writer->engine);
	any |= writer_reap(writer);
	for (unsigned i = 0; i < GLINT_WRITER_JOBS_MAX; i++)
		work_settle(writer, &writer->works[i]);
	return any;
}

static bool writer_has_work(const struct glint_writer *writer)
{
	for (unsigned i = 0; i < GLINT_WRITER_JOBS_MAX; i++)
		if (writer->works[i].job)
			return true;
	return false;
}

/* The loop has ended all jobs before it asks the thread to quit. */
static void writer_run(struct glint_writer *writer)
{
	bool quitting = false;

	for (;;) {
		/* Commands come between writes: a disk that is too slow leaves no pause. */
		if (!quitting)
			quitting = !writer_run_commands(writer);
		if (writer_pump(writer))
			continue;
		if (quitting && !writer_has_work(writer))
			return;
		writer->engine->ops->wait(writer->engine);
	}
}

/* Without a creator that waits, an error is logged here. */
static void writer_report_folder(struct glint_writer *writer, int err)
{
	bool late;

	pthread_mutex_lock(&writer->lock);
	writer->folder_known = true;
	writer->folder_err = err;
	late = writer->folder_late;
	pthread_cond_broadcast(&writer->changed);
	pthread_mutex_unlock(&writer->lock);
	if (late && err < 0)
		glint_log_error(&topic, "--record '%s': %s", writer->config.folder,
				glint_record_folder_advice(err));
}

static void *writer_main(void *arg)
{
	struct glint_writer *writer = arg;
	struct event event = { .kind = EVENT_READY };
	int err = glint_record_folder_open(&writer->folder, writer->config.folder);

	writer_report_folder(writer, err);
	if (err == 0) {
		atomic_store(&writer->recovered, glint_record_folder_recover(&writer->folder));
		err = prepare(writer);
	}
	if (err == 0)
		err = prepare_ring(writer);
	event.err = err;
	writer_post(writer, &event);
	if (err == 0)
		writer_run(writer);
	remove_ring(writer);
	glint_closer_destroy(writer->closer);
	if (writer->engine)
		writer->engine->ops->destroy(writer->engine);
	glint_record_folder_close(&writer->folder);
	pthread_mutex_lock(&writer->lock);
	writer->ended = true;
	pthread_cond_broadcast(&writer->changed);
	pthread_mutex_unlock(&writer->lock);
	return NULL;
}

/* --- On the loop's thread --------------------------------------------------------------------- */

static void writer_order(struct glint_writer *writer, const struct command *command)
{
	pthread_mutex_lock(&writer->lock);
	assert(writer->n_commands < QUEUE_MAX);
	writer->commands[(writer->first_command + writer->n_commands++) % QUEUE_MAX] = *command;
	pthread_mutex_unlock(&writer->lock);
	(void)eventfd_write(writer->kick_fd, 1);
}

void glint_writer_begin(struct glint_writer *writer, struct glint_record_job *job)
{
	writer_order(writer, &(struct command){ .kind = COMMAND_BEGIN, .job = job });
}

void glint_writer_end(struct glint_writer *writer, struct glint_record_job *job)
{
	writer_order(writer, &(struct command){ .kind = COMMAND_END, .job = job });
}

void glint_writer_kick(struct glint_writer *writer)
{
	(void)eventfd_write(writer->kick_fd, 1);
}

struct glint_record_ring *glint_writer_ring(struct glint_writer *writer)
{
	return &writer->ring;
}

struct glint_record_ring *glint_writer_disk_ring(struct glint_writer *writer)
{
	return writer->config.ring > 0 ? &writer->entries : NULL;
}

void glint_writer_offer(struct glint_writer *writer, uint64_t next)
{
	atomic_store_explicit(&writer->offered, next, memory_order_release);
}

uint64_t glint_writer_kept(struct glint_writer *writer)
{
	return atomic_load_explicit(&writer->kept, memory_order_acquire);
}

struct glint_loan *glint_writer_memory(struct glint_writer *writer)
{
	return writer->loan;
}

void glint_writer_figures(struct glint_writer *writer, struct glint_writer_figures *figures)
{
	const char *engine = atomic_load(&writer->engine_name);

	*figures = (struct glint_writer_figures){
		.engine = engine ? engine : "",
		.direct = atomic_load(&writer->direct),
		.worst_write_ns = atomic_load(&writer->worst_write_ns),
		.written = atomic_load(&writer->written),
		.recovered = atomic_load(&writer->recovered),
		.ring_err = atomic_load(&writer->ring_err),
	};
}

static bool writer_take_event(struct glint_writer *writer, struct event *event)
{
	bool any;

	pthread_mutex_lock(&writer->lock);
	any = writer->n_events > 0;
	if (any) {
		*event = writer->events[writer->first_event];
		writer->first_event = (writer->first_event + 1) % QUEUE_MAX;
		writer->n_events--;
	}
	pthread_mutex_unlock(&writer->lock);
	return any;
}

void glint_writer_deliver(struct glint_writer *writer)
{
	struct glint_writer_listener *listener = writer->listener;
	struct event event;

	while (writer_take_event(writer, &event)) {
		if (event.kind == EVENT_READY)
			listener->ready(listener, event.err);
		else if (event.kind == EVENT_OPENED)
			listener->opened(listener, event.job, event.err);
		else if (event.kind == EVENT_FAILED)
			listener->failed(listener, event.job);
		else
			listener->closed(listener, event.job);
	}
}

static void writer_free(struct glint_writer *writer)
{
	glint_loan_unref(writer->loan);
	glint_record_ring_fini(&writer->ring);
	glint_record_ring_fini(&writer->entries);
	free(writer->disk_ring.buffer);
	glint_close(&writer->disk_ring.fd);
	pthread_cond_destroy(&writer->changed);
	pthread_mutex_destroy(&writer->lock);
	glint_close(&writer->kick_fd);
	glint_close(&writer->event_fd);
	free(writer);
}

static void writer_on_event(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_writer *writer = container_of(op, struct glint_writer, event_op);
	eventfd_t ignored;

	(void)flags;
	if (res >= 0) {
		(void)eventfd_read(writer->event_fd, &ignored);
		glint_writer_deliver(writer);
	} else if (res == -ENOMEM) {
		glint_loop_poll(writer->loop, op, writer->event_fd, POLLIN);
	} else if (!writer->abandoned) {
		assert(writer->ended); /* else the loop was destroyed before its recorder */
		writer_free(writer);
	}
}

/* Wait for what the thread says of the folder. 0 if that takes long: a later event tells. */
static int writer_wait_folder(struct glint_writer *writer)
{
	struct timespec deadline = glint_timespec(glint_now_ns() + FOLDER_NS);
	int err = 0, folder_err;

	pthread_mutex_lock(&writer->lock);
	while (!writer->folder_known && err != ETIMEDOUT)
		err = pthread_cond_timedwait(&writer->changed, &writer->lock, &deadline);
	folder_err = writer->folder_known ? writer->folder_err : 0;
	writer->folder_late = !writer->folder_known;
	pthread_mutex_unlock(&writer->lock);
	return folder_err;
}

int glint_writer_create(struct glint_writer **out, struct glint_loop *loop,
			const struct glint_writer_config *config,
			struct glint_writer_listener *listener)
{
	struct glint_writer *writer = calloc(1, sizeof(*writer));
	int err;

	if (!writer)
		return -ENOMEM;
	writer->loop = loop;
	writer->listener = listener;
	writer->config = *config;
	writer->disk = config->disk ? config->disk : &glint_disk_kernel;
	writer->folder.dir = writer->folder.lock = -1;
	writer->disk_ring.fd = -1;
	writer->event_op.done = writer_on_event;
	pthread_mutex_init(&writer->lock, NULL);
	glint_thread_cond_init(&writer->changed);
	writer->kick_fd = eventfd(0, EFD_CLOEXEC);
	writer->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = -EMFILE;
	if (writer->kick_fd >= 0 && writer->event_fd >= 0)
		err = glint_thread_start(&writer->thread, "record", writer_main, writer);
	if (err < 0) {
		writer_free(writer);
		return err;
	}
	err = writer_wait_folder(writer);
	if (err < 0) {
		pthread_join(writer->thread, NULL);
		writer_free(writer);
		return err;
	}
	glint_loop_poll(loop, &writer->event_op, writer->event_fd, POLLIN);
	*out = writer;
	return 0;
}

/* Wait for an event or the thread's end; false when @deadline_ns comes first. */
static bool writer_wait_event(struct glint_writer *writer, uint64_t deadline_ns, bool *ended)
{
	struct timespec deadline = glint_timespec(deadline_ns);
	int err = 0;

	pthread_mutex_lock(&writer->lock);
	while (writer->n_events == 0 && !writer->ended && err != ETIMEDOUT)
		err = pthread_cond_timedwait(&writer->changed, &writer->lock, &deadline);
	*ended = writer->ended && writer->n_events == 0;
	err = writer->n_events == 0 && !writer->ended ? ETIMEDOUT : 0;
	pthread_mutex_unlock(&writer->lock);
	return err != ETIMEDOUT;
}

bool glint_writer_destroy(struct glint_writer *writer, uint64_t deadline_ns)
{
	bool clean = true, ended = false;

	if (!writer)
		return true;
	atomic_store(&writer->quit, true);
	writer_order(writer, &(struct command){ .kind = COMMAND_QUIT });
	while (clean && !ended) {
		clean = writer_wait_event(writer, deadline_ns, &ended);
		glint_writer_deliver(writer);
	}
	writer->abandoned = !clean;
	if (clean)
		pthread_join(writer->thread, NULL);
	else
		pthread_detach(writer->thread);
	glint_loop_cancel(writer->loop, &writer->event_op);
	return clean;
}
