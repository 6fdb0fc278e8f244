/* SPDX-License-Identifier: MIT */
#include "replay/picture.h"

#include "base/macros.h"
#include "replay/track.h"
#include "v4l2/format.h"

#define NOISE_EVERY 16u /* on average, one byte of so many is random */

/* Replace the lower half of each component by that of frame @index. */
static int read_lower_half(const struct glint_track *track, size_t index, uint8_t *out)
{
	const struct glint_track_frame *frame = &track->frames[index];
	struct glint_lines lines[3];
	unsigned n = glint_track_lines(track, lines);
	size_t begin = 0;
	int err = 0;

	if (frame->size != track->frame_bytes)
		return 0;
	for (unsigned i = 0; i < n && err == 0; i++) {
		size_t upper = (size_t)lines[i].bytes * (lines[i].count / 2);
		size_t size = (size_t)lines[i].bytes * lines[i].count;

		err = glint_clip_read_at(track->fd, out + begin + upper, size - upper,
					 frame->offset + begin + upper);
		begin += size;
	}
	return err;
}

/* The same noise for the same frame. */
static void add_noise(uint8_t *out, size_t size, uint64_t seed)
{
	uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;

	for (size_t i = 0; i < size; i += 1 + state % (2 * NOISE_EVERY)) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		out[i] = (uint8_t)(state >> 32);
	}
}

int64_t glint_replay_picture_read(const struct glint_track *track,
				  const struct glint_replay_picture *picture, uint8_t *out)
{
	const struct glint_track_frame *frame = &track->frames[picture->pixels];
	size_t size = MIN((size_t)frame->size, track->frame_bytes);
	int err = glint_clip_read_at(track->fd, out, size, frame->offset);

	if (err == 0 && picture->lower != picture->pixels)
		err = read_lower_half(track, picture->lower, out);
	if (err < 0)
		return err;
	if (picture->noise)
		add_noise(out, size, picture->pixels + 1);
	return (int64_t)size;
}
