/* SPDX-License-Identifier: MIT */
/*
 * Finishes the files of recordings on a thread of its own. Their bytes must be on the disk before
 * they get their names, which may take seconds; the writer's thread writes further frames meanwhile.
 */
#ifndef GLINT_RECORD_CLOSER_H
#define GLINT_RECORD_CLOSER_H

#include "record/output.h"

struct glint_closer;

/*
 * Start the thread. @closed is called there after glint_record_output_finish(), for each output.
 * -ENOMEM, -EAGAIN.
 */
int glint_closer_create(struct glint_closer **out,
			void (*closed)(void *ctx, struct glint_record_job *job), void *ctx);

/*
 * Finish @output of @job, as glint_record_output_finish(); the closer has both from now on. At most
 * GLINT_WRITER_JOBS_MAX outputs that are not finished.
 */
void glint_closer_add(struct glint_closer *closer, struct glint_record_output *output,
		      struct glint_record_job *job, int err);

/* Wait until all outputs are finished, and end the thread. NULL is fine. */
void glint_closer_destroy(struct glint_closer *closer);
#endif
