/* SPDX-License-Identifier: MIT */
#include "clip/ring.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "clip/ebml.h"
#include "clip/names.h"

#define RECORD_BYTES 72u
/* Before the head of the frame's block, which ends the page. */
#define RECORD_AT	 (GLINT_CLIP_PAGE - MKV_SIMPLE_BLOCK_HEAD - RECORD_BYTES)
#define BUFFER		 (4u << 20)
#define FRAME_BYTES_MIN	 (2u * GLINT_CLIP_PAGE)
#define FRAMES_MAX	 (1u << 24) /* that a ring is believed to have */
#define SIZE_MAX_OF_RING (UINT64_C(1) << 50)
#define LIMITED_BIT	 UINT32_C(0x80000000)

static const uint8_t page_magic[8] = { 'G', 'L', 'N', 'T', 'R', 'N', 'G', '1' };
static const uint8_t record_magic[8] = { 'G', 'L', 'N', 'T', 'F', 'R', 'M', '1' };

/* --- Pages ---------------------------------------------------------------------------- */

static uint8_t *put64(uint8_t *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof(value));
	return at + sizeof(value);
}

static uint64_t take64(const uint8_t **at)
{
	uint64_t value;

	memcpy(&value, *at, sizeof(value));
	*at += sizeof(value);
	return le64toh(value);
}

void glint_clip_ring_write_page(const struct glint_clip_ring *ring,
				uint8_t page[static GLINT_CLIP_PAGE])
{
	uint8_t *at = page + 8;

	memset(page, 0, GLINT_CLIP_PAGE);
	memcpy(page, page_magic, sizeof(page_magic));
	at = put64(at, ring->id);
	at = put64(at, ring->size);
	at = put64(at, ring->realtime_ns);
	put64(at, ring->monotonic_ns);
}

bool glint_clip_ring_read_page(const uint8_t page[static GLINT_CLIP_PAGE],
			       struct glint_clip_ring *ring)
{
	const uint8_t *at = page + 8;

	if (memcmp(page, page_magic, sizeof(page_magic)) != 0)
		return false;
	ring->id = take64(&at);
	ring->size = take64(&at);
	ring->realtime_ns = take64(&at);
	ring->monotonic_ns = take64(&at);
	return ring->size <= SIZE_MAX_OF_RING;
}

void glint_clip_ring_write_record(uint64_t id, const struct glint_clip_ring_record *record,
				  uint8_t page[static GLINT_CLIP_PAGE])
{
	uint8_t *at = page + RECORD_AT;

	memcpy(at, record_magic, sizeof(record_magic));
	at = put64(at + 8, id);
	at = put64(at, record->number);
	at = put64(at, record->done);
	at = put64(at, record->ahead);
	at = put64(at, record->format.frame_ns);
	at = put64(at, (uint64_t)record->format.width << 32 | record->format.height);
	at = put64(at, (uint64_t)record->format.fourcc << 32 | record->format.matrix |
			       (record->format.limited ? LIMITED_BIT : 0));
	put64(at, 0);
}

bool glint_clip_ring_read_record(const uint8_t page[static GLINT_CLIP_PAGE], uint64_t id,
				 struct glint_clip_ring_record *record)
{
	const uint8_t *at = page + RECORD_AT;
	uint64_t pair;

	if (memcmp(at, record_magic, sizeof(record_magic)) != 0)
		return false;
	at += 8;
	if (take64(&at) != id)
		return false;
	record->number = take64(&at);
	record->done = take64(&at);
	record->ahead = take64(&at);
	record->format.frame_ns = take64(&at);
	pair = take64(&at);
	record->format.width = (uint32_t)(pair >> 32);
	record->format.height = (uint32_t)pair;
	pair = take64(&at);
	record->format.fourcc = (uint32_t)(pair >> 32);
	record->format.matrix = (uint32_t)pair & ~LIMITED_BIT;
	record->format.limited = (uint32_t)pair & LIMITED_BIT;
	return true;
}

/* --- Copies ------------------------------------------------------------------------------ */

static int write_at(int fd, const void *bytes, size_t size, uint64_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n =
			pwrite(fd, (const char *)bytes + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}

int glint_clip_copy(int from, uint64_t from_offset, int to, uint64_t to_offset, uint64_t size,
		    uint8_t *buffer, size_t buffer_size)
{
	struct file_clone_range range = {
		.src_fd = from,
		.src_offset = from_offset,
		.src_length = size,
		.dest_offset = to_offset,
	};
	int err = 0;

	if (ioctl(to, FICLONERANGE, &range) == 0)
		return 0;
	for (uint64_t done = 0; done < size && err == 0;) {
		size_t part = (size_t)MIN(size - done, (uint64_t)buffer_size);

		err = glint_clip_read_at(from, buffer, part, from_offset + done);
		if (err == -EIO)
			err = -EBADMSG;
		if (err == 0)
			err = write_at(to, buffer, part, to_offset + done);
		done += part;
	}
	return err;
}

/* --- Recovery -------------------------------------------------------------------------- */

struct found {
	struct glint_clip_ring_record record;
	uint64_t offset, length; /* in the file */
};

struct scan {
	int fd;
	uint64_t size; /* of the file */
	struct glint_clip_ring ring;
	struct found *found;
	size_t n_found, room;
	uint8_t *buffer;
};

static int scan_add(struct scan *scan, const struct found *found)
{
	if (scan->n_found == scan->room) {
		size_t room = scan->room > 0 ? scan->room * 2 : 1024;
		struct found *more =
			room > FRAMES_MAX ? NULL : reallocarray(scan->found, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		scan->found = more;
		scan->room = room;
	}
	scan->found[scan->n_found++] = *found;
	return 0;
}

/* The head of a frame at @offset. False: there is none, or its frame does not fit in the file. */
static bool read_frame(const struct scan *scan, uint64_t offset, struct found *found,
		       struct glint_clip_frame *frame)
{
	struct glint_clip_reader reader = { .fd = scan->fd, .size = scan->size, .at = offset };
	uint8_t page[GLINT_CLIP_PAGE];

	if (glint_clip_read_at(scan->fd, page, sizeof(page), offset) < 0 ||
	    !glint_clip_ring_read_record(page, scan->ring.id, &found->record) ||
	    glint_clip_read_frame(&reader, frame) < 0 || reader.at > scan->size)
		return false;
	found->offset = offset;
	found->length = reader.at - offset;
	return true;
}

static int scan_file(struct scan *scan)
{
	uint64_t at = GLINT_CLIP_PAGE;
	struct glint_clip_frame frame;
	struct found found;
	int err = 0;

	while (err == 0 && at <= scan->size - GLINT_CLIP_PAGE) {
		if (read_frame(scan, at, &found, &frame)) {
			err = scan_add(scan, &found);
			at += found.length;
		} else {
			at = glint_clip_next_page(scan->fd, at);
		}
	}
	return err;
}

static int compare_numbers(const void *a, const void *b)
{
	const struct found *left = a, *right = b;

	return left->record.number < right->record.number ?
		       -1 :
		       left->record.number > right->record.number;
}

static bool overlaps(const struct found *found, uint64_t begin, uint64_t end)
{
	return found->offset < end && found->offset + found->length > begin;
}

/* Whether all frames between @older and @newer can have been between @older and the end of the file. */
static bool is_lap_before(const struct scan *scan, const struct found *older,
			  const struct found *newer)
{
	uint64_t missing = newer->record.number - older->record.number - 1;
	uint64_t end = older->offset + older->length, limit = GLINT_CLIP_PAGE + scan->ring.size;

	return missing <= (limit - MIN(end, limit)) / FRAME_BYTES_MIN;
}

/*
 * Leave frames of the last lap around the file, and of the lap before, whose rest they have not
 * overwritten. An older one may have survived at the end of the file, where no later frame had space.
 */
static void scan_leave_laps(struct scan *scan)
{
	size_t first = scan->n_found;
	bool turned = false;

	while (first > 0) {
		const struct found *older = &scan->found[first - 1], *newer = older + 1;
		bool turns = first < scan->n_found && older->offset > newer->offset;

		if (turns && (turned || !is_lap_before(scan, older, newer)))
			break;
		turned |= turns;
		first--;
	}
	scan->n_found -= first;
	memmove(scan->found, scan->found + first, scan->n_found * sizeof(scan->found[0]));
}

/*
 * Leave frames whose bytes are all there. Not those that were being written, and not old ones that
 * these have overwritten, or may have.
 */
static void scan_trust(struct scan *scan)
{
	uint64_t done = 0, ahead = 0, begin, end, longest = 0, first_end = 0;
	const uint64_t limit = GLINT_CLIP_PAGE + scan->ring.size;
	size_t n = scan->n_found, kept = 0;

	if (n == 0)
		return;
	qsort(scan->found, n, sizeof(scan->found[0]), compare_numbers);
	done = scan->found[n - 1].record.done;
	ahead = scan->found[n - 1].record.ahead;
	for (size_t i = 0; i < n; i++)
		longest = MAX(longest, scan->found[i].length);
	while (n > 0 && scan->found[n - 1].record.number >= done)
		n--;
	scan->n_found = n;
	if (n == 0)
		return;
	begin = scan->found[n - 1].offset + scan->found[n - 1].length;
	/* What does not fit at the end of the file is at its beginning. */
	end = begin + MIN(ahead, scan->ring.size) + longest;
	if (end > limit)
		first_end = GLINT_CLIP_PAGE + (end - limit);
	for (size_t i = 0; i < n; i++) {
		const struct found *found = &scan->found[i];

		if (overlaps(found, begin, end) || overlaps(found, 0, first_end))
			continue;
		scan->found[kept++] = *found;
	}
	scan->n_found = kept;
	scan_leave_laps(scan);
}

static bool same_format(const struct found *a, const struct found *b)
{
	const struct glint_clip_format *left = &a->record.format, *right = &b->record.format;

	return left->fourcc == right->fourcc && left->width == right->width &&
	       left->height == right->height && left->matrix == right->matrix &&
	       left->limited == right->limited;
}

static int write_frames(const struct scan *scan, size_t first, size_t end, int fd)
{
	uint64_t at = GLINT_CLIP_PAGE;
	int err = 0;

	for (size_t i = first; i < end && err == 0; i++) {
		struct glint_clip_frame frame;
		uint8_t page[GLINT_CLIP_PAGE];
		struct found found;
		uint64_t missing;

		if (!read_frame(scan, scan->found[i].offset, &found, &frame))
			return -EIO;
		err = glint_clip_copy(scan->fd, found.offset, fd, at, found.length, scan->buffer,
				      BUFFER);
		if (err == -EBADMSG) /* which for callers means that @from is no ring */
			return -EIO;
		missing = i > first ? found.record.number - scan->found[i - 1].record.number - 1 :
				      0;
		frame.before.lost += (uint32_t)MIN(missing, (uint64_t)UINT32_MAX);
		if (err == 0 && missing > 0) {
			glint_clip_write_frame_head(&frame, found.record.format.frame_ns, page);
			err = write_at(fd, page, sizeof(page), at);
		}
		at += found.length;
	}
	return err;
}

/* Frames of one format, as a clip. */
static int write_clip(const struct scan *scan, size_t first, size_t end, int dir, const char *name,
		      struct glint_clip_recovered *out)
{
	const struct glint_clip_ring_record *record = &scan->found[end - 1].record;
	char part[GLINT_CLIP_FILE_MAX], index[GLINT_CLIP_FILE_MAX];
	struct glint_clip_head head = {
		.fourcc = record->format.fourcc,
		.width = record->format.width,
		.height = record->format.height,
		.limited = record->format.limited,
		.matrix = record->format.matrix,
		.frame_ns = record->format.frame_ns,
		.realtime_ns = scan->ring.realtime_ns,
		.monotonic_ns = scan->ring.monotonic_ns,
		.trigger = "killed",
	};
	struct glint_clip_frame newest;
	uint8_t page[GLINT_CLIP_PAGE];
	struct found found;
	int fd, err;

	if (!read_frame(scan, scan->found[end - 1].offset, &found, &newest))
		return -EIO;
	snprintf(head.name, sizeof(head.name), "%s", name);
	head.trigger_seq = newest.seq;
	head.trigger_stream = newest.stream;
	head.trigger_ns = newest.capture_ns;
	glint_clip_part_names(name, part, index);
	fd = openat(dir, part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	glint_clip_write_head(&head, page);
	err = write_at(fd, page, sizeof(page), 0);
	if (err == 0)
		err = write_frames(scan, first, end, fd);
	close(fd);
	if (err == 0)
		err = glint_clip_recover(dir, part, name, out);
	if (err < 0 || out->frames == 0)
		(void)unlinkat(dir, part, 0);
	return err;
}

static int scan_open(struct scan *scan, int dir, const char *from)
{
	uint8_t page[GLINT_CLIP_PAGE];
	struct stat status;
	int err;

	*scan = (struct scan){ .fd = openat(dir, from,
					    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) };
	if (scan->fd < 0)
		return -errno;
	if (fstat(scan->fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EBADMSG;
	scan->size = (uint64_t)status.st_size;
	err = glint_clip_read_at(scan->fd, page, sizeof(page), 0);
	if (err < 0)
		return err;
	if (!glint_clip_ring_read_page(page, &scan->ring))
		return -EBADMSG;
	scan->buffer = malloc(BUFFER);
	return scan->buffer ? 0 : -ENOMEM;
}

int glint_clip_recover_ring(int dir, const char *from, const char *name,
			    struct glint_clip_recovered *out, unsigned *clips)
{
	struct scan scan;
	uint64_t frames = 0;
	int err = scan_open(&scan, dir, from);

	*out = (struct glint_clip_recovered){ .frames = 0 };
	*clips = 0;
	if (err == 0)
		err = scan_file(&scan);
	if (err == 0)
		scan_trust(&scan);
	for (size_t first = 0, end; err == 0 && first < scan.n_found; first = end) {
		end = first + 1;
		while (end < scan.n_found && same_format(&scan.found[first], &scan.found[end]))
			end++;
		err = write_clip(&scan, first, end, dir, name, out);
		frames += out->frames;
		*clips += err == 0 && out->frames > 0;
	}
	out->frames = frames;
	free(scan.found);
	free(scan.buffer);
	glint_close(&scan.fd);
	return err;
}
