/* SPDX-License-Identifier: MIT */
/* Values as people read them. All write a string that ends within @size, and return it. */
#ifndef GLINT_TOOLS_TEXT_H
#define GLINT_TOOLS_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Control characters, those beyond ASCII included, become '?': a name must not steer a terminal. */
const char *tool_text_printable(char *text, size_t size, const char *from);

/* All that is not printable ASCII becomes '?'. */
const char *tool_text_ascii(char *text, size_t size, const char *from);

/* "312 B", "4.1 kB", "1.25 GB" */
const char *tool_text_bytes(char *text, size_t size, double bytes);

/* "12 s", "3 min 5 s", "7 h 12 min", "3 d 4 h" */
const char *tool_text_duration(char *text, size_t size, double seconds);

/* "0.02 ms", "8.1 ms", "1.23 s" out of nanoseconds */
const char *tool_text_age(char *text, size_t size, double ns);
#endif
