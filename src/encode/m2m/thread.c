/* SPDX-License-Identifier: MIT */
#include "encode/m2m/thread.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "core/loop.h"
#include "encode/m2m/mailbox.h"

/*
 * More than there can be: a command or event for each JPEG buffer and job, and one start,
 * stop and tune. All are counted by the loop, so a driver cannot add to them, however long a
 * call takes.
 */
#define QUEUE_MAX 64

enum command_kind {
	COMMAND_START,
	COMMAND_ENCODE,
	COMMAND_GIVE,
	COMMAND_TUNE,
	COMMAND_STOP,
	COMMAND_QUIT
};
enum event_kind { EVENT_STARTED, EVENT_ENDED, EVENT_TUNED, EVENT_STOPPED };

struct command {
	enum command_kind kind;
	const struct glint_m2m_setup *setup;
	void *cookie;
	const struct glint_dmabuf *buf;
	const struct glint_m2m_outputs *outputs;
	unsigned index;
};

struct event {
	enum event_kind kind;
	struct glint_m2m_ended ended;
	int err; /* of EVENT_TUNED */
	int32_t driver_quality;
};

struct glint_m2m_thread {
	struct glint_loop *loop;
	struct glint_m2m_listener *listener;
	struct glint_op event_op; /* poll of @event_fd */
	int command_fd, event_fd; /* eventfds: there are commands; there are events */
	bool abandoned;		  /* loop thread only */
	pthread_t thread;
	struct glint_m2m_negotiation negotiation; /* the thread's own, as is @session */
	struct glint_m2m_session session;

	pthread_mutex_t lock; /* for all below */
	pthread_cond_t changed;
	struct command commands[QUEUE_MAX];
	struct event events[QUEUE_MAX];
	unsigned first_command, n_commands, first_event, n_events;
	struct glint_m2m_started started; /* of the one EVENT_STARTED that may be under way */
	struct glint_m2m_mailbox mailbox;
	bool ended; /* the thread has ended */
};

/* --- On the encoder's thread --------------------------------------------------------- */

static void thread_post(struct glint_m2m_thread *thread, const struct event *event)
{
	bool first;

	pthread_mutex_lock(&thread->lock);
	assert(thread->n_events < QUEUE_MAX);
	first = thread->n_events == 0;
	thread->events[(thread->first_event + thread->n_events++) % QUEUE_MAX] = *event;
	pthread_cond_broadcast(&thread->changed);
	pthread_mutex_unlock(&thread->lock);
	/* @thread is valid: it is freed only after this thread was joined. */
	if (first)
		(void)eventfd_write(thread->event_fd, 1);
}

static void thread_on_ended(void *ctx, const struct glint_m2m_ended *ended)
{
	thread_post(ctx, &(struct event){ .kind = EVENT_ENDED, .ended = *ended });
}

static const struct glint_m2m_session_ops session_ops = { .ended = thread_on_ended };

/* False: the thread ends. */
static bool thread_run(struct glint_m2m_thread *thread, const struct command *command)
{
	struct glint_m2m_session *session = &thread->session;
	struct glint_m2m_started started;
	struct event event = { 0 };

	switch (command->kind) {
	case COMMAND_START:
		glint_m2m_session_start(session, command->setup, &started);
		pthread_mutex_lock(&thread->lock);
		thread->started = started;
		pthread_mutex_unlock(&thread->lock);
		thread_post(thread, &(struct event){ .kind = EVENT_STARTED });
		break;
	case COMMAND_ENCODE:
		glint_m2m_session_encode(session, command->cookie, command->index, command->buf);
		break;
	case COMMAND_GIVE:
		glint_m2m_session_give(session, command->outputs, command->index);
		break;
	case COMMAND_TUNE:
		event.kind = EVENT_TUNED;
		event.err = glint_m2m_session_tune(session, command->index, &event.driver_quality);
		thread_post(thread, &event);
		break;
	case COMMAND_STOP:
	case COMMAND_QUIT:
		glint_m2m_session_stop(session);
		thread_post(thread, &(struct event){ .kind = EVENT_STOPPED });
		break;
	}
	return command->kind != COMMAND_QUIT;
}

static bool thread_take(struct glint_m2m_thread *thread, struct command *command)
{
	bool any;

	pthread_mutex_lock(&thread->lock);
	any = thread->n_commands > 0;
	if (any) {
		*command = thread->commands[thread->first_command];
		thread->first_command = (thread->first_command + 1) % QUEUE_MAX;
		thread->n_commands--;
	}
	pthread_mutex_unlock(&thread->lock);
	return any;
}

/* Wait for the device, a command, or idle encoders, whichever comes first. */
static void thread_wait(struct glint_m2m_thread *thread)
{
	struct pollfd fds[2] = {
		{ .fd = thread->command_fd, .events = POLLIN },
		{ .fd = glint_m2m_session_fd(&thread->session), .events = POLLIN | POLLOUT },
	};
	eventfd_t ignored;

	if (poll(fds, 2, glint_m2m_negotiation_timeout(&thread->negotiation)) < 0)
		return;
	glint_m2m_negotiation_close_idle(&thread->negotiation);
	/* Reset the eventfd before reading the queue: a command in between sets it again. */
	if (fds[0].revents)
		(void)eventfd_read(thread->command_fd, &ignored);
	if (fds[1].revents)
		glint_m2m_session_ready(&thread->session, fds[1].revents & (POLLERR | POLLHUP));
}

static void *thread_main(void *arg)
{
	struct glint_m2m_thread *thread = arg;
	struct command command;
	bool running = true;

	while (running) {
		thread_wait(thread);
		glint_m2m_mailbox_answer(&thread->mailbox, &thread->negotiation);
		while (running && thread_take(thread, &command))
			running = thread_run(thread, &command);
	}
	glint_m2m_negotiation_fini(&thread->negotiation);
	pthread_mutex_lock(&thread->lock);
	thread->ended = true;
	pthread_cond_broadcast(&thread->changed);
	pthread_mutex_unlock(&thread->lock);
	return NULL;
}

/* --- On the loop's thread: events ------------------------------------------------------ */

static bool thread_take_event(struct glint_m2m_thread *thread, struct event *event,
			      struct glint_m2m_started *started)
{
	bool any;

	pthread_mutex_lock(&thread->lock);
	any = thread->n_events > 0;
	if (any) {
		*event = thread->events[thread->first_event];
		*started = thread->started;
		thread->first_event = (thread->first_event + 1) % QUEUE_MAX;
		thread->n_events--;
	}
	pthread_mutex_unlock(&thread->lock);
	return any;
}

void glint_m2m_thread_deliver(struct glint_m2m_thread *thread)
{
	struct glint_m2m_listener *listener = thread->listener;
	struct glint_m2m_started started;
	struct event event;

	while (thread_take_event(thread, &event, &started)) {
		if (event.kind == EVENT_STARTED)
			listener->started(listener, &started);
		else if (event.kind == EVENT_ENDED)
			listener->ended(listener, &event.ended);
		else if (event.kind == EVENT_TUNED)
			listener->tuned(listener, event.err, event.driver_quality);
		else
			listener->stopped(listener);
	}
}

static void thread_free(struct glint_m2m_thread *thread)
{
	pthread_cond_destroy(&thread->changed);
	pthread_mutex_destroy(&thread->lock);
	glint_close(&thread->command_fd);
	glint_close(&thread->event_fd);
	free(thread);
}

static void thread_on_event(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_m2m_thread *thread = container_of(op, struct glint_m2m_thread, event_op);
	eventfd_t ignored;

	(void)flags;
	if (res >= 0) {
		(void)eventfd_read(thread->event_fd, &ignored);
		glint_m2m_thread_deliver(thread);
	} else if (res == -ENOMEM) {
		glint_loop_poll(thread->loop, op, thread->event_fd, POLLIN);
	} else if (!thread->abandoned) {
		assert(thread->ended); /* else the loop was destroyed before its encoder */
		thread_free(thread);
	}
}

/* --- On the loop's thread: commands ------------------------------------------------------ */

static void thread_order(struct glint_m2m_thread *thread, const struct command *command)
{
	pthread_mutex_lock(&thread->lock);
	assert(thread->n_commands < QUEUE_MAX);
	thread->commands[(thread->first_command + thread->n_commands++) % QUEUE_MAX] = *command;
	pthread_mutex_unlock(&thread->lock);
	(void)eventfd_write(thread->command_fd, 1);
}

void glint_m2m_thread_start(struct glint_m2m_thread *thread, const struct glint_m2m_setup *setup)
{
	thread_order(thread, &(struct command){ .kind = COMMAND_START, .setup = setup });
}

void glint_m2m_thread_encode(struct glint_m2m_thread *thread, void *cookie, unsigned slot,
			     const struct glint_dmabuf *buf)
{
	thread_order(thread,
		     &(struct command){
			     .kind = COMMAND_ENCODE, .cookie = cookie, .index = slot, .buf = buf });
}

void glint_m2m_thread_give(struct glint_m2m_thread *thread, const struct glint_m2m_outputs *outputs,
			   unsigned index)
{
	thread_order(thread,
		     &(struct command){ .kind = COMMAND_GIVE, .outputs = outputs, .index = index });
}

void glint_m2m_thread_tune(struct glint_m2m_thread *thread, unsigned quality)
{
	thread_order(thread, &(struct command){ .kind = COMMAND_TUNE, .index = quality });
}

void glint_m2m_thread_stop(struct glint_m2m_thread *thread)
{
	thread_order(thread, &(struct command){ .kind = COMMAND_STOP });
}

/* --- Requests, on any other thread ---------------------------------------------------------- */

static int thread_request(struct glint_m2m_thread *thread, struct glint_m2m_request *request,
			  uint64_t deadline_ns)
{
	int err = glint_m2m_mailbox_post(&thread->mailbox, request);

	if (err < 0)
		return err;
	(void)eventfd_write(thread->command_fd, 1);
	return glint_m2m_mailbox_wait(&thread->mailbox, request, deadline_ns);
}

void glint_m2m_thread_close_mailbox(struct glint_m2m_thread *thread)
{
	glint_m2m_mailbox_close(&thread->mailbox);
}

int glint_m2m_thread_formats(struct glint_m2m_thread *thread, uint32_t width, uint32_t height,
			     uint32_t fourccs[static GLINT_CODEC_FORMATS_MAX], uint64_t deadline_ns)
{
	struct glint_m2m_request request = {
		.kind = GLINT_M2M_REQUEST_FORMATS,
		.format = { .width = width, .height = height },
	};
	int err = thread_request(thread, &request, deadline_ns);

	if (err < 0)
		return err;
	memcpy(fourccs, request.fourccs, sizeof(request.fourccs));
	return (int)request.n_fourccs;
}

int glint_m2m_thread_find(struct glint_m2m_thread *thread, const struct glint_format *format,
			  struct glint_m2m_found *found, uint64_t deadline_ns)
{
	struct glint_m2m_request request = { .kind = GLINT_M2M_REQUEST_FIND, .format = *format };
	int err = thread_request(thread, &request, deadline_ns);

	*found = request.found;
	return err;
}

/* Duplicate the descriptors, because the requester may close its own while the thread is stuck. */
static int duplicate(struct glint_dmabuf *to, const struct glint_dmabuf *from)
{
	glint_dmabuf_init(to);
	to->memory = from->memory;
	for (unsigned i = 0; i < from->n_planes; i++) {
		to->planes[i].size = from->planes[i].size;
		to->planes[i].fd = fcntl(from->planes[i].fd, F_DUPFD_CLOEXEC, 0);
		if (to->planes[i].fd < 0) {
			glint_dmabuf_fini(to);
			return -EMFILE;
		}
		to->n_planes = i + 1;
	}
	return 0;
}

int glint_m2m_thread_reads(struct glint_m2m_thread *thread, const struct glint_format *format,
			   const struct glint_dmabuf *buf, uint64_t deadline_ns)
{
	struct glint_m2m_request request = { .kind = GLINT_M2M_REQUEST_READS, .format = *format };
	int err = duplicate(&request.bufs[0], buf);

	if (err < 0)
		return err;
	err = thread_request(thread, &request, deadline_ns);
	if (err != -ETIMEDOUT) /* else the thread closes them */
		glint_dmabuf_fini(&request.bufs[0]);
	return err < 0 ? err : request.err;
}

int glint_m2m_thread_lend(struct glint_m2m_thread *thread, const struct glint_format *format,
			  unsigned n, struct glint_dmabuf *bufs, uint64_t deadline_ns)
{
	struct glint_m2m_request request = { .kind = GLINT_M2M_REQUEST_LEND,
					     .format = *format,
					     .n = n };
	int err;

	assert(n <= GLINT_VQUEUE_BUFFERS_MAX);

	err = thread_request(thread, &request, deadline_ns);
	if (err == 0)
		err = request.err;
	if (err == 0)
		memcpy(bufs, request.bufs, n * sizeof(bufs[0]));
	return err;
}

/* --- Life ------------------------------------------------------------------------------------ */

int glint_m2m_thread_create(struct glint_m2m_thread **out, struct glint_loop *loop,
			    struct glint_v4l2_access *access, const char *device,
			    struct glint_m2m_listener *listener)
{
	struct glint_m2m_thread *thread = calloc(1, sizeof(*thread));
	int err;

	if (!thread)
		return -ENOMEM;
	thread->loop = loop;
	thread->listener = listener;
	glint_m2m_negotiation_init(&thread->negotiation, access, device);
	glint_m2m_session_init(&thread->session, &thread->negotiation, &session_ops, thread);
	thread->mailbox.lock = &thread->lock;
	thread->mailbox.changed = &thread->changed;
	thread->event_op.done = thread_on_event;
	pthread_mutex_init(&thread->lock, NULL);
	glint_thread_cond_init(&thread->changed);
	thread->command_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	thread->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = -EMFILE;
	if (thread->command_fd >= 0 && thread->event_fd >= 0)
		err = glint_thread_start(&thread->thread, "m2m", thread_main, thread);
	if (err < 0) {
		thread_free(thread);
		return err;
	}
	glint_loop_poll(loop, &thread->event_op, thread->event_fd, POLLIN);
	*out = thread;
	return 0;
}

/* Wait for an event or the thread's end. Return false if @deadline_ns comes first. */
static bool thread_wait_event(struct glint_m2m_thread *thread, uint64_t deadline_ns, bool *ended)
{
	struct timespec deadline = glint_timespec(deadline_ns);
	int err = 0;

	pthread_mutex_lock(&thread->lock);
	while (thread->n_events == 0 && !thread->ended && err != ETIMEDOUT)
		err = pthread_cond_timedwait(&thread->changed, &thread->lock, &deadline);
	*ended = thread->ended && thread->n_events == 0;
	err = thread->n_events == 0 && !thread->ended ? ETIMEDOUT : 0;
	pthread_mutex_unlock(&thread->lock);
	return err != ETIMEDOUT;
}

bool glint_m2m_thread_destroy(struct glint_m2m_thread *thread, uint64_t deadline_ns)
{
	bool clean = true, ended = false;

	if (!thread)
		return true;
	thread_order(thread, &(struct command){ .kind = COMMAND_QUIT });
	while (clean && !ended) {
		clean = thread_wait_event(thread, deadline_ns, &ended);
		glint_m2m_thread_deliver(thread);
	}
	thread->abandoned = !clean;
	if (clean)
		pthread_join(thread->thread, NULL);
	else
		pthread_detach(thread->thread);
	glint_loop_cancel(thread->loop, &thread->event_op);
	return clean;
}
