/* SPDX-License-Identifier: MIT */
/* One request on a connection of its own, and numbers in its reply. */
#ifndef GLINT_BENCH_REQUEST_H
#define GLINT_BENCH_REQUEST_H

#include <stdint.h>

#include "connection.h"

/* Wait for the whole reply, which is the caller's to connection_close(). */
void request_get(struct connection *reply, const char *address, const char *path);
void request_post(struct connection *reply, const char *address, const char *path);

/* The number behind @before and, later on, @member. 0: there is none. */
uint64_t request_number(const struct connection *reply, const char *before, const char *member);

/* A number of /state. */
uint64_t request_state(const char *address, const char *before, const char *member);
#endif
