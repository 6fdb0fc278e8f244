/* SPDX-License-Identifier: MIT */
/*
 * The built-in test pattern is a V4L2 device to all other code: a moving picture with frame number
 * and time for people (draw.c), and with a stamp for programs (stamp.h). Its buffers are memfds,
 * wrapped by udmabuf where the kernel has it. Like a device, the pattern drops a frame if no buffer
 * is queued or the reader is late, and its sequence numbers go on.
 *
 * One thread at a time, except for VIDIOC_ENUMINPUT.
 */
#ifndef GLINT_PATTERN_PATTERN_H
#define GLINT_PATTERN_PATTERN_H

#include <stdint.h>

struct glint_pattern;
struct glint_v4l2_access;

/* @rate_millihz is clamped to 1000..5000000; 0: 30 frames a second. NULL: no memory. */
struct glint_pattern *glint_pattern_create(uint32_t rate_millihz);

/* The device must be closed. NULL is fine. */
void glint_pattern_destroy(struct glint_pattern *pattern);

struct glint_v4l2_access *glint_pattern_access(struct glint_pattern *pattern);
#endif
