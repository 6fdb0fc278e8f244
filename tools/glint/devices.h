/* SPDX-License-Identifier: MIT */
/* The words for a node, the same in the text and in JSON. */
#ifndef GLINT_TOOLS_DEVICES_H
#define GLINT_TOOLS_DEVICES_H

#include <stdint.h>

struct probe_node;

/* "capture", "m2m jpeg encoder", or why it is neither. */
const char *devices_verdict(const struct probe_node *node);

/* The four letters of a pixel format, printable; returns @text. */
const char *devices_fourcc(uint32_t fourcc, char text[5]);

/* An object without the end of its line. */
void devices_put_json(const struct probe_node *node);
#endif
