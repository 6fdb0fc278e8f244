/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "options.h"
#include "schedule.h"
#include "service.h"

#define GRACE_NS (700 * GLINT_NSEC_PER_MSEC)	/* from the signal to the end, whatever happens */

static const struct glint_log_topic topic = { "main" };

/*
 * A thread of its own takes the signals, so that a main thread that is stuck in
 * a driver or a name server cannot keep the process alive: it asks the loop to
 * stop, and if that is not done in time it removes the socket and ends the
 * process itself.
 */
struct guard {
	pthread_t thread;
	sigset_t signals;
	int stop_fd;				/* eventfd: asks the loop to stop */
	sem_t finished;
	_Atomic(struct glint_service *) service;/* NULL before it is built */
};

static struct timespec in_ns(uint64_t ns)
{
	uint64_t at = glint_clock_ns(CLOCK_REALTIME) + ns;	/* sem_timedwait()'s clock */

	return (struct timespec){ .tv_sec = (time_t)(at / GLINT_NSEC_PER_SEC),
				  .tv_nsec = (long)(at % GLINT_NSEC_PER_SEC) };
}

static void guard_end_process(struct guard *guard)
{
	const struct glint_service *service = atomic_load(&guard->service);

	if (service)
		glint_service_unlink(service);
	_exit(EXIT_SUCCESS);
}

static void *guard_run(void *arg)
{
	struct guard *guard = arg;
	struct timespec deadline;
	int sig;

	while (sigwait(&guard->signals, &sig) != 0)
		;
	eventfd_write(guard->stop_fd, 1);
	deadline = in_ns(GRACE_NS);
	while (sem_timedwait(&guard->finished, &deadline) < 0)
		if (errno == ETIMEDOUT)
			guard_end_process(guard);
	return NULL;
}

/* To be called first: from here on no signal ends the process before its socket is removed. */
static void guard_block_signals(struct guard *guard)
{
	sigemptyset(&guard->signals);
	sigaddset(&guard->signals, SIGTERM);
	sigaddset(&guard->signals, SIGINT);
	sigaddset(&guard->signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &guard->signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int guard_start(struct guard *guard)
{
	int err;

	sem_init(&guard->finished, 0, 0);
	guard->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (guard->stop_fd < 0)
		return glint_log_err(&topic, -errno, "cannot start");
	err = pthread_create(&guard->thread, NULL, guard_run, guard);
	if (err)
		return glint_log_err(&topic, -err, "cannot start the signal thread");
	return 0;
}

/* Ends the thread whether or not a signal has come. */
static void guard_finish(struct guard *guard)
{
	sem_post(&guard->finished);
	pthread_kill(guard->thread, SIGINT);
	pthread_join(guard->thread, NULL);
	close(guard->stop_fd);
	sem_destroy(&guard->finished);
}

static void follow_parent(const struct glint_settings *settings)
{
	pid_t parent = getppid();

	if (!settings->exit_on_parent_death)
		return;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)	/* it died before we asked to be told */
		raise(SIGTERM);
}

static void take_name(const struct glint_settings *settings)
{
	char name[16];	/* TASK_COMM_LEN */

	if (!settings->process_name_prefix)
		return;
	snprintf(name, sizeof(name), "%s: glintd", settings->process_name_prefix);
	prctl(PR_SET_NAME, name);
}

static int serve(struct guard *guard, const struct glint_settings *settings)
{
	struct glint_service *service;
	int code;

	if (glint_service_create(&service, settings) < 0)
		return EXIT_FAILURE;
	atomic_store(&guard->service, service);
	code = glint_service_run(service, guard->stop_fd);
	atomic_store(&guard->service, NULL);
	if (!glint_service_destroy(service)) {
		glint_log_warn(&topic,
			       "a call into the device's driver does not return: left behind");
		_exit(code);
	}
	return code;
}

static int run(struct guard *guard, const struct glint_settings *settings)
{
	int code;

	glint_log_setup((enum glint_log_level)(GLINT_LOG_INFO + settings->log_level),
			settings->log_color);
	take_name(settings);
	follow_parent(settings);
	if (glint_schedule(&settings->cpus, settings->realtime) < 0)
		return EXIT_FAILURE;
	if (guard_start(guard) < 0)
		return EXIT_FAILURE;
	code = serve(guard, settings);
	guard_finish(guard);
	return code;
}

static void print_and_free(FILE *stream, char *text)
{
	if (text)
		fputs(text, stream);
	free(text);
}

int main(int argc, char **argv)
{
	struct guard guard = { .stop_fd = -1 };
	struct glint_options_output output = { 0 };
	struct glint_settings settings;
	enum glint_options_outcome outcome;
	int code = EXIT_SUCCESS;

	guard_block_signals(&guard);
	outcome = glint_options_parse(&settings, argc, argv, &output);
	print_and_free(stdout, output.out);
	print_and_free(stderr, output.err);
	if (outcome == GLINT_OPTIONS_EXIT_ERROR)
		code = EXIT_FAILURE;
	else if (outcome == GLINT_OPTIONS_RUN)
		code = run(&guard, &settings);
	glint_options_fini(&settings);
	return code;
}
