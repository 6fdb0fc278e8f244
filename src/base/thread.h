/* SPDX-License-Identifier: MIT */
/* What all threads beside the loop's have in common. */
#ifndef GLINT_BASE_THREAD_H
#define GLINT_BASE_THREAD_H

#include <pthread.h>

/*
 * Starts @main(@arg) as a thread called @name (of which the kernel keeps 15 bytes) that takes no
 * signals but its own faults: they are the guard's. -EAGAIN, ...
 */
int glint_thread_start(pthread_t *thread, const char *name, void *(*main)(void *), void *arg);

/* A condition whose timed waits go by CLOCK_MONOTONIC, the clock of all our deadlines. */
void glint_thread_cond_init(pthread_cond_t *cond);
#endif
