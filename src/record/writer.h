/* SPDX-License-Identifier: MIT */
/*
 * The thread that writes recordings, because any call that reaches a disk may wait for seconds. It
 * also prepares the recorder's memory, which takes too long for the loop. The loop and the thread
 * share the ring's entries: for each recording the loop says up to which entry frames may be
 * written, and the thread says up to which they are in the file. Two numbers, no lock.
 */
#ifndef GLINT_RECORD_WRITER_H
#define GLINT_RECORD_WRITER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "clip/clip.h"
#include "record/disk.h"
#include "clip/names.h"
#include "record/ring.h"

struct glint_loan;
struct glint_loop;
struct glint_writer;

/* One recording, for the thread and for the closer's. The loop has it again after closed(). */
struct glint_record_job {
	/* Set by the loop before begin(). */
	struct glint_clip_head head;
	uint64_t first;		   /* entry */
	uint64_t trigger_position; /* of frame 0 */
	/* Shared while the recording is under way. */
	_Atomic uint64_t ready;	  /* entries below may be written; the loop's */
	_Atomic uint64_t to_come; /* frames that are expected behind them; the loop's */
	_Atomic uint64_t done;	  /* entries below are in the file; the thread's */
	/* Set by the loop before end(). */
	const char *ended;	    /* why the recording ended; a constant */
	struct glint_clip_gap tail; /* frames missing behind the last one */
	/* Set by the thread before closed(). */
	int err;	  /* 0: the file is complete */
	uint64_t missing; /* frames that the ring on the disk should have had, and had not */
	char file[GLINT_CLIP_FILE_MAX];
	uint64_t bytes;
};

/* Called on the loop's thread. */
struct glint_writer_listener {
	/* The memory is ready, or there is an error; @recovered files were finished. */
	void (*ready)(struct glint_writer_listener *listener, int err);
	/* The file was created, or could not be: then the job has ended. */
	void (*opened)(struct glint_writer_listener *listener, struct glint_record_job *job,
		       int err);
	/* A write has failed: no entry of the job is needed any more. closed() follows. */
	void (*failed)(struct glint_writer_listener *listener, struct glint_record_job *job);
	/*
	 * The files have their names: after end(), or after an error, which is in the job. Until the
	 * files are on the disk, that may take seconds, in which further entries are written.
	 */
	void (*closed)(struct glint_writer_listener *listener, struct glint_record_job *job);
};

struct glint_writer_config {
	const char *folder;
	uint64_t memory;	 /* bytes */
	uint64_t ring;		 /* bytes of a ring on the disk, in the folder; 0: none */
	bool uring;		 /* write through io_uring where the kernel permits it */
	struct glint_disk *disk; /* NULL: the kernel's */
};

/* For /state; any time. */
struct glint_writer_figures {
	const char *engine; /* "" until the memory is ready */
	bool direct;	    /* O_DIRECT, in the last file */
	uint64_t worst_write_ns;
	uint64_t written; /* bytes */
	unsigned recovered;
	int ring_err; /* of the last frame that the ring on the disk did not take; 0: none */
};

/*
 * Open the folder, and start the thread; waits for the folder, but not for a second. Errors of the
 * folder: see record/folder.h; and -EAGAIN, -ENOMEM, -EMFILE. @config's strings and @listener are
 * borrowed.
 */
int glint_writer_create(struct glint_writer **out, struct glint_loop *loop,
			const struct glint_writer_config *config,
			struct glint_writer_listener *listener);

/*
 * End the jobs that the loop has ended, and the thread; waits until @deadline_ns. False: the thread
 * waits for a disk, and is left behind with its memory; the process should end soon. NULL is fine.
 */
bool glint_writer_destroy(struct glint_writer *writer, uint64_t deadline_ns);

/* Valid after ready(). */
struct glint_record_ring *glint_writer_ring(struct glint_writer *writer);
/* The memory of all entries; the writer has a reference. */
struct glint_loan *glint_writer_memory(struct glint_writer *writer);

/*
 * With a ring on the disk all entries are written there, too. NULL: there is none. The loop puts an
 * entry of the same number into both rings, and says where it lies in each. Entries of recordings are
 * then those of the disk, and they need no memory; valid after ready().
 */
struct glint_record_ring *glint_writer_disk_ring(struct glint_writer *writer);

/* Entries below @next may be written to the ring on the disk. Wakes nobody. */
void glint_writer_offer(struct glint_writer *writer, uint64_t next);

/* Entries from the result on are needed in memory, and are not whole in the ring on the disk. */
uint64_t glint_writer_kept(struct glint_writer *writer);

/* Begin to write @job's entries; at most GLINT_WRITER_JOBS_MAX jobs. */
#define GLINT_WRITER_JOBS_MAX 4u
void glint_writer_begin(struct glint_writer *writer, struct glint_record_job *job);

/* More entries of a job are ready. */
void glint_writer_kick(struct glint_writer *writer);

/* No entry follows those that are ready. */
void glint_writer_end(struct glint_writer *writer, struct glint_record_job *job);

void glint_writer_figures(struct glint_writer *writer, struct glint_writer_figures *figures);

/* Deliver events at once; for tests. */
void glint_writer_deliver(struct glint_writer *writer);
#endif
