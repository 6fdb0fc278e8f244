/* SPDX-License-Identifier: MIT */
#include "base/thread.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/macros.h"

#define NAME_MAX_BYTES 16 /* the kernel's, with the NUL */

/* Signals of a thread's own faults. If one is blocked, the kernel ends the process, no handler runs. */
static const int faults[] = { SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGTRAP };

int glint_thread_start(pthread_t *thread, const char *name, void *(*main)(void *), void *arg)
{
	char short_name[NAME_MAX_BYTES];
	sigset_t blocked, before;
	int err;

	sigfillset(&blocked);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		sigdelset(&blocked, faults[i]);
	pthread_sigmask(SIG_SETMASK, &blocked, &before); /* the new thread inherits the mask */
	err = pthread_create(thread, NULL, main, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return -err;
	snprintf(short_name, sizeof(short_name), "%s", name);
	(void)pthread_setname_np(*thread, short_name);
	return 0;
}

void glint_thread_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}
