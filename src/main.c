/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/descriptors.h"
#include "base/log.h"
#include "base/thread.h"
#include "options.h"
#include "schedule.h"
#include "service.h"

#define LARGE_BLOCK (128 << 10)
#define GRACE_NS (700 * GLINT_NSEC_PER_MSEC)	/* from the signal until the guard takes over */
#define LOG_NS   (200 * GLINT_NSEC_PER_MSEC)	/* for the last lines, if stderr's reader is slow */

static const struct glint_log_topic topic = { "main" };

/*
 * A thread of its own takes the signals, so that a main thread that is stuck in a
 * name server or a file system cannot keep the service alive: it asks the loop to
 * stop, and if that is not done in time it removes the socket and ends the process
 * itself. A thread that the kernel does not let go, such as one in a driver that
 * waits for its device, stays, and the process with it, until the kernel does.
 */
struct guard {
	pthread_t thread;
	sigset_t signals;
	int stop_fd;				/* eventfd: asks the loop to stop */
	pthread_mutex_t lock;			/* for all below */
	pthread_cond_t changed;
	const struct glint_service *service;	/* NULL before it is built, and when it is taken down */
	bool finished;
};

/* --- The guard's thread ------------------------------------------------------------------- */

static void guard_unlink(const struct guard *guard)
{
	if (guard->service)
		glint_service_unlink(guard->service);
}

static void guard_end_process(const struct guard *guard)
{
	guard_unlink(guard);
	glint_log_stop(glint_now_ns() + LOG_NS);
	_exit(EXIT_SUCCESS);
}

/* The signal's own action, which is a core dump, but without a socket that nobody serves. */
static void guard_dump_core(struct guard *guard, int sig)
{
	sigset_t set;

	pthread_mutex_lock(&guard->lock);
	guard_unlink(guard);
	glint_log_flush(glint_now_ns() + LOG_NS);
	sigemptyset(&set);
	sigaddset(&set, sig);
	signal(sig, SIG_DFL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	raise(sig);
}

static void *guard_run(void *arg)
{
	struct guard *guard = arg;
	struct timespec deadline;
	int sig, err = 0;

	while (sigwait(&guard->signals, &sig) != 0)
		;
	if (sig == SIGQUIT || sig == SIGXCPU)
		guard_dump_core(guard, sig);
	eventfd_write(guard->stop_fd, 1);
	deadline = glint_timespec(glint_now_ns() + GRACE_NS);
	pthread_mutex_lock(&guard->lock);
	while (!guard->finished && err == 0)
		err = pthread_cond_timedwait(&guard->changed, &guard->lock, &deadline);
	if (!guard->finished)
		guard_end_process(guard);
	pthread_mutex_unlock(&guard->lock);
	return NULL;
}

/* --- The main thread ----------------------------------------------------------------------- */

/* From here on none of these ends the process before its socket is removed. */
static void guard_block_signals(struct guard *guard)
{
	struct sigaction hangup;

	sigemptyset(&guard->signals);
	sigaddset(&guard->signals, SIGTERM);
	sigaddset(&guard->signals, SIGINT);
	sigaddset(&guard->signals, SIGQUIT);
	sigaddset(&guard->signals, SIGXCPU);
	/* nohup(1) ignores it; sigwait() would take it all the same. */
	if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
		sigaddset(&guard->signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &guard->signals, NULL);
}

static int guard_start(struct guard *guard)
{
	int err;

	pthread_mutex_init(&guard->lock, NULL);
	glint_thread_cond_init(&guard->changed);
	guard->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (guard->stop_fd < 0)
		return glint_log_err(&topic, -errno, "cannot start");
	err = glint_thread_start(&guard->thread, "guard", guard_run, guard);
	if (err < 0)
		return glint_log_err(&topic, err, "cannot start the signal thread");
	return 0;
}

static void guard_watch(struct guard *guard, const struct glint_service *service)
{
	pthread_mutex_lock(&guard->lock);
	guard->service = service;
	pthread_mutex_unlock(&guard->lock);
}

/* Ends the thread whether or not a signal has come. */
static void guard_finish(struct guard *guard)
{
	pthread_mutex_lock(&guard->lock);
	guard->finished = true;
	pthread_cond_signal(&guard->changed);
	pthread_mutex_unlock(&guard->lock);
	pthread_kill(guard->thread, SIGINT);
	pthread_join(guard->thread, NULL);
	close(guard->stop_fd);
	pthread_cond_destroy(&guard->changed);
	pthread_mutex_destroy(&guard->lock);
}

/* One that has a handler already, such as a profiler's, keeps it. */
static void set_default_action(int sig, void (*handler)(int), int flags)
{
	const struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	struct sigaction before;

	if (sigaction(sig, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
		sigaction(sig, &action, NULL);
}

/* These would end the process, and mean nothing to it. */
static void ignore_signals(void)
{
	static const int signals[] = { SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM,
				       SIGPROF, SIGIO,	 SIGPWR,  SIGXFSZ };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		set_default_action(signals[i], SIG_IGN, 0);
	for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
		set_default_action(sig, SIG_IGN, 0);
}

/* The signal is blocked in its handler: its own action follows when the handler returns. */
static void on_fault(int sig)
{
	glint_log_flush(glint_now_ns() + LOG_NS);
	raise(sig);
}

/* The lines before a crash are those that matter. */
static void flush_log_on_faults(void)
{
	static const int signals[] = { SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGTRAP };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		set_default_action(signals[i], on_fault, SA_RESETHAND);
}

/*
 * What assert() calls, in place of libc's, which writes to stderr itself: it would
 * wait for the reader of stderr before it aborts, if it must for ever.
 */
void __assert_fail(const char *assertion, const char *file, unsigned int line, const char *function)
{
	glint_log_error(&topic, "%s:%u: %s: assertion '%s' failed", file, line, function,
			assertion);
	abort();
}

static void follow_parent(const struct glint_settings *settings)
{
	pid_t parent = getppid();

	if (!settings->exit_on_parent_death)
		return;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)	/* it died before we asked to be told */
		kill(getpid(), SIGTERM);	/* for any thread, as raise() is not */
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
	guard_watch(guard, service);
	code = glint_service_run(service, guard->stop_fd);
	guard_watch(guard, NULL);
	if (!glint_service_destroy(service)) {
		glint_log_warn(&topic, "a call into the kernel does not return: the "
				       "process is gone when the kernel ends the call");
		glint_log_stop(glint_now_ns() + LOG_NS);
		_exit(code);
	}
	return code;
}

/* A superuser's service hands all that it can read to its clients, with all its faults. */
static void warn_as_root(void)
{
	if (geteuid() == 0)
		glint_log_warn(&topic, "running as root: a user in the group video will do");
}

/* The lines of options without effect, "glintd: " before each. */
static void log_notes(char *notes)
{
	char *line;

	while ((line = strsep(&notes, "\n")))
		if (*line)
			glint_log_warn(&topic, "%s", line + strlen("glintd: "));
}

static int run(struct guard *guard, const struct glint_settings *settings, char *notes)
{
	int code = EXIT_FAILURE, err;

	take_name(settings);
	if (glint_schedule(&settings->cpus, settings->realtime) < 0)
		return EXIT_FAILURE;
	guard_block_signals(guard);
	follow_parent(settings);
	err = glint_log_start();
	if (err < 0)
		glint_log_err(&topic, err, "cannot start the log's thread");
	else if (guard_start(guard) == 0) {
		warn_as_root();
		log_notes(notes);
		code = serve(guard, settings);
		guard_finish(guard);
	}
	glint_log_stop(glint_now_ns() + LOG_NS);
	return code;
}

static void print_errors(char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")))
		if (*line)
			fprintf(stderr, "%s%s\n", glint_log_priority(GLINT_LOG_ERROR), line);
}

/*
 * A picture's memory goes back to the kernel when it is freed. By itself the C library would
 * keep it: each large block that is freed raises the size from which blocks are mapped.
 */
static void keep_no_large_blocks(void)
{
#ifdef M_MMAP_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
#endif
}

int main(int argc, char **argv)
{
	struct guard guard = { .stop_fd = -1 };
	struct glint_options_output output = { 0 };
	struct glint_settings settings;
	enum glint_options_outcome outcome;
	int code = EXIT_SUCCESS;

	glint_descriptors_hold();
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	ignore_signals();
	flush_log_on_faults();
	keep_no_large_blocks();
	outcome = glint_options_parse(&settings, argc, argv, &output);
	glint_log_setup((enum glint_log_level)(GLINT_LOG_INFO + settings.log_level),
			settings.log_color);
	if (output.out)
		fputs(output.out, stdout);
	free(output.out);
	if (outcome == GLINT_OPTIONS_RUN)
		code = run(&guard, &settings, output.err);
	else
		print_errors(output.err);
	if (outcome == GLINT_OPTIONS_EXIT_ERROR)
		code = EXIT_FAILURE;
	free(output.err);
	glint_options_fini(&settings);
	return code;
}
