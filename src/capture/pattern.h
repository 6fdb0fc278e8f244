/* SPDX-License-Identifier: MIT */
/*
 * The built-in test pattern, in the guise of a V4L2 device, so that it goes the
 * same way through the code as one: a moving picture with frame number and time
 * for people (pattern_draw.c) and a stamp for programs (stamp.h). Its buffers are
 * memfds that udmabuf has wrapped where there is udmabuf. Like a device it misses
 * frames when it finds no buffer queued, or is not attended to in time; then its
 * sequence numbers go on.
 *
 * Not by several threads at once, but for VIDIOC_ENUMINPUT.
 */
#ifndef GLINT_CAPTURE_PATTERN_H
#define GLINT_CAPTURE_PATTERN_H

#include <stdint.h>

struct glint_pattern;
struct glint_v4l2_access;

/* @rate_millihz: 1000..240000, else the nearest; 0: 30 frames a second. NULL: no memory. */
struct glint_pattern *glint_pattern_create(uint32_t rate_millihz);

/* It must be closed. NULL is fine. */
void glint_pattern_destroy(struct glint_pattern *pattern);

struct glint_v4l2_access *glint_pattern_access(struct glint_pattern *pattern);
#endif
