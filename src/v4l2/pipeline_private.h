/* SPDX-License-Identifier: MIT */
/* Shared by the pipeline's files. */
#ifndef GLINT_V4L2_PIPELINE_PRIVATE_H
#define GLINT_V4L2_PIPELINE_PRIVATE_H

#include <stdarg.h>

#include "v4l2/pipeline.h"

void glint_pipeline_problem(struct glint_pipeline *pipeline, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
#endif
