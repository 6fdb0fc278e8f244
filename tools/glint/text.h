/* SPDX-License-Identifier: MIT */
/* Formats values for people. Functions write at most @size bytes, and return the string. */
#ifndef GLINT_TOOLS_TEXT_H
#define GLINT_TOOLS_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Replace control characters, also beyond ASCII, with '?': a name must not control a terminal. */
const char *tool_text_printable(char *text, size_t size, const char *from);

/* Replace all but printable ASCII with '?'. */
const char *tool_text_ascii(char *text, size_t size, const char *from);

/* "312 B", "4.1 kB", "1.25 GB" */
const char *tool_text_bytes(char *text, size_t size, double bytes);

/*
 * Write @text with line breaks between its words, so that no line but that of a long word has more
 * than @columns. Lines after the first are indented by @indent. 0 @columns: one line.
 */
void tool_text_wrap(FILE *out, const char *text, unsigned columns, unsigned indent);

/* "12 s", "3 min 5 s", "7 h 12 min", "3 d 4 h" */
const char *tool_text_duration(char *text, size_t size, double seconds);

/* "0.02 ms", "8.1 ms", "1.23 s" out of nanoseconds */
const char *tool_text_age(char *text, size_t size, double ns);
#endif
