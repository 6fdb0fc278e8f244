/* SPDX-License-Identifier: MIT */
/* The process that listens on a unix socket, as a connection to the socket tells. */
#ifndef GLINT_NET_OCCUPANT_H
#define GLINT_NET_OCCUPANT_H

#include <stdbool.h>
#include <sys/types.h>

struct glint_occupant {
	pid_t pid;		/* 0: unknown */
	char command[16];	/* its short name, as ps shows it; "" when unknown */
};

/*
 * Look for a process behind the socket @entry, a descriptor made with O_PATH, so that no
 * link is followed. @path is where the socket lies, for hosts without /proc. Return 1 when
 * a process listens, 0 when none does, and -EACCES when the socket may not be connected to.
 * Wait up to half a second for a process that has just been killed; see the source.
 */
int glint_occupant_find(struct glint_occupant *occupant, int entry, const char *path);
#endif
