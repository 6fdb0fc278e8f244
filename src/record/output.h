/* SPDX-License-Identifier: MIT */
/*
 * The two files of one recording while they are written: frames and index. The caller writes the
 * frames. Writer's thread only, but for the end.
 */
#ifndef GLINT_RECORD_OUTPUT_H
#define GLINT_RECORD_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "record/disk.h"
#include "record/writer.h"

struct glint_record_output;

/*
 * Create the files. -EEXIST: one of the names is in use; nothing is left behind after an error.
 * @job->head is borrowed.
 */
int glint_record_output_create(struct glint_record_output **out, struct glint_disk *disk, int dir,
			       struct glint_record_job *job);

/* The descriptor for frames. */
int glint_record_output_fd(const struct glint_record_output *output);
bool glint_record_output_is_direct(const struct glint_record_output *output);

/* The file system refuses O_DIRECT after all. Returns whether another try makes sense. */
bool glint_record_output_leave_direct(struct glint_record_output *output);

/*
 * Where the next @size bytes of frames go; the file gets blocks for them. @more are expected behind
 * them: the fewer blocks too many, the sooner is the file complete.
 */
uint64_t glint_record_output_take(struct glint_record_output *output, uint64_t size, uint64_t more);

/* The @size bytes that were taken last are not needed. */
void glint_record_output_give_back(struct glint_record_output *output, uint64_t size);

/* The frame of @entry is in the file, behind those before it. */
void glint_record_output_add(struct glint_record_output *output,
			     const struct glint_record_entry *entry);

/*
 * Finish the files and give them their names, once their bytes are on the disk; with an error @err of
 * the writes the names say that frames are missing, and files without a frame are removed. Files that
 * cannot be finished keep their first names. Frees @output. Sets the results in the job. May take
 * seconds.
 */
void glint_record_output_finish(struct glint_record_output *output, int err);
#endif
