/* SPDX-License-Identifier: MIT */
/* Start of all threads except the loop's. */
#ifndef GLINT_BASE_THREAD_H
#define GLINT_BASE_THREAD_H

#include <pthread.h>

/*
 * Start a thread that runs @main(@arg). The kernel keeps 15 bytes of @name. The thread blocks all
 * signals except those of its own faults; the guard thread receives the others. Errors: those of
 * pthread_create().
 */
int glint_thread_start(pthread_t *thread, const char *name, void *(*main)(void *), void *arg);

/* Initialise a condition whose timed waits use CLOCK_MONOTONIC, the clock of all deadlines. */
void glint_thread_cond_init(pthread_cond_t *cond);
#endif
