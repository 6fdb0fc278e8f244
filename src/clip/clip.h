/* SPDX-License-Identifier: MIT */
/*
 * A clip: a recording as a Matroska file that players open, laid out so that a recorder can write it
 * straight from memory with O_DIRECT. Pages have 4096 bytes.
 *
 *	page 0		EBML head, an endless Segment, Info, Tracks, and a tag GLINT with the facts
 *			of the clip in JSON; filled up with a Void
 *	a frame		a page with the head of a Cluster: its time, a line of JSON in track 2 with
 *			the facts of the frame, a Void, and the head of the frame's block in
 *			track 1, which ends with the page; then the frame's bytes; then a Void up
 *			to the next page
 *
 * Each Cluster has one frame. Times are CLOCK_MONOTONIC in microseconds. All of it is pure, but for
 * the reader's pread(). Nothing in a file is trusted.
 */
#ifndef GLINT_CLIP_CLIP_H
#define GLINT_CLIP_CLIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GLINT_CLIP_PAGE	     4096u
#define GLINT_CLIP_NAME_MAX  63u	/* bytes of a clip's name, without the end */
#define GLINT_CLIP_FRAME_MAX (1u << 30) /* bytes of one frame */
#define GLINT_CLIP_LINE_MAX  512u	/* of a frame's facts as a line of JSON, with the end */

#define GLINT_CLIP_MJPEG UINT32_C(0x47504a4d) /* "MJPG": each frame is a JPEG */

/* Frames of the source that are not in the clip, between two that are. */
struct glint_clip_gap {
	uint32_t dropped; /* the driver has not delivered them */
	uint32_t corrupt; /* delivered, but damaged */
	uint32_t lost;	  /* good, but there was no memory: the disk was too slow */
	uint32_t skipped; /* good, but left out on purpose: the encoder has not encoded them */
};

struct glint_clip_frame {
	uint64_t stream; /* of the source: numbers begin again with each stream */
	uint32_t seq;
	uint32_t size;	      /* bytes of the frame */
	bool arrival;	      /* @capture_ns is the time of arrival; else the driver's stamp */
	bool exposure_start;  /* @capture_ns is the start of the exposure */
	uint64_t capture_ns;  /* CLOCK_MONOTONIC, as all times */
	uint64_t exposure_ns; /* earliest possible start of the exposure; 0: unknown */
	uint64_t complete_ns, dequeue_ns;
	struct glint_clip_gap before; /* between the frame before and this one */
};

/* What a clip says about itself. */
struct glint_clip_head {
	char name[GLINT_CLIP_NAME_MAX + 1];
	char device[256];	/* the source's path */
	uint32_t fourcc;	/* V4L2's, of frames whose lines and planes have no padding */
	uint32_t width, height; /* pixels */
	bool limited;		/* limited range of YCbCr */
	unsigned matrix;	/* ISO/IEC 23001-8: 1 is BT.709, 6 is BT.601, 9 is BT.2020 */
	uint64_t frame_ns;	/* nominal time between frames; 0: unknown */
	uint64_t realtime_ns;	/* CLOCK_REALTIME when CLOCK_MONOTONIC was @monotonic_ns */
	uint64_t monotonic_ns;
	/* Known at the end; a clip without them was not finished. */
	bool finished;
	char trigger[32];	 /* what has caused the recording */
	uint32_t trigger_seq;	 /* of frame 0 */
	uint64_t trigger_stream; /* of frame 0, because each stream counts anew; 0: unknown */
	uint64_t trigger_ns;	 /* the moment that was asked for */
	char ended[32];		 /* why it ended: "post", "stopped", ... */
	uint64_t frames, before_trigger;
	bool has_first;		    /* older clips say nothing about @first */
	int64_t first;		    /* number of the first frame, counted from the trigger's */
	uint64_t duration_ns;	    /* from the first frame to the last */
	struct glint_clip_gap gaps; /* of the whole clip, with those after the last frame */
	uint64_t bytes;		    /* of the file */
};

/* --- Writing ------------------------------------------------------------------------- */

/* Write page 0. */
void glint_clip_write_head(const struct glint_clip_head *head,
			   uint8_t page[static GLINT_CLIP_PAGE]);

/* How many bytes of the file a frame of @size bytes takes: whole pages, with its head. */
size_t glint_clip_frame_bytes(size_t size);

/*
 * Write the head of @frame at @page, and the Void behind the frame's bytes, which lie at
 * @page + GLINT_CLIP_PAGE, or are put there later.
 */
void glint_clip_write_frame(const struct glint_clip_frame *frame, uint64_t frame_ns, uint8_t *page);

/* The head alone: one page. */
void glint_clip_write_frame_head(const struct glint_clip_frame *frame, uint64_t frame_ns,
				 uint8_t page[static GLINT_CLIP_PAGE]);

/* Write a Void of @size bytes, at least 2. Its content is not touched. */
void glint_clip_write_void(uint8_t *at, uint64_t size);

/*
 * Write the line of the index about @frame: JSON with a line break. @number counts from the trigger;
 * @offset: of the frame's bytes in the file. Returns the length.
 */
size_t glint_clip_write_line(const struct glint_clip_frame *frame, int64_t number, uint64_t offset,
			     char line[static GLINT_CLIP_LINE_MAX]);

/* The line about frames that are missing after the last one. */
size_t glint_clip_write_tail(const struct glint_clip_gap *gap,
			     char line[static GLINT_CLIP_LINE_MAX]);

/* --- Reading ------------------------------------------------------------------------- */

/* Read all @size bytes at @offset. -EBADMSG: the file ends before; or the error of pread(). */
int glint_clip_read_at(int fd, void *bytes, size_t size, uint64_t offset);

struct glint_clip_reader {
	int fd;
	uint64_t size;	 /* of the file */
	uint64_t at;	 /* where the next Cluster should begin */
	uint64_t offset; /* of the bytes of the frame that was read last */
	uint64_t begin;	 /* where that frame's Cluster begins */
	struct glint_clip_head head;
	/* Of glint_clip_read_next(). */
	bool damaged;	 /* bytes that are no frame were passed over */
	uint64_t passed; /* frames that were counted as lost there */
	bool has_last;	 /* a frame was read: */
	uint64_t last_stream, last_ns;
	uint32_t last_seq;
};

/*
 * Read the head of the open file @fd, which is borrowed. -EBADMSG: the file is no clip; or the error
 * of pread().
 */
int glint_clip_read_head(struct glint_clip_reader *reader, int fd);

/*
 * Read the facts of the next frame; all of its bytes are in the file. -ENODATA: there is none;
 * -EBADMSG: what follows is no frame, or not all of it is there.
 */
int glint_clip_read_frame(struct glint_clip_reader *reader, struct glint_clip_frame *frame);

/*
 * Likewise, but pass over what is no frame, and count the frames there as lost before the next one, as
 * far as its sequence number tells. -ENODATA: there is none.
 */
int glint_clip_read_next(struct glint_clip_reader *reader, struct glint_clip_frame *frame);

/* Where the page behind the one at @at begins, past holes, in which there is nothing; UINT64_MAX: none. */
uint64_t glint_clip_next_page(int fd, uint64_t at);

/* Read from the first frame on again. */
void glint_clip_rewind(struct glint_clip_reader *reader);

/*
 * Which number the frames of a clip have. Positions count from the first frame, with those missing; the
 * number is the position minus @origin. The trigger's frame has 0. If it is not in the clip, the head
 * tells the first frame's number, or else a sequence number of the trigger's stream tells its own.
 */
struct glint_clip_origin {
	int64_t origin;
	bool known, trigger; /* @origin is told; the trigger's frame is in the clip */
	uint64_t frames;     /* looked at, up to the trigger's: those before it */
};

/* Look at the next frame of @reader, at @position; begin with zeros. */
void glint_clip_origin_look(struct glint_clip_origin *origin,
			    const struct glint_clip_reader *reader,
			    const struct glint_clip_frame *frame, uint64_t position);

/* Whether @frame is frame 0. */
bool glint_clip_is_trigger(const struct glint_clip_head *head,
			   const struct glint_clip_frame *frame);

/* Add the missing frames of @more to @gap. */
void glint_clip_gap_add(struct glint_clip_gap *gap, const struct glint_clip_gap *more);

/* What @gap has more than @less. */
struct glint_clip_gap glint_clip_gap_minus(const struct glint_clip_gap *gap,
					   const struct glint_clip_gap *less);

/* How many frames are missing. */
uint64_t glint_clip_gap_count(const struct glint_clip_gap *gap);

/* Whether @name can be a clip's: letters, digits, "-._", and no dot first. */
bool glint_clip_name_valid(const char *name);
#endif
