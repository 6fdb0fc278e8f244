/* SPDX-License-Identifier: MIT */
#include "replay/track.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fourcc.h"
#include "base/macros.h"
#include "v4l2/format.h"

#define FRAME_NS_DEFAULT (GLINT_NSEC_PER_SEC / 30)
#define FRAME_NS_MIN	 (50 * GLINT_NSEC_PER_USEC)
#define FRAME_NS_MAX	 GLINT_NSEC_PER_SEC
#define GROW_MIN	 1024u

/* --- Layout -------------------------------------------------------------------------------- */

unsigned glint_track_lines(const struct glint_track *track, struct glint_lines lines[static 3])
{
	return glint_format_packed_lines(track->info, track->head.width, track->head.height, lines);
}

uint32_t glint_track_stride(const struct glint_track *track)
{
	struct glint_lines lines[3];

	if (glint_track_lines(track, lines) > 0)
		return lines[0].bytes;
	if (track->info->layout == GLINT_LAYOUT_OTHER)
		return (uint32_t)(track->frame_bytes / track->head.height);
	return 0;
}

/* Set the bytes of a frame. @first is the size of the first one, which is not trusted. */
static int set_size(struct glint_track *track, uint32_t first)
{
	uint64_t pixels = (uint64_t)track->head.width * track->head.height;
	struct glint_lines lines[3];
	unsigned n = glint_track_lines(track, lines);

	track->frame_bytes = 0;
	for (unsigned i = 0; i < n; i++)
		track->frame_bytes += (size_t)lines[i].bytes * lines[i].count;
	if (n > 0)
		return first == track->frame_bytes ? 0 : -EBADMSG;
	/* A JPEG of noise in full colour has fewer bytes. */
	if (track->info->layout == GLINT_LAYOUT_JPEG) {
		track->frame_bytes = (size_t)(4 * pixels + 65536);
		return 0;
	}
	if (first < pixels / 2 || first > 8 * pixels)
		return -EBADMSG;
	track->frame_bytes = first;
	return 0;
}

/* --- Opening -------------------------------------------------------------------------------- */

static int check(struct glint_track *track, const char *path, char *message)
{
	const struct glint_clip_head *head = &track->head;
	struct glint_clip_reader reader;
	struct glint_clip_frame frame;
	char fourcc[5];
	int err = glint_clip_read_head(&reader, track->fd);

	if (err < 0) {
		if (err == -EBADMSG)
			snprintf(message, GLINT_TRACK_MESSAGE_MAX,
				 "'%.128s' is no clip of glint, or its head is damaged", path);
		return err;
	}
	track->head = reader.head;
	track->info = glint_format_find(head->fourcc);
	if (!track->info || track->info->mem_planes != 1) {
		snprintf(message, GLINT_TRACK_MESSAGE_MAX,
			 "'%.128s' has frames in %s, which cannot be replayed", path,
			 glint_fourcc_text(head->fourcc, fourcc));
		return -EMEDIUMTYPE;
	}
	if (head->width == 0 || head->width > GLINT_FORMAT_WIDTH_MAX || head->height == 0 ||
	    head->height > GLINT_FORMAT_HEIGHT_MAX) {
		snprintf(message, GLINT_TRACK_MESSAGE_MAX,
			 "'%.128s' says that its frames have %ux%u pixels", path, head->width,
			 head->height);
		return -EBADMSG;
	}
	/* V4L2 has no such frames: a line of chroma would end within a sample. */
	if (head->width % 2 > 0 && track->info->h_sub > 1 &&
	    track->info->layout != GLINT_LAYOUT_PACKED_YUV) {
		snprintf(message, GLINT_TRACK_MESSAGE_MAX,
			 "'%.128s' has planes of odd width, which cannot be replayed", path);
		return -EMEDIUMTYPE;
	}
	err = glint_clip_read_frame(&reader, &frame);
	if (err < 0) {
		snprintf(message, GLINT_TRACK_MESSAGE_MAX, "'%.128s' has no whole frame", path);
		return err;
	}
	err = set_size(track, frame.size);
	if (err < 0)
		snprintf(message, GLINT_TRACK_MESSAGE_MAX,
			 "'%.128s': a frame of %ux%u in %s cannot have %u bytes", path, head->width,
			 head->height, glint_fourcc_text(head->fourcc, fourcc), frame.size);
	return err;
}

int glint_track_open(struct glint_track *track, const char *path,
		     char message[static GLINT_TRACK_MESSAGE_MAX])
{
	int err;

	*track = (struct glint_track){ .fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) };
	*message = '\0';
	err = track->fd < 0 ? -errno : check(track, path, message);
	if (err < 0 && !*message)
		snprintf(message, GLINT_TRACK_MESSAGE_MAX, "cannot read '%.128s': %s", path,
			 strerror(-err));
	if (err < 0)
		glint_close(&track->fd);
	return err;
}

void glint_track_close(struct glint_track *track)
{
	free(track->frames);
	glint_close(&track->fd);
}

/* --- Frames ---------------------------------------------------------------------------------- */

static int add(struct glint_track *track, size_t *room, const struct glint_clip_frame *frame,
	       uint64_t offset)
{
	struct glint_track_frame *last = track->n > 0 ? &track->frames[track->n - 1] : NULL;
	uint64_t position = 0, ns = frame->capture_ns;

	if (last) {
		position = last->position + 1 + glint_clip_gap_count(&frame->before);
		ns = MAX(ns, last->ns + GLINT_NSEC_PER_USEC);
	}
	if (position > UINT32_MAX)
		return -EBADMSG;
	if (track->n == *room) {
		size_t wanted = MAX(2 * *room, (size_t)GROW_MIN);
		void *frames = realloc(track->frames, wanted * sizeof(track->frames[0]));

		if (!frames)
			return -ENOMEM;
		track->frames = frames;
		*room = wanted;
	}
	track->frames[track->n++] = (struct glint_track_frame){
		.offset = offset,
		.ns = ns,
		.size = frame->size,
		.stream = frame->stream,
		.seq = frame->seq,
		.position = (uint32_t)position,
		.exposure_start = frame->exposure_start,
	};
	return 0;
}

static void find_trigger(struct glint_track *track)
{
	const struct glint_clip_head *head = &track->head;

	track->trigger = 0;
	for (size_t i = 0; i < track->n; i++) {
		const struct glint_clip_frame frame = {
			.stream = track->frames[i].stream,
			.seq = track->frames[i].seq,
		};

		if (glint_clip_is_trigger(head, &frame)) {
			track->trigger = i;
			break;
		}
	}
	track->origin = track->frames[track->trigger].position;
}

/* The nominal time, or else the mean, without the time of those missing. */
static uint64_t usual_interval(const struct glint_track *track)
{
	const struct glint_track_frame *last = &track->frames[track->n - 1];
	uint64_t ns = track->head.frame_ns;

	if (ns == 0 && last->position > 0)
		ns = (last->ns - track->frames[0].ns) / last->position;
	if (ns == 0)
		ns = FRAME_NS_DEFAULT;
	return MIN(MAX(ns, FRAME_NS_MIN), FRAME_NS_MAX);
}

static size_t largest(const struct glint_track *track)
{
	size_t most = 0;

	for (size_t i = 0; i < track->n; i++)
		most = MAX(most, (size_t)track->frames[i].size);
	return most;
}

/* Reading has ended with @err. A file that was cut between two frames has only its head to tell. */
static void note_damage(struct glint_track *track, int err, const struct glint_clip_reader *reader)
{
	uint64_t expected = track->head.finished ? MAX(track->head.frames, (uint64_t)track->n) : 0;
	char of_all[32] = "";

	if (err != -EBADMSG && (err != -ENODATA || track->n >= expected))
		return;
	if (expected > track->n)
		snprintf(of_all, sizeof(of_all), " of %" PRIu64, expected);
	snprintf(track->damage, sizeof(track->damage),
		 "%zu%s frames can be read; the file %s byte %" PRIu64, track->n, of_all,
		 err == -EBADMSG ? "is damaged from" : "ends at", reader->at);
}

int glint_track_read(struct glint_track *track)
{
	struct glint_clip_reader reader;
	struct glint_clip_frame frame;
	uint64_t gaps;
	size_t room = 0;
	int err;

	assert(!track->frames);

	err = glint_clip_read_head(&reader, track->fd);
	while (err == 0 && track->n < GLINT_TRACK_FRAMES_MAX) {
		err = glint_clip_read_frame(&reader, &frame);
		if (err == 0)
			err = add(track, &room, &frame, reader.offset);
	}
	if (track->n == 0 || (err < 0 && err != -ENODATA && err != -EBADMSG)) {
		free(track->frames);
		track->frames = NULL;
		track->n = 0;
		return err < 0 ? err : -ENODATA;
	}
	note_damage(track, err, &reader);
	find_trigger(track);
	track->missing = track->frames[track->n - 1].position + 1 - track->n;
	/* Those behind the last frame are in the head only. */
	gaps = track->head.finished ? glint_clip_gap_count(&track->head.gaps) : 0;
	track->tail = (uint32_t)MIN(gaps > track->missing ? gaps - track->missing : 0,
				    (uint64_t)UINT32_MAX / 2);
	track->frame_ns = usual_interval(track);
	if (track->info->layout == GLINT_LAYOUT_JPEG)
		track->frame_bytes = MIN(track->frame_bytes, largest(track));
	return 0;
}

int64_t glint_track_number(const struct glint_track *track, size_t index)
{
	assert(index < track->n);

	return (int64_t)track->frames[index].position - track->origin;
}

int glint_track_find(const struct glint_track *track, int64_t n, size_t *index)
{
	size_t low = 0, high = track->n;

	if (track->n == 0 || n < glint_track_number(track, 0) ||
	    n > glint_track_number(track, track->n - 1))
		return -ENOENT;
	while (low + 1 < high) {
		size_t middle = low + (high - low) / 2;

		if (glint_track_number(track, middle) <= n)
			low = middle;
		else
			high = middle;
	}
	*index = glint_track_number(track, low) < n ? low + 1 : low;
	return 0;
}
