/* SPDX-License-Identifier: MIT */
#include "clip/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/write.h"
#include "clip/names.h"

#define NAMES_MAX 100u /* of one clip, recovered again and again */

/* Sums of all frames up to the first that is not complete, and their numbers. */
struct sums {
	uint64_t frames, end, first_ns, last_ns;
	uint64_t position;
	struct glint_clip_origin origin;
	struct glint_clip_gap gaps;
};

static void sum_up(struct glint_clip_reader *reader, struct sums *sums)
{
	struct glint_clip_frame frame;

	*sums = (struct sums){ .end = reader->at };
	while (glint_clip_read_frame(reader, &frame) == 0) {
		if (sums->frames > 0) {
			sums->position += 1 + glint_clip_gap_count(&frame.before);
			glint_clip_gap_add(&sums->gaps, &frame.before);
		} else {
			sums->first_ns = frame.capture_ns;
		}
		glint_clip_origin_look(&sums->origin, reader, &frame, sums->position);
		sums->frames++;
		sums->last_ns = frame.capture_ns;
		/* A file that ends within the Void behind the frame is whole. */
		sums->end = MIN(reader->at, reader->size);
	}
}

int glint_clip_index(struct glint_clip_reader *reader, int fd, const struct glint_clip_gap *tail,
		     struct glint_clip_head *head)
{
	uint64_t begin = reader->at, position = 0;
	char line[GLINT_CLIP_LINE_MAX];
	struct glint_clip_frame frame;
	struct sums sums;
	int64_t number;
	int err = 0;

	sum_up(reader, &sums);
	if (sums.frames == 0)
		return -ENODATA;
	reader->at = begin;
	head->before_trigger = 0;
	head->has_first = true;
	head->first = -sums.origin.origin;
	for (uint64_t i = 0; i < sums.frames && err == 0; i++) {
		err = glint_clip_read_frame(reader, &frame);
		if (err < 0)
			break;
		if (i > 0)
			position += 1 + glint_clip_gap_count(&frame.before);
		number = (int64_t)position - sums.origin.origin;
		head->before_trigger += number < 0;
		err = glint_write_all(fd, line,
				      glint_clip_write_line(&frame, number, reader->offset, line));
	}
	if (err == 0 && tail && glint_clip_gap_count(tail) > 0) {
		glint_clip_gap_add(&sums.gaps, tail);
		err = glint_write_all(fd, line, glint_clip_write_tail(tail, line));
	}
	head->frames = sums.frames;
	head->gaps = sums.gaps;
	head->duration_ns = sums.last_ns > sums.first_ns ? sums.last_ns - sums.first_ns : 0;
	head->bytes = sums.end;
	return err;
}

/* A name that neither file has. */
static bool find_name(int dir, const char *name, struct glint_clip_recovered *out)
{
	char file[sizeof(out->name) + 8];

	for (unsigned i = 1; i <= NAMES_MAX; i++) {
		if (i == 1)
			snprintf(out->name, sizeof(out->name), "%.63s.recovered", name);
		else
			snprintf(out->name, sizeof(out->name), "%.63s.recovered-%u", name, i);
		snprintf(file, sizeof(file), "%s.mkv", out->name);
		if (faccessat(dir, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		snprintf(file, sizeof(file), "%s.jsonl", out->name);
		if (faccessat(dir, file, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			return true;
	}
	return false;
}

/* What a finished head knows to be missing behind the last of its frames. */
static struct glint_clip_gap tail_of(struct glint_clip_reader *reader)
{
	const struct glint_clip_head *head = &reader->head;
	struct sums sums;

	if (!head->finished)
		return (struct glint_clip_gap){ 0 };
	sum_up(reader, &sums);
	glint_clip_rewind(reader);
	if (sums.frames != head->frames)
		return (struct glint_clip_gap){ 0 };
	return glint_clip_gap_minus(&head->gaps, &sums.gaps);
}

/* Whether the file has frames behind those before @end. */
static bool has_more(const struct glint_clip_reader *reader, uint64_t end)
{
	struct glint_clip_reader rest = *reader;
	struct glint_clip_frame frame;

	rest.at = MIN(end, rest.size);
	return glint_clip_read_next(&rest, &frame) == 0;
}

static int finish(int dir, const char *from, int fd, struct glint_clip_reader *reader,
		  struct glint_clip_recovered *out)
{
	struct glint_clip_gap tail = tail_of(reader);
	struct glint_clip_head head = reader->head;
	char index[sizeof(out->name) + 8], part[sizeof(out->name) + 16];
	char file[sizeof(out->name) + 8];
	uint8_t page[GLINT_CLIP_PAGE];
	int index_fd, err;

	snprintf(index, sizeof(index), "%s.jsonl", out->name);
	snprintf(part, sizeof(part), ".%s.part", index);
	snprintf(file, sizeof(file), "%s.mkv", out->name);
	/* A recovery that was killed has left one. */
	(void)unlinkat(dir, part, 0);
	index_fd = openat(dir, part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (index_fd < 0)
		return -errno;
	err = glint_clip_index(reader, index_fd, &tail, &head);
	out->more = has_more(reader, err < 0 ? GLINT_CLIP_PAGE : head.bytes);
	if (err < 0)
		goto remove_part;
	head.finished = true;
	snprintf(head.ended, sizeof(head.ended), "recovered");
	glint_clip_write_head(&head, page);
	if (!out->more && ftruncate(fd, (off_t)head.bytes) < 0)
		err = -errno;
	else if (pwrite(fd, page, sizeof(page), 0) != (ssize_t)sizeof(page))
		err = -EIO;
	if (err == 0)
		err = glint_clip_sync(fd);
	if (err == 0)
		err = glint_clip_sync(index_fd);
	if (err == 0)
		err = glint_clip_rename(dir, part, index);
	if (err < 0)
		goto remove_part;
	err = glint_clip_rename(dir, from, file);
	if (err < 0)
		goto remove_index;
	close(index_fd);
	out->frames = head.frames;
	return glint_clip_sync_names(dir);

remove_index:
	(void)unlinkat(dir, index, 0);
remove_part:
	(void)unlinkat(dir, part, 0);
	close(index_fd);
	return err == -ENODATA ? 0 : err;
}

int glint_clip_recover(int dir, const char *from, const char *name,
		       struct glint_clip_recovered *out)
{
	char part[GLINT_CLIP_FILE_MAX], index[GLINT_CLIP_FILE_MAX];
	struct glint_clip_reader reader;
	int fd = openat(dir, from, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int err;

	*out = (struct glint_clip_recovered){ .frames = 0 };
	if (fd < 0)
		return -errno;
	err = glint_clip_read_head(&reader, fd);
	/* The head of a part file is finished before the file has its name. */
	if (err == 0 && reader.head.finished && !glint_clip_is_part(from)) {
		err = -EALREADY;
	} else if (err == 0) {
		err = find_name(dir, name, out) ? finish(dir, from, fd, &reader, out) : -EEXIST;
	} else if (err == -EBADMSG) {
		err = 0; /* the recorder was killed before it had written the head */
		out->headless = true;
		out->more = has_more(&reader, GLINT_CLIP_PAGE);
	}
	/* A recording of that name would find the old index in its way. */
	if (err == 0 && glint_clip_is_part(from)) {
		glint_clip_part_names(name, part, index);
		(void)unlinkat(dir, index, 0);
	}
	close(fd);
	return err;
}
