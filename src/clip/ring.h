/* SPDX-License-Identifier: MIT */
/*
 * A ring of frames on the disk: a file of fixed size where the newest frames replace the oldest. Page 0
 * has the ring's id. A frame lies there as in a clip, so that a part of the ring, behind the head of a
 * clip, is a clip. The Void in a frame's head has a record of 72 bytes: the place of the frame in the
 * order, its format, and which frames were whole in the file by then. So a ring whose service was
 * killed says by itself which of its frames can be trusted.
 */
#ifndef GLINT_CLIP_RING_H
#define GLINT_CLIP_RING_H

#include "clip/clip.h"
#include "clip/recover.h"

#define GLINT_CLIP_RING	     ".glint-ring"     /* a running service's */
#define GLINT_CLIP_RING_LEFT "glint-ring.left" /* a killed service's */

/* What page 0 says. */
struct glint_clip_ring {
	uint64_t id;			    /* random: each frame's record repeats it */
	uint64_t size;			    /* bytes for frames, behind page 0 */
	uint64_t realtime_ns, monotonic_ns; /* of the same moment */
};

/* Of a frame, as in the head of a clip. */
struct glint_clip_format {
	uint64_t frame_ns;
	uint32_t fourcc, width, height, matrix;
	bool limited;
};

struct glint_clip_ring_record {
	uint64_t number; /* grows by one with each frame */
	uint64_t done;	 /* frames with lower numbers were whole in the file, or have failed */
	uint64_t ahead;	 /* so many bytes behind the last of them may be being written */
	struct glint_clip_format format;
};

void glint_clip_ring_write_page(const struct glint_clip_ring *ring,
				uint8_t page[static GLINT_CLIP_PAGE]);

/* False: the page is not page 0 of a ring. */
bool glint_clip_ring_read_page(const uint8_t page[static GLINT_CLIP_PAGE],
			       struct glint_clip_ring *ring);

/* Write the record into @page, after glint_clip_write_frame(). */
void glint_clip_ring_write_record(uint64_t id, const struct glint_clip_ring_record *record,
				  uint8_t page[static GLINT_CLIP_PAGE]);

/* False: the page is not the head of a frame of the ring @id. */
bool glint_clip_ring_read_record(const uint8_t page[static GLINT_CLIP_PAGE], uint64_t id,
				 struct glint_clip_ring_record *record);

/*
 * Copy @size bytes, whole pages, from one file to another: by a reference to the same blocks where
 * the file system has such a thing, else through @buffer. -EBADMSG: the source is shorter, or the
 * disk does not give these bytes; another negative errno is of the destination.
 */
int glint_clip_copy(int from, uint64_t from_offset, int to, uint64_t to_offset, uint64_t size,
		    uint8_t *buffer, size_t buffer_size);

/*
 * Copy the frames of the ring @from in the folder @dir into clips, one for each format, named
 * "@name.recovered.mkv" and so on; the newest frame is frame 0. The ring stays. *@out is the last
 * clip, with the frames of all; 0: there was none. *@clips: how many there are. -EBADMSG: @from is no
 * ring. Not for the loop's thread.
 */
int glint_clip_recover_ring(int dir, const char *from, const char *name,
			    struct glint_clip_recovered *out, unsigned *clips);
#endif
