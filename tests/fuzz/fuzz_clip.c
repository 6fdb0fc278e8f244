/* SPDX-License-Identifier: MIT */
/*
 * Files that are said to be clips. An input changes a clip of the writer: its first byte says where
 * the clip is cut (0: not at all), then come changes, each with two bytes for the place, one for the
 * length, and the new bytes. What is read lies in the file; and with a new head and index the same
 * frames are read again. Where the clip can be replayed, all of its frames are, also with faults.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clip/clip.h"
#include "clip/recover.h"
#include "fuzz.h"
#include "replay/picture.h"
#include "replay/track.h"

#define FRAMES_MAX 8u /* that a clip of that size can have */
#define CUT_STEP   146u

static const uint32_t sizes[] = { 1, 4095, 5000 };
static uint8_t whole[9 * GLINT_CLIP_PAGE];
static int clip_fd, index_fd;

/* Make the clip that inputs change. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct glint_clip_head head = {
		.name = "clip",
		.device = "/dev/video0",
		.fourcc = UINT32_C(0x56595559), /* YUYV */
		.width = 640,
		.height = 480,
		.matrix = 6,
		.frame_ns = 16666667,
		.finished = true,
		.trigger = "command",
		.trigger_seq = 101,
		.ended = "post",
		.frames = ARRAY_SIZE(sizes),
		.bytes = sizeof(whole),
	};
	uint8_t *at = whole + GLINT_CLIP_PAGE;

	(void)argc;
	(void)argv;
	glint_clip_write_head(&head, whole);
	for (uint32_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct glint_clip_frame frame = {
			.seq = 100 + i,
			.size = sizes[i],
			.capture_ns = 1000000000 + i * 16666000u,
			.before.dropped = i == 2,
		};

		glint_clip_write_frame(&frame, head.frame_ns, at);
		at += glint_clip_frame_bytes(frame.size);
	}
	assert(at == whole + sizeof(whole));
	clip_fd = memfd_create("clip", MFD_CLOEXEC);
	index_fd = memfd_create("index", MFD_CLOEXEC);
	assert(clip_fd >= 0 && index_fd >= 0);
	return 0;
}

static void write_clip(const uint8_t *data, size_t size)
{
	static uint8_t clip[sizeof(whole)];
	size_t cut = sizeof(clip);

	if (size > 0 && data[0] > 0)
		cut = MIN(cut, (size_t)data[0] * CUT_STEP);
	memcpy(clip, whole, sizeof(clip));
	for (size_t i = 1; i + 3 < size;) {
		size_t place = (size_t)(data[i] << 8 | data[i + 1]) % sizeof(clip);
		size_t room = MIN(size - i - 3, sizeof(clip) - place);
		size_t length = MIN((size_t)data[i + 2], room);

		memcpy(clip + place, data + i + 3, length);
		i += 3 + length;
	}
	assert(ftruncate(clip_fd, 0) == 0);
	assert(pwrite(clip_fd, clip, cut, 0) == (ssize_t)cut);
}

static unsigned read_frames(struct glint_clip_reader *reader, struct glint_clip_frame *frames)
{
	uint64_t before = reader->at;
	unsigned n = 0;

	while (glint_clip_read_frame(reader, &frames[n]) == 0) {
		assert(frames[n].size > 0 && reader->offset % GLINT_CLIP_PAGE == 0);
		assert(reader->offset + frames[n].size <= reader->size);
		assert(reader->begin == before && reader->at > before);
		before = reader->at;
		assert(++n < FRAMES_MAX);
	}
	return n;
}

/* Behind damage, too. */
static void read_all_frames(struct glint_clip_reader *reader, unsigned least)
{
	struct glint_clip_frame frame;
	unsigned n = 0;

	glint_clip_rewind(reader);
	while (glint_clip_read_next(reader, &frame) == 0) {
		assert(frame.size > 0 && reader->offset + frame.size <= reader->size);
		n++;
	}
	assert(n >= least && (n == least || reader->damaged));
}

static void check_text(const char *text)
{
	for (; *text; text++)
		assert(*text >= ' ' && *text <= '~' && *text != '"' && *text != '\\');
}

static void check_index(unsigned n)
{
	static char text[FRAMES_MAX * GLINT_CLIP_LINE_MAX];
	ssize_t size = pread(index_fd, text, sizeof(text), 0);
	unsigned lines = 0;

	for (ssize_t i = 0; i < size; i++) {
		assert(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'));
		lines += text[i] == '\n';
	}
	assert(lines == n);
}

/* Finish the clip, as after the end of a service. */
static void finish(struct glint_clip_reader *reader, unsigned n)
{
	struct glint_clip_head head = reader->head;
	uint8_t page[GLINT_CLIP_PAGE];
	int err;

	assert(ftruncate(index_fd, 0) == 0 && lseek(index_fd, 0, SEEK_SET) == 0);
	reader->at = GLINT_CLIP_PAGE;
	err = glint_clip_index(reader, index_fd, NULL, &head);
	assert(err == (n > 0 ? 0 : -ENODATA));
	if (err < 0)
		return;
	check_index(n);
	assert(head.frames == n && head.bytes <= reader->size);
	head.finished = true;
	strcpy(head.ended, "recovered");
	glint_clip_write_head(&head, page);
	assert(ftruncate(clip_fd, (off_t)head.bytes) == 0);
	assert(pwrite(clip_fd, page, sizeof(page), 0) == (ssize_t)sizeof(page));
}

/* Read each frame as a replay does, into a buffer of the size that the track says. */
static void replay_frames(void)
{
	char path[32], message[GLINT_TRACK_MESSAGE_MAX];
	struct glint_track track;
	size_t index;
	uint8_t *out;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", clip_fd);
	if (glint_track_open(&track, path, message) < 0) {
		assert(*message);
		return;
	}
	if (glint_track_read(&track) == 0 && track.frame_bytes <= 1u << 20) {
		out = malloc(track.frame_bytes);
		assert(out);
		for (size_t i = 0; i < track.n; i++) {
			struct glint_replay_picture picture = {
				.pixels = i,
				.lower = track.n - 1 - i,
				.noise = i % 2,
			};

			assert(glint_replay_picture_read(&track, &picture, out) <=
			       (int64_t)track.frame_bytes);
			assert(i == 0 || (track.frames[i].ns > track.frames[i - 1].ns &&
					  track.frames[i].position > track.frames[i - 1].position));
			assert(glint_track_find(&track, glint_track_number(&track, i), &index) ==
				       0 &&
			       index == i);
		}
		free(out);
	}
	glint_track_close(&track);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct glint_clip_frame frames[FRAMES_MAX], again[FRAMES_MAX];
	struct glint_clip_reader reader;
	unsigned n;

	write_clip(data, size);
	if (glint_clip_read_head(&reader, clip_fd) < 0)
		return 0;
	assert(glint_clip_name_valid(reader.head.name));
	check_text(reader.head.device);
	check_text(reader.head.trigger);
	check_text(reader.head.ended);
	n = read_frames(&reader, frames);
	read_all_frames(&reader, n);
	if (IS_ENABLED(CONFIG_REPLAY))
		replay_frames();
	finish(&reader, n);
	if (n == 0)
		return 0;
	assert(glint_clip_read_head(&reader, clip_fd) == 0 && reader.head.finished);
	assert(read_frames(&reader, again) == n);
	for (unsigned i = 0; i < n; i++)
		assert(again[i].seq == frames[i].seq && again[i].size == frames[i].size &&
		       again[i].capture_ns == frames[i].capture_ns &&
		       glint_clip_gap_count(&again[i].before) ==
			       glint_clip_gap_count(&frames[i].before));
	return 0;
}
