/* SPDX-License-Identifier: MIT */
/* Find the process that listens on a unix socket, by a connection to the socket. */
#ifndef GLINT_SOCK_OCCUPANT_H
#define GLINT_SOCK_OCCUPANT_H

#include <stdbool.h>
#include <sys/types.h>

struct glint_occupant {
	pid_t pid;	  /* 0: unknown */
	char command[16]; /* short name, as ps shows it; "": unknown */
};

/*
 * Look for a process that listens on the socket @entry, a descriptor opened with O_PATH, so that no
 * link is followed. @path: the socket's path, for hosts without /proc. Returns 1 if a process
 * listens, 0 if none does, -EACCES if this user may not connect. Waits up to half a second for the
 * end of a process that has just been killed; see occupant.c.
 */
int glint_occupant_find(struct glint_occupant *occupant, int entry, const char *path);
#endif
