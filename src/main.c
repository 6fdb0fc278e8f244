/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/descriptors.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/thread.h"
#include "options/options.h"
#include "service.h"

#define LARGE_BLOCK (128 << 10)
#define GRACE_NS    (700 * GLINT_NSEC_PER_MSEC) /* from the signal until the guard takes over */
#define LOG_NS	    (200 * GLINT_NSEC_PER_MSEC) /* for the last log lines, if stderr's reader is slow */

static const struct glint_log_topic topic = { "main" };

/*
 * The guard thread receives the signals, so that the service ends even while the main thread
 * hangs in a name lookup or a file system. The guard asks the loop to stop. If the loop does
 * not stop in time, the guard removes the socket and ends the process. A thread in an
 * uninterruptible call, such as one into a driver that waits for its device, keeps the process
 * until the call returns.
 */
struct guard {
	pthread_t thread;
	sigset_t signals;
	int stop_fd;	      /* eventfd: asks the loop to stop */
	pthread_mutex_t lock; /* for all below */
	pthread_cond_t changed;
	const struct glint_service *service; /* NULL before create() and during destroy() */
	bool finished;
};

/* --- The guard's thread ------------------------------------------------------------------- */

static void guard_unlink(const struct guard *guard)
{
	if (guard->service)
		glint_service_unlink(guard->service);
}

/* Remove the socket, then let the signal's default action dump core. */
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

/* SIGUSR1 triggers a recording. */
static void guard_pass_on(struct guard *guard)
{
	pthread_mutex_lock(&guard->lock);
	if (guard->service)
		glint_service_signal(guard->service);
	pthread_mutex_unlock(&guard->lock);
}

static void *guard_run(void *arg)
{
	struct guard *guard = arg;
	struct timespec deadline;
	int sig, err = 0;

	for (;;) {
		while (sigwait(&guard->signals, &sig) != 0)
			;
		if (sig != SIGUSR1)
			break;
		guard_pass_on(guard);
	}
	if (sig == SIGQUIT || sig == SIGXCPU)
		guard_dump_core(guard, sig);
	eventfd_write(guard->stop_fd, 1);
	deadline = glint_timespec(glint_now_ns() + GRACE_NS);
	pthread_mutex_lock(&guard->lock);
	while (!guard->finished && err == 0)
		err = pthread_cond_timedwait(&guard->changed, &guard->lock, &deadline);
	if (!guard->finished) {
		guard_unlink(guard);
		glint_log_stop(glint_now_ns() + LOG_NS);
		_exit(EXIT_SUCCESS);
	}
	pthread_mutex_unlock(&guard->lock);
	return NULL;
}

/* --- The main thread ----------------------------------------------------------------------- */

/* Block the guard's signals: none of them ends the process before its socket is removed. */
static void guard_block_signals(struct guard *guard)
{
	struct sigaction hangup;

	sigemptyset(&guard->signals);
	sigaddset(&guard->signals, SIGTERM);
	sigaddset(&guard->signals, SIGINT);
	sigaddset(&guard->signals, SIGQUIT);
	sigaddset(&guard->signals, SIGXCPU);
	sigaddset(&guard->signals, SIGUSR1);
	/* nohup(1) ignores SIGHUP; sigwait() would receive it nevertheless. */
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

/* End the thread, which may still wait for a signal. */
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

/* Set @handler unless the signal has a handler already, such as a profiler's. */
static void set_default_action(int sig, void (*handler)(int), int flags)
{
	const struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	struct sigaction before;

	if (sigaction(sig, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
		sigaction(sig, &action, NULL);
}

/* Ignore the signals that have no meaning here and would end the process. */
static void ignore_signals(void)
{
	static const int signals[] = { SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM,
				       SIGPROF, SIGIO,	 SIGPWR,  SIGXFSZ };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		set_default_action(signals[i], SIG_IGN, 0);
	for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
		set_default_action(sig, SIG_IGN, 0);
}

/* The signal is blocked while its handler runs: the default action follows after the return. */
static void on_fault(int sig)
{
	glint_log_flush(glint_now_ns() + LOG_NS);
	raise(sig);
}

/* Write the queued log lines before a crash. */
static void flush_log_on_faults(void)
{
	static const int signals[] = { SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGTRAP };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		set_default_action(signals[i], on_fault, SA_RESETHAND);
}

/*
 * Replace libc's function behind assert(). That function writes to stderr itself, so it may wait
 * for ever for the reader of stderr before it aborts.
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
	if (getppid() != parent)	 /* the parent ended before prctl() */
		kill(getpid(), SIGTERM); /* to the process; raise() signals this thread only */
}

static void take_name(const struct glint_settings *settings)
{
	char name[16]; /* TASK_COMM_LEN */

	if (!settings->process_name_prefix)
		return;
	snprintf(name, sizeof(name), "%s: glintd", settings->process_name_prefix);
	prctl(PR_SET_NAME, name);
}

/* Set the processors and the priority of this thread and of all threads that it starts later. */
static int schedule(const cpu_set_t *cpus, unsigned priority)
{
	const struct sched_param param = { .sched_priority = (int)priority };

	if (CPU_COUNT(cpus) > 0 && sched_setaffinity(0, sizeof(*cpus), cpus) < 0)
		return glint_log_err(&topic, -errno,
				     "--cpus: none of these processors may be used here");
	if (priority > 0 && sched_setscheduler(0, SCHED_FIFO, &param) < 0)
		return glint_log_err(&topic, -errno,
				     "--realtime %u: needs CAP_SYS_NICE, or a limit of that much "
				     "(ulimit -r, LimitRTPRIO=)",
				     priority);
	return 0;
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

/* Log the notes about options: one per line, each begins with "glintd: ". */
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
	if (schedule(&settings->cpus, settings->realtime) < 0)
		return EXIT_FAILURE;
	guard_block_signals(guard);
	follow_parent(settings);
	err = glint_log_start();
	if (err < 0)
		glint_log_err(&topic, err, "cannot start the log's thread");
	else if (guard_start(guard) == 0) {
		/* A fault in a service of root opens the whole machine to its clients. */
		if (geteuid() == 0)
			glint_log_warn(&topic,
				       "running as root: a user in the group video will do");
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
 * Make free() return a picture's memory to the kernel. By default glibc keeps the memory: each
 * large block that is freed raises the size from which blocks are mapped.
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
