/* SPDX-License-Identifier: MIT */
/*
 * The flight recorder: keeps the newest frames of the source in memory, all of them and in order,
 * and writes those around a trigger into a file. A frame that cannot be kept is counted, and the
 * file says where it is missing. The source may write its frames into the recorder's memory, where
 * the recorder keeps them; other frames are copied into it once. Capture never waits for a disk.
 *
 * With a ring on the disk the frames go there from the memory, which is slack only then. A recording
 * gets its frames from the disk, or from the memory if they are still there.
 *
 * Of the ring, frames from before a trigger get at most a half if frames follow; the rest is slack
 * for a disk that stalls. Loop thread only.
 */
#ifndef GLINT_RECORD_RECORDER_H
#define GLINT_RECORD_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/record.h"

struct glint_disk;
struct glint_events;
struct glint_fanout;
struct glint_frame;
struct glint_gaps;
struct glint_gpio_access;
struct glint_lender;
struct glint_loop;
struct glint_recorder;
struct glint_report;

struct glint_recorder_config {
	const char *folder;		    /* borrowed */
	uint64_t memory;		    /* bytes */
	uint64_t disk_size;		    /* bytes of a ring on the disk; 0: none */
	struct glint_record_span pre, post; /* where a request has none */
	unsigned triggers;		    /* GLINT_RECORD_ON_... */
	bool jpegs;			    /* pictures of the encoder, else frames of the source */
	bool separate;		      /* overlapping triggers: a file for each, else a longer one */
	bool uring;		      /* io_uring may be used */
	struct glint_record_line in;  /* an edge there triggers; chip "": none */
	struct glint_record_line out; /* high while frames of a recording are to come */
	struct glint_gpio_access *gpio; /* borrowed; NULL: the kernel's */
	struct glint_disk *disk;	/* borrowed; NULL: the kernel's */
	struct glint_events *events;	/* borrowed; may be NULL */
	/*
	 * Called once: the memory can be lent, or will not be soon. The source starts then. May be
	 * NULL.
	 */
	void (*ready)(void *ctx);
	/* Whether a frame in the recorder's memory must be released before another one is kept. */
	bool (*is_short)(void *ctx);
	/* What lies between two frames, as glint_ledger_gaps(). */
	int (*gaps)(void *ctx, uint64_t stream, uint32_t since, uint32_t seq,
		    struct glint_gaps *gaps);
	void *ctx;
};

/* What the recorder needs to know of the source. */
struct glint_recorder_source {
	bool online;
	const char *device;
	uint64_t frame_ns; /* nominal time between frames; 0: unknown */
	/* How frames come into the recorder's memory; constants. */
	const char *memory;	   /* "udmabuf" or "userptr": the device writes there; "copy" */
	const char *memory_reason; /* a word why they are copied; "" */
};

/*
 * Create the recorder of @frames, where every frame is pushed, or every picture. Errors of the folder, and of
 * GPIO lines, have been logged: -ELOOP, -ENOENT, -EPERM, -EBUSY, ...; else -ENOMEM, -EAGAIN, -EMFILE.
 */
int glint_recorder_create(struct glint_recorder **out, struct glint_loop *loop,
			  struct glint_fanout *frames, const struct glint_recorder_config *config);

/*
 * End all recordings, and the thread; waits until @deadline_ns. False: the disk does not answer; the
 * process should end, and the next start recovers what was written. NULL is fine.
 */
bool glint_recorder_destroy(struct glint_recorder *recorder, uint64_t deadline_ns);

/* The lender of the recorder's memory; lives as long as the recorder. */
struct glint_lender *glint_recorder_lender(struct glint_recorder *recorder);

/* Begin a recording; done() is called later, also after a refusal. */
void glint_recorder_trigger(struct glint_recorder *recorder, struct glint_record_request *request);

/* The client is gone: done() is not called; the recording goes on. Fine after done(). */
void glint_recorder_forget(struct glint_recorder *recorder, struct glint_record_request *request);

/* End a recording now, with the frames that it has. -ENOENT: none of that name is under way. */
int glint_recorder_stop(struct glint_recorder *recorder, const char *name);

/* A trigger of the service itself, at the newest frame: "fault", "signal", ... */
void glint_recorder_fire(struct glint_recorder *recorder, const char *trigger);

/* The source went offline, came back, or changed. */
void glint_recorder_source_changed(struct glint_recorder *recorder,
				   const struct glint_recorder_source *source);

/* A recording by its place among those that are remembered, the newest first; NULL: no more. */
const struct glint_recording *glint_recorder_recording(const struct glint_recorder *recorder,
						       unsigned index);

/* Object: recorder. @recorder NULL: not asked for. */
void glint_recorder_report(const struct glint_recorder *recorder, struct glint_report *report);
#endif
