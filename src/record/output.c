/* SPDX-License-Identifier: MIT */
#include "record/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/macros.h"

#define INDEX_BUFFER   (64u << 10)
#define ALLOCATE_BYTES (UINT64_C(64) << 20) /* at once: extending a file by each write is slow */

static const struct glint_log_topic topic = { "record" };

struct glint_record_output {
	struct glint_disk *disk;
	struct glint_record_job *job;
	int dir, fd, index_fd;
	bool direct;
	char part[GLINT_CLIP_FILE_MAX], index_part[GLINT_CLIP_FILE_MAX];
	uint8_t *page;		   /* page 0, at an address for O_DIRECT */
	uint64_t taken, allocated; /* bytes of the file: given to writes, and with blocks */
	/* Frames that are in the file, all from the first on. */
	struct glint_clip_head *head;
	uint64_t offset, first_ns, last_ns;
	/* Lines of the index that are not written yet. */
	char *lines;
	size_t n_lines;
	uint64_t index_size;
	int index_err;
};

int glint_record_output_fd(const struct glint_record_output *output)
{
	return output->fd;
}

bool glint_record_output_is_direct(const struct glint_record_output *output)
{
	return output->direct;
}

bool glint_record_output_leave_direct(struct glint_record_output *output)
{
	if (!output->direct)
		return false;
	output->direct = false;
	return fcntl(output->fd, F_SETFL, fcntl(output->fd, F_GETFL) & ~O_DIRECT) == 0;
}

static int write_all(struct glint_record_output *output, int fd, const void *bytes, size_t size,
		     uint64_t offset)
{
	struct glint_disk *disk = output->disk;
	size_t done = 0;

	while (done < size) {
		int64_t n = disk->write(disk, fd, (const char *)bytes + done, size - done,
					offset + done);

		if (n == -EINVAL && fd == output->fd && glint_record_output_leave_direct(output))
			continue;
		if (n < 0 && n != -EINTR)
			return (int)n;
		if (n == 0)
			return -EIO;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int write_head(struct glint_record_output *output)
{
	glint_clip_write_head(output->head, output->page);
	return write_all(output, output->fd, output->page, GLINT_CLIP_PAGE, 0);
}

/* An incomplete recording keeps its name: another one that fails could not be given that name. */
static bool name_exists(struct glint_disk *disk, int dir, const char *name)
{
	static const char *const ends[] = { ".mkv", ".jsonl", ".incomplete.mkv",
					    ".incomplete.jsonl" };
	char file[GLINT_CLIP_FILE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		snprintf(file, sizeof(file), "%.63s%s", name, ends[i]);
		if (disk->exists(disk, dir, file))
			return true;
	}
	return false;
}

static void output_free(struct glint_record_output *output)
{
	glint_close(&output->fd);
	glint_close(&output->index_fd);
	free(output->page);
	free(output->lines);
	free(output);
}

static void remove_parts(const struct glint_record_output *output)
{
	if (output->index_fd >= 0)
		(void)unlinkat(output->dir, output->index_part, 0);
	if (output->fd >= 0)
		(void)unlinkat(output->dir, output->part, 0);
}

static int open_parts(struct glint_record_output *output)
{
	struct glint_disk *disk = output->disk;
	bool plain = false;

	output->direct = true;
	output->fd = disk->create(disk, output->dir, output->part, &output->direct);
	if (output->fd < 0)
		return output->fd;
	output->index_fd = disk->create(disk, output->dir, output->index_part, &plain);
	return output->index_fd < 0 ? output->index_fd : write_head(output);
}

int glint_record_output_create(struct glint_record_output **out, struct glint_disk *disk, int dir,
			       struct glint_record_job *job)
{
	struct glint_record_output *output;
	int err;

	if (name_exists(disk, dir, job->head.name))
		return -EEXIST;
	output = calloc(1, sizeof(*output));
	if (!output)
		return -ENOMEM;
	output->disk = disk;
	output->job = job;
	output->dir = dir;
	output->fd = output->index_fd = -1;
	output->head = &job->head;
	output->taken = output->allocated = output->offset = GLINT_CLIP_PAGE;
	glint_clip_part_names(job->head.name, output->part, output->index_part);
	output->lines = malloc(INDEX_BUFFER);
	output->page = aligned_alloc(GLINT_CLIP_PAGE, GLINT_CLIP_PAGE);
	err = output->lines && output->page ? open_parts(output) : -ENOMEM;
	if (err == 0) {
		*out = output;
		return 0;
	}
	remove_parts(output);
	output_free(output);
	return err;
}

uint64_t glint_record_output_take(struct glint_record_output *output, uint64_t size, uint64_t more)
{
	struct glint_disk *disk = output->disk;
	uint64_t at = output->taken;

	output->taken += size;
	if (output->allocated < output->taken) {
		uint64_t missing = output->taken - output->allocated;
		uint64_t bytes = MAX(missing, MIN(missing + more, ALLOCATE_BYTES));

		/* On a full disk the writes fail, when they come to it. */
		(void)disk->allocate(disk, output->fd, output->allocated, bytes);
		output->allocated += bytes;
	}
	return at;
}

void glint_record_output_give_back(struct glint_record_output *output, uint64_t size)
{
	output->taken -= size;
}

/* --- The index ------------------------------------------------------------------------- */

static void index_flush(struct glint_record_output *output)
{
	int err = write_all(output, output->index_fd, output->lines, output->n_lines,
			    output->index_size);

	if (err < 0 && output->index_err == 0)
		output->index_err = err;
	output->index_size += output->n_lines;
	output->n_lines = 0;
}

static void index_add(struct glint_record_output *output, const char *line, size_t size)
{
	if (INDEX_BUFFER - output->n_lines < size)
		index_flush(output);
	memcpy(output->lines + output->n_lines, line, size);
	output->n_lines += size;
}

void glint_record_output_add(struct glint_record_output *output,
			     const struct glint_record_entry *entry)
{
	struct glint_clip_head *head = output->head;
	char line[GLINT_CLIP_LINE_MAX];
	int64_t number = (int64_t)(entry->position - output->job->trigger_position);

	if (head->frames == 0) {
		output->first_ns = entry->frame.capture_ns;
		head->has_first = true;
		head->first = number;
	} else {
		glint_clip_gap_add(&head->gaps, &entry->frame.before);
	}
	output->last_ns = entry->frame.capture_ns;
	head->frames++;
	head->before_trigger += number < 0;
	index_add(output, line,
		  glint_clip_write_line(&entry->frame, number, output->offset + GLINT_CLIP_PAGE,
					line));
	output->offset += entry->length;
}

/* --- The end ----------------------------------------------------------------------------- */

/*
 * Names and bytes reach the disk at different times: without this, a file may be empty under its final
 * name after a power loss.
 */
static int sync_files(struct glint_record_output *output)
{
	struct glint_disk *disk = output->disk;
	int err = disk->sync(disk, output->fd);

	return err < 0 ? err : disk->sync(disk, output->index_fd);
}

static int give_names(struct glint_record_output *output, const char *middle)
{
	char index[GLINT_CLIP_FILE_MAX], *file = output->job->file;
	struct glint_disk *disk = output->disk;
	int err;

	snprintf(index, sizeof(index), "%.63s%s.jsonl", output->head->name, middle);
	snprintf(file, GLINT_CLIP_FILE_MAX, "%.63s%s.mkv", output->head->name, middle);
	/* The frames last: when they have their name, all is there. */
	err = disk->rename(disk, output->dir, output->index_part, index);
	if (err < 0)
		return err;
	err = disk->rename(disk, output->dir, output->part, file);
	if (err < 0)
		(void)disk->rename(disk, output->dir, index, output->index_part);
	return err;
}

void glint_record_output_finish(struct glint_record_output *output, int err)
{
	struct glint_record_job *job = output->job;
	struct glint_disk *disk = output->disk;
	struct glint_clip_head *head = output->head;
	char line[GLINT_CLIP_LINE_MAX];
	int first_err = err, end_err = 0;

	job->file[0] = '\0';
	if (err < 0 && head->frames == 0) {
		remove_parts(output);
		glint_log_err(&topic, err, "the recording '%s' has no frame, and no file",
			      head->name);
		job->err = err;
		job->bytes = 0;
		output_free(output);
		return;
	}
	/*
	 * Blocks that the frames do not need are the index's, on a full disk. A file system that is
	 * mounted with "discard" may take half a second to free them: do not, if there are none.
	 */
	if (MAX(output->taken, output->allocated) > output->offset)
		end_err = disk->truncate(disk, output->fd, output->offset);
	/*
	 * After an error the recording may go on: the tail is still the loop's, and grows until after the
	 * file has its name. So the file does not count it; "disk-error" says that it is incomplete.
	 */
	if (err == 0 && glint_clip_gap_count(&job->tail) > 0) {
		glint_clip_gap_add(&head->gaps, &job->tail);
		index_add(output, line, glint_clip_write_tail(&job->tail, line));
	}
	index_flush(output);
	head->finished = true;
	head->bytes = output->offset;
	head->duration_ns =
		output->last_ns > output->first_ns ? output->last_ns - output->first_ns : 0;
	snprintf(head->ended, sizeof(head->ended), "%s", first_err < 0 ? "disk-error" : job->ended);
	if (end_err == 0)
		end_err = write_head(output);
	if (end_err == 0)
		end_err = output->index_err;
	if (end_err == 0)
		end_err = sync_files(output);
	if (end_err == 0)
		end_err = give_names(output, first_err < 0 ? ".incomplete" : "");
	if (first_err < 0)
		glint_log_err(&topic, first_err, "the recording '%s' has %llu frames only",
			      head->name, (unsigned long long)head->frames);
	else
		first_err = end_err;
	/* What could not be finished is left under its first names. */
	if (end_err < 0) {
		glint_log_err(&topic, end_err,
			      "cannot finish the recording '%s': the next start recovers it",
			      head->name);
		job->file[0] = '\0';
	} else {
		end_err = disk->sync_names(disk, output->dir);
		if (end_err < 0)
			glint_log_err(&topic, end_err,
				      "the name of the recording '%s' may not be on the disk",
				      head->name);
		if (first_err == 0)
			first_err = end_err;
	}
	job->err = first_err;
	job->bytes = output->offset;
	output_free(output);
}
