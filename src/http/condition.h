/* SPDX-License-Identifier: MIT */
/* Parameters of conditions that /wait and /record share. Pure. */
#ifndef GLINT_HTTP_CONDITION_H
#define GLINT_HTTP_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

/* A picture to match as the body of a request: its media types, and its size. */
extern const char *const glint_reference_types[];
#define GLINT_REFERENCE_MAX (8u << 20)

/* "X+Y" with numbers from 0. In a query a plain '+' has become a space. */
bool glint_read_point(const char *text, uint32_t *x, uint32_t *y);

/* 32 hexadecimal digits, as /hash tells them. */
bool glint_read_hash(const char *text, uint64_t hash[2]);
#endif
