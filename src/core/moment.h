/* SPDX-License-Identifier: MIT */
/* A moment that a client names. Which frame it means is for the user of the moment. Pure. */
#ifndef GLINT_CORE_MOMENT_H
#define GLINT_CORE_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

#define GLINT_MARK_ID_MAX 63u /* bytes of a mark's name, without the end */

enum glint_moment_kind {
	GLINT_MOMENT_NOW,  /* when the request had been read */
	GLINT_MOMENT_LAST, /* the newest complete frame at that time */
	GLINT_MOMENT_TIME, /* @ns of CLOCK_MONOTONIC */
	GLINT_MOMENT_SEQ,  /* the frame with the number @seq of the live stream */
	GLINT_MOMENT_MARK, /* the mark named @mark */
};

struct glint_moment {
	enum glint_moment_kind kind;
	uint64_t ns;
	uint32_t seq;
	uint64_t stream; /* in which @seq counts; 0: the present one */
	char mark[GLINT_MARK_ID_MAX + 1];
};

/*
 * Read "now", "last", a time in ns, "seq:N" or "mark:ID". -EINVAL: another text. @moment is set
 * on success only.
 */
int glint_moment_parse(const char *text, struct glint_moment *moment);

/* 1 to GLINT_MARK_ID_MAX letters, digits and "-._": needs no escape in a URL or a shell. */
bool glint_mark_id_valid(const char *id);
#endif
