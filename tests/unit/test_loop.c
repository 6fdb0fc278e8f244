/* SPDX-License-Identifier: MIT */
/*
 * Operations, cancels and the end of the loop, with either backend (GLINT_TEST_LOOP,
 * glint_test_loop()).
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "loop_rig.h"

static int event_open(unsigned count)
{
	int fd = eventfd(count, EFD_CLOEXEC | EFD_NONBLOCK);

	CU_ASSERT_FATAL(fd >= 0);
	return fd;
}

static void socket_pair(int fds[2])
{
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

static void pair_close(int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

/* --- Poll ------------------------------------------------------------------------- */

static void test_a_poll_reports_each_event(void)
{
	struct probe probe = PROBE;
	int fd = event_open(1);
	struct glint_loop *loop;
	eventfd_t value;

	RIG_LOOP(loop);
	glint_loop_poll(loop, &probe.op, fd, POLLIN);
	CU_ASSERT_EQUAL(probe.calls, 0);
	RIG_RUN_UNTIL(loop, probe.calls == 1);
	CU_ASSERT_EQUAL(probe.res, POLLIN);

	for (unsigned calls = 2; calls < 100; calls++) {
		eventfd_read(fd, &value);
		eventfd_write(fd, 1);
		RIG_RUN_UNTIL(loop, probe.calls == calls);
	}
	CU_ASSERT_EQUAL(probe.ends, 0);

	glint_loop_cancel(loop, &probe.op);
	RIG_RUN_UNTIL(loop, probe.ends == 1);
	CU_ASSERT_EQUAL(probe.res, -ECANCELED);
	close(fd);
	glint_loop_destroy(loop);
}

static void test_a_hangup_is_reported_once_without_being_requested(void)
{
	struct probe probe = PROBE;
	struct glint_loop *loop;
	unsigned calls;
	int fds[2];

	RIG_LOOP(loop);
	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	glint_loop_poll(loop, &probe.op, fds[0], POLLIN);
	rig_settle(loop);
	CU_ASSERT_EQUAL(probe.calls, 0);
	close(fds[1]);
	RIG_RUN_UNTIL(loop, probe.calls > 0);
	CU_ASSERT_EQUAL(probe.res, POLLHUP);
	calls = probe.calls;
	rig_settle(loop);
	CU_ASSERT_EQUAL(probe.calls, calls);
	CU_ASSERT_EQUAL(probe.ends, 0);
	glint_loop_destroy(loop);
	close(fds[0]);
}

static void test_several_polls_of_one_descriptor_all_complete(void)
{
	struct probe in = PROBE, out = PROBE, both = PROBE;
	struct glint_loop *loop;
	int fds[2];

	RIG_LOOP(loop);
	socket_pair(fds);
	glint_loop_poll(loop, &in.op, fds[0], POLLIN);
	glint_loop_poll(loop, &out.op, fds[0], POLLOUT);
	RIG_RUN_UNTIL(loop, out.calls > 0);
	CU_ASSERT_EQUAL(out.res, POLLOUT);
	CU_ASSERT_EQUAL(in.calls, 0);

	glint_loop_poll(loop, &both.op, fds[0], POLLIN | POLLOUT);
	CU_ASSERT_EQUAL(write(fds[1], "x", 1), 1);
	RIG_RUN_UNTIL(loop, in.calls > 0 && both.res & POLLIN);
	CU_ASSERT_EQUAL(in.res, POLLIN);

	glint_loop_cancel(loop, &both.op);
	glint_loop_cancel(loop, &in.op);
	RIG_RUN_UNTIL(loop, both.ends == 1 && in.ends == 1);
	CU_ASSERT_EQUAL(out.ends, 0);
	glint_loop_destroy(loop);
	CU_ASSERT_EQUAL(out.ends, 1);
	pair_close(fds);
}

static void test_a_cancelled_poll_is_silent(void)
{
	struct glint_loop *loop;

	RIG_LOOP(loop);
	for (unsigned armed = 0; armed <= 1; armed++) {
		struct probe probe = PROBE;
		int fd = event_open(0);

		glint_loop_poll(loop, &probe.op, fd, POLLIN);
		if (armed)
			rig_settle(loop);
		eventfd_write(fd, 1);
		glint_loop_cancel(loop, &probe.op);
		CU_ASSERT_EQUAL(probe.calls, 0);
		RIG_RUN_UNTIL(loop, probe.ends == 1);
		rig_settle(loop);
		CU_ASSERT_EQUAL(probe.calls, 1);
		CU_ASSERT_EQUAL(probe.res, -ECANCELED);
		close(fd);
	}
	glint_loop_destroy(loop);
}

/* Cancels the other poll at an event. */
struct rival {
	struct glint_loop *loop;
	struct rival *other;
	struct probe probe;
	unsigned events;
};

static void rival_done(struct glint_op *op, int res, uint32_t flags)
{
	struct rival *rival = container_of(op, struct rival, probe.op);

	probe_done(op, res, flags);
	rival->events += res >= 0;
	if (res >= 0)
		glint_loop_cancel(rival->loop, &rival->other->probe.op);
}

static void test_a_poll_cancelled_in_the_round_of_its_event_is_silent(void)
{
	struct rival rivals[2] = { { .probe = PROBE }, { .probe = PROBE } };
	int fd = event_open(0);
	struct glint_loop *loop;

	RIG_LOOP(loop);
	for (unsigned i = 0; i < 2; i++) {
		rivals[i].loop = loop;
		rivals[i].other = &rivals[!i];
		rivals[i].probe.op.done = rival_done;
		glint_loop_poll(loop, &rivals[i].probe.op, fd, POLLIN);
	}
	rig_settle(loop);
	eventfd_write(fd, 1);
	RIG_RUN_UNTIL(loop, rivals[0].probe.ends + rivals[1].probe.ends == 1);
	rig_settle(loop);
	CU_ASSERT_EQUAL(rivals[0].events + rivals[1].events, 1);
	CU_ASSERT_EQUAL(rivals[0].probe.calls + rivals[1].probe.calls, 2);
	glint_loop_destroy(loop);
	close(fd);
}

static void test_a_bad_descriptor_is_reported_by_done_only(void)
{
	struct probe poll_probe = PROBE, recv_probe = PROBE;
	struct glint_loop *loop;
	char byte;

	RIG_LOOP(loop);
	glint_loop_poll(loop, &poll_probe.op, -1, POLLIN);
	glint_loop_recv(loop, &recv_probe.op, 1000000, &byte, 1);
	CU_ASSERT_EQUAL(poll_probe.calls + recv_probe.calls, 0);
	RIG_RUN_UNTIL(loop, poll_probe.ends == 1 && recv_probe.ends == 1);
	CU_ASSERT_EQUAL(poll_probe.res, -EBADF);
	CU_ASSERT_EQUAL(recv_probe.res, -EBADF);
	glint_loop_destroy(loop);
}

/* --- Cancel, start again, free ------------------------------------------------------ */

static void test_a_cancel_that_races_with_data_loses_no_byte(void)
{
	struct probe probe = PROBE;
	struct glint_loop *loop;
	char bytes[2];
	int fds[2];

	RIG_LOOP(loop);
	socket_pair(fds);
	for (unsigned i = 0; i < 100; i++) {
		ssize_t got;

		probe = (struct probe)PROBE;
		glint_loop_recv(loop, &probe.op, fds[0], bytes, 1);
		if (i % 2)
			CU_ASSERT_EQUAL(glint_loop_run_once(loop, 0), 0);
		CU_ASSERT_EQUAL(write(fds[1], "x", 1), 1);
		glint_loop_cancel(loop, &probe.op);
		RIG_RUN_UNTIL(loop, probe.ends == 1);
		CU_ASSERT(probe.res == 1 || probe.res == -ECANCELED);
		got = recv(fds[0], bytes, 2, MSG_DONTWAIT);
		CU_ASSERT_EQUAL(got, probe.res == 1 ? -1 : 1);
	}
	rig_settle(loop);
	CU_ASSERT_EQUAL(probe.calls, 1);
	pair_close(fds);
	glint_loop_destroy(loop);
}

static void test_a_late_cancel_does_not_hit_the_next_start(void)
{
	struct probe probe = PROBE;
	struct glint_loop *loop;
	char byte;
	int fds[2];

	RIG_LOOP(loop);
	socket_pair(fds);
	glint_loop_recv(loop, &probe.op, fds[0], &byte, 1);
	glint_loop_cancel(loop, &probe.op);
	RIG_RUN_UNTIL(loop, probe.ends == 1);
	glint_loop_recv(loop, &probe.op, fds[0], &byte, 1);
	rig_settle(loop);
	CU_ASSERT_TRUE(glint_op_busy(&probe.op));
	CU_ASSERT_EQUAL(write(fds[1], "x", 1), 1);
	RIG_RUN_UNTIL(loop, probe.ends == 2);
	CU_ASSERT_EQUAL(probe.res, 1);
	pair_close(fds);
	glint_loop_destroy(loop);
}

/* Free itself in its last completion, cancelled or not: for the sanitizers. */
struct mayfly {
	struct glint_op op;
	char byte;
};

static unsigned mayflies;

static void mayfly_done(struct glint_op *op, int res, uint32_t flags)
{
	(void)res;
	if (flags & GLINT_OP_MORE)
		return;
	free(container_of(op, struct mayfly, op));
	mayflies--;
}

static struct mayfly *mayfly(void)
{
	struct mayfly *fly = calloc(1, sizeof(*fly));

	CU_ASSERT_PTR_NOT_NULL_FATAL(fly);
	fly->op.done = mayfly_done;
	mayflies++;
	return fly;
}

static void test_an_operation_may_be_freed_in_its_last_completion(void)
{
	struct mayfly *flies[5];
	struct glint_loop *loop;
	int fds[2];

	RIG_LOOP(loop);
	for (unsigned round = 0; round < 20; round++) {
		mayflies = 0;
		socket_pair(fds);
		for (unsigned i = 0; i < 5; i++)
			flies[i] = mayfly();
		glint_loop_recv(loop, &flies[0]->op, fds[0], &flies[0]->byte, 1);
		glint_loop_recv(loop, &flies[1]->op, fds[1], &flies[1]->byte, 1);
		glint_loop_poll(loop, &flies[2]->op, fds[0], POLLIN);
		glint_loop_timer(loop, &flies[3]->op, UINT64_MAX - 1);
		glint_loop_poll(loop, &flies[4]->op, -1, POLLIN);
		if (round % 2)
			CU_ASSERT_EQUAL(glint_loop_run_once(loop, 0), 0);
		CU_ASSERT_EQUAL(write(fds[1], "x", 1), 1);
		for (unsigned i = 1; i < 4; i++)
			glint_loop_cancel(loop, &flies[i]->op);
		RIG_RUN_UNTIL(loop, mayflies == 0);
		pair_close(fds);
	}
	glint_loop_destroy(loop);
	CU_ASSERT_EQUAL(mayflies, 0);
}

/* Receive byte by byte: done() starts the same operation again. */
struct chain {
	struct glint_loop *loop;
	struct glint_op op;
	int fd;
	char byte, text[32];
	size_t length;
	bool ended;
};

static void chain_done(struct glint_op *op, int res, uint32_t flags)
{
	struct chain *chain = container_of(op, struct chain, op);

	(void)flags;
	chain->ended = res <= 0;
	if (chain->ended)
		return;
	chain->text[chain->length++] = chain->byte;
	glint_loop_recv(chain->loop, op, chain->fd, &chain->byte, 1);
}

static void test_done_may_start_the_same_operation_again(void)
{
	struct chain chain = { .op.done = chain_done };
	int fds[2];

	RIG_LOOP(chain.loop);
	socket_pair(fds);
	chain.fd = fds[0];
	glint_loop_recv(chain.loop, &chain.op, chain.fd, &chain.byte, 1);
	CU_ASSERT_EQUAL(write(fds[1], "one by one", 10), 10);
	close(fds[1]);
	RIG_RUN_UNTIL(chain.loop, chain.ended);
	CU_ASSERT_STRING_EQUAL(chain.text, "one by one");
	glint_loop_destroy(chain.loop);
	close(fds[0]);
}

/* --- Many at once ----------------------------------------------------------------- */

static void test_10000_sends_at_once_all_complete(void)
{
	enum { PAIRS = 100, EACH = 100, SENDS = PAIRS * EACH };
	struct iovec part = { .iov_base = (char[]){ 'x' }, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };
	struct probe *probes = calloc(SENDS, sizeof(*probes));
	int fds[PAIRS][2];
	struct glint_loop *loop;
	unsigned wrong = 0;
	char bytes[EACH + 1];

	RIG_LOOP(loop);
	CU_ASSERT_PTR_NOT_NULL_FATAL(probes);
	for (unsigned i = 0; i < PAIRS; i++)
		socket_pair(fds[i]);
	for (unsigned i = 0; i < SENDS; i++) {
		probes[i] = (struct probe)PROBE;
		glint_loop_send(loop, &probes[i].op, fds[i % PAIRS][0], &msg);
	}
	for (unsigned i = 0; i < SENDS; i++)
		RIG_RUN_UNTIL(loop, probes[i].ends == 1);
	rig_settle(loop);
	for (unsigned i = 0; i < SENDS; i++)
		wrong += probes[i].calls != 1 || probes[i].res != 1;
	CU_ASSERT_EQUAL(wrong, 0);
	for (unsigned i = 0; i < PAIRS; i++) {
		CU_ASSERT_EQUAL(recv(fds[i][1], bytes, sizeof(bytes), MSG_DONTWAIT), EACH);
		pair_close(fds[i]);
	}
	glint_loop_destroy(loop);
	free(probes);
}

static void test_5000_cancels_at_once_all_complete(void)
{
	enum { COUNT = 5000 };
	struct probe *probes = calloc(COUNT, sizeof(*probes));
	int fd = event_open(0);
	struct glint_loop *loop;
	unsigned wrong = 0;

	RIG_LOOP(loop);
	CU_ASSERT_PTR_NOT_NULL_FATAL(probes);
	for (unsigned i = 0; i < COUNT; i++) {
		probes[i] = (struct probe)PROBE;
		glint_loop_poll(loop, &probes[i].op, fd, POLLIN);
	}
	rig_settle(loop);
	for (unsigned i = 0; i < COUNT; i++)
		glint_loop_cancel(loop, &probes[i].op);
	for (unsigned i = 0; i < COUNT; i++)
		RIG_RUN_UNTIL(loop, probes[i].ends == 1);
	for (unsigned i = 0; i < COUNT; i++)
		wrong += probes[i].calls != 1 || probes[i].res != -ECANCELED;
	CU_ASSERT_EQUAL(wrong, 0);
	glint_loop_destroy(loop);
	close(fd);
	free(probes);
}

/* --- Run, stop, destroy ------------------------------------------------------------- */

struct stopper {
	struct glint_loop *loop;
	struct glint_op op;
	unsigned calls;
};

static void stopper_done(struct glint_op *op, int res, uint32_t flags)
{
	struct stopper *stopper = container_of(op, struct stopper, op);

	(void)res;
	(void)flags;
	stopper->calls++;
	glint_loop_stop(stopper->loop);
}

static void test_run_ends_at_a_stop_also_one_before_its_start(void)
{
	struct stopper stopper = { .op.done = stopper_done };

	RIG_LOOP(stopper.loop);
	glint_loop_stop(stopper.loop);
	glint_loop_timer(stopper.loop, &stopper.op, 1);
	CU_ASSERT_EQUAL(glint_loop_run(stopper.loop), 0);
	CU_ASSERT_EQUAL(stopper.calls, 0);
	CU_ASSERT_EQUAL(glint_loop_run(stopper.loop), 0);
	CU_ASSERT_EQUAL(stopper.calls, 1);
	glint_loop_destroy(stopper.loop);
}

/* Start a timer when its operation ends. */
struct stubborn {
	struct glint_loop *loop;
	struct probe probe, next;
};

static void stubborn_done(struct glint_op *op, int res, uint32_t flags)
{
	struct stubborn *stubborn = container_of(op, struct stubborn, probe.op);

	probe_done(op, res, flags);
	glint_loop_timer(stubborn->loop, &stubborn->next.op, UINT64_MAX - 1);
}

static void test_destroy_cancels_all_operations_and_those_they_start(void)
{
	static char big[4 << 20];
	struct iovec part = { .iov_base = big, .iov_len = sizeof(big) };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };
	struct probe polls = PROBE, accepts = PROBE, recvs = PROBE, sends = PROBE;
	struct probe timers = PROBE, posted = PROBE;
	struct probe *probes[] = { &polls, &accepts, &recvs, &sends, &timers };
	struct stubborn stubborn = { .probe = PROBE, .next = PROBE };
	int event = event_open(0), listener, fds[2];
	char byte;

	RIG_LOOP(stubborn.loop);
	socket_pair(fds);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(
		bind(listener, &(struct sockaddr){ .sa_family = AF_UNIX }, sizeof(sa_family_t)), 0);
	CU_ASSERT_EQUAL_FATAL(listen(listener, 1), 0);
	glint_loop_send(stubborn.loop, &sends.op, fds[0], &msg); /* fills the socket */
	RIG_RUN_UNTIL(stubborn.loop, sends.ends == 1);
	sends = (struct probe)PROBE;

	glint_loop_send(stubborn.loop, &sends.op, fds[0], &msg);
	glint_loop_recv(stubborn.loop, &recvs.op, fds[0], &byte, 1);
	glint_loop_poll(stubborn.loop, &polls.op, event, POLLIN);
	glint_loop_accept(stubborn.loop, &accepts.op, listener);
	glint_loop_timer(stubborn.loop, &timers.op, UINT64_MAX - 1);
	rig_settle(stubborn.loop);
	stubborn.probe.op.done = stubborn_done;
	glint_loop_poll(stubborn.loop, &stubborn.probe.op, event, POLLIN); /* just started */
	glint_loop_poll(stubborn.loop, &posted.op, -1, POLLIN);
	glint_loop_destroy(stubborn.loop);

	for (unsigned i = 0; i < ARRAY_SIZE(probes); i++) {
		CU_ASSERT_EQUAL(probes[i]->calls, 1);
		CU_ASSERT_EQUAL(probes[i]->res, -ECANCELED);
	}
	CU_ASSERT_EQUAL(posted.calls, 1);
	CU_ASSERT_EQUAL(stubborn.probe.res, -ECANCELED);
	CU_ASSERT_EQUAL(stubborn.next.calls, 1);
	CU_ASSERT_EQUAL(stubborn.next.res, -ECANCELED);
	pair_close(fds);
	close(listener);
	close(event);
}

/* --- Deferred ---------------------------------------------------------------------------- */

struct later {
	struct glint_deferred deferred;
	struct glint_loop *loop;
	struct probe *probe;	     /* counts completions */
	unsigned runs, calls_before; /* completions before the first run */
	unsigned again;		     /* defers itself so many times more */
};

static void later_run(struct glint_deferred *deferred)
{
	struct later *later = container_of(deferred, struct later, deferred);

	if (later->runs++ == 0)
		later->calls_before = later->probe->calls;
	if (later->again > 0) {
		later->again--;
		glint_loop_defer(later->loop, deferred);
	}
}

/* Defers from within its completion. */
struct deferrer {
	struct probe probe;
	struct later *later;
	bool cancels;
};

static void deferrer_done(struct glint_op *op, int res, uint32_t flags)
{
	struct deferrer *deferrer = container_of(op, struct deferrer, probe.op);

	probe_done(op, res, flags);
	glint_loop_defer(deferrer->later->loop, &deferrer->later->deferred);
	CU_ASSERT_EQUAL(deferrer->later->runs, 0);
	if (deferrer->cancels)
		glint_deferred_cancel(&deferrer->later->deferred);
}

static void test_a_deferred_function_runs_once_after_the_completions_of_the_round(void)
{
	struct probe last = PROBE;
	struct later later = { .deferred.run = later_run, .probe = &last };
	struct deferrer first = { .probe.op.done = deferrer_done, .later = &later }, second = first;

	RIG_LOOP(later.loop);
	glint_loop_timer(later.loop, &first.probe.op, 1);
	glint_loop_timer(later.loop, &second.probe.op, 2);
	glint_loop_timer(later.loop, &last.op, 3);
	CU_ASSERT_EQUAL(glint_loop_run_once(later.loop, UINT64_MAX), 0);
	CU_ASSERT_EQUAL(second.probe.calls, 1);
	CU_ASSERT_EQUAL(later.runs, 1);
	CU_ASSERT_EQUAL(later.calls_before, 1);
	rig_settle(later.loop);
	CU_ASSERT_EQUAL(later.runs, 1);
	glint_loop_destroy(later.loop);
}

static void test_a_function_deferred_outside_a_round_or_by_itself_runs_in_the_next(void)
{
	struct probe probe = PROBE;
	struct later later = { .deferred.run = later_run, .probe = &probe, .again = 2 };

	RIG_LOOP(later.loop);
	glint_loop_defer(later.loop, &later.deferred);
	glint_loop_defer(later.loop, &later.deferred);
	CU_ASSERT_EQUAL(later.runs, 0);
	/* No round waits while something is deferred. */
	for (unsigned round = 1; round <= 3; round++) {
		CU_ASSERT_EQUAL(glint_loop_run_once(later.loop, UINT64_MAX), 0);
		CU_ASSERT_EQUAL(later.runs, round);
	}
	rig_settle(later.loop);
	CU_ASSERT_EQUAL(later.runs, 3);
	glint_loop_destroy(later.loop);
}

static void test_a_cancelled_deferral_does_not_run(void)
{
	struct probe probe = PROBE;
	struct later later = { .deferred.run = later_run, .probe = &probe };
	struct deferrer deferrer = { .probe.op.done = deferrer_done,
				     .later = &later,
				     .cancels = true };

	RIG_LOOP(later.loop);
	glint_deferred_cancel(&later.deferred); /* never deferred: nothing */
	glint_loop_timer(later.loop, &deferrer.probe.op, 1);
	RIG_RUN_UNTIL(later.loop, deferrer.probe.calls == 1);
	rig_settle(later.loop);
	CU_ASSERT_EQUAL(later.runs, 0);

	glint_loop_defer(later.loop, &later.deferred);
	CU_ASSERT_EQUAL(glint_loop_run_once(later.loop, 0), 0);
	CU_ASSERT_EQUAL(later.runs, 1);
	glint_loop_destroy(later.loop);
}

/* --- The choice of a backend ---------------------------------------------------------- */

static void test_a_requested_backend_has_no_reason(void)
{
	struct glint_loop *loop;

	RIG_LOOP(loop);
	if (glint_test_loop())
		CU_ASSERT_STRING_EQUAL(glint_loop_name(loop), glint_test_loop());
	CU_ASSERT_EQUAL(strcmp(glint_loop_name(loop), "epoll") == 0,
			glint_loop_backend(loop) == GLINT_LOOP_EPOLL);
	if (glint_test_loop() || glint_loop_backend(loop) == GLINT_LOOP_URING)
		CU_ASSERT_STRING_EQUAL(glint_loop_reason(loop), "");
	glint_loop_destroy(loop);
}

/* Make system call @number fail with @err, as a sandbox does. */
static void forbid(int number, int err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(77);
}

/* Returns 0 when a timer expires. */
static int loop_works(struct glint_loop *loop)
{
	struct probe probe = PROBE;

	glint_loop_timer(loop, &probe.op, glint_now_ns() + GLINT_NSEC_PER_MSEC);
	while (probe.calls == 0)
		if (glint_loop_run_once(loop, UINT64_MAX) < 0)
			return 10;
	glint_loop_destroy(loop);
	return 0;
}

/* Returns 0 when AUTO creates an epoll loop that works and has a reason. */
static int without_uring(void)
{
	struct glint_loop *loop;

	if (glint_loop_create(&loop, GLINT_LOOP_URING) == 0)
		return 1;
	if (glint_loop_create(&loop, GLINT_LOOP_AUTO) < 0)
		return 2;
	if (glint_loop_backend(loop) != GLINT_LOOP_EPOLL || !*glint_loop_reason(loop))
		return 3;
	return loop_works(loop);
}

static int with_epoll(void)
{
	struct glint_loop *loop;

	return glint_loop_create(&loop, GLINT_LOOP_EPOLL) < 0 ? 1 : loop_works(loop);
}

/*
 * Returns the result of @check in a child where system call @number fails with @err; 77
 * without seccomp.
 */
static int in_sandbox(int (*check)(void), int number, int err)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		forbid(number, err);
		glint_log_setup(GLINT_LOG_WARN, 0);
		_exit(check());
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_where_io_uring_is_forbidden_epoll_is_used(void)
{
	static const struct {
		int number, err;
	} sandboxes[] = {
		{ SYS_io_uring_setup, EPERM },
		{ SYS_io_uring_setup, ENOSYS },
		{ SYS_io_uring_setup, ENOMEM },
		{ SYS_io_uring_enter, EPERM }, /* noticed only when it is used */
	};

	if (!IS_ENABLED(CONFIG_LOOP_EPOLL))
		GLINT_SKIP("no epoll loop in this build");
	for (unsigned i = 0; i < ARRAY_SIZE(sandboxes); i++) {
		int status = in_sandbox(without_uring, sandboxes[i].number, sandboxes[i].err);

		if (status == 77)
			GLINT_SKIP("no seccomp filters here");
		CU_ASSERT_EQUAL(status, 0);
	}
}

static void test_epoll_works_without_epoll_pwait2(void)
{
	int status;

	if (!IS_ENABLED(CONFIG_LOOP_EPOLL))
		GLINT_SKIP("no epoll loop in this build");
	status = in_sandbox(with_epoll, SYS_epoll_pwait2, EPERM);
	if (status == 77)
		GLINT_SKIP("no seccomp filters here");
	CU_ASSERT_EQUAL(status, 0);
}

/* clang-format off */
GLINT_TESTS("loop",
	GLINT_TEST(test_a_poll_reports_each_event),
	GLINT_TEST(test_a_hangup_is_reported_once_without_being_requested),
	GLINT_TEST(test_several_polls_of_one_descriptor_all_complete),
	GLINT_TEST(test_a_cancelled_poll_is_silent),
	GLINT_TEST(test_a_poll_cancelled_in_the_round_of_its_event_is_silent),
	GLINT_TEST(test_a_bad_descriptor_is_reported_by_done_only),
	GLINT_TEST(test_a_cancel_that_races_with_data_loses_no_byte),
	GLINT_TEST(test_a_late_cancel_does_not_hit_the_next_start),
	GLINT_TEST(test_an_operation_may_be_freed_in_its_last_completion),
	GLINT_TEST(test_done_may_start_the_same_operation_again),
	GLINT_TEST(test_10000_sends_at_once_all_complete),
	GLINT_TEST(test_5000_cancels_at_once_all_complete),
	GLINT_TEST(test_run_ends_at_a_stop_also_one_before_its_start),
	GLINT_TEST(test_destroy_cancels_all_operations_and_those_they_start),
	GLINT_TEST(test_a_deferred_function_runs_once_after_the_completions_of_the_round),
	GLINT_TEST(test_a_function_deferred_outside_a_round_or_by_itself_runs_in_the_next),
	GLINT_TEST(test_a_cancelled_deferral_does_not_run),
	GLINT_TEST(test_a_requested_backend_has_no_reason),
	GLINT_TEST(test_where_io_uring_is_forbidden_epoll_is_used),
	GLINT_TEST(test_epoll_works_without_epoll_pwait2),
)
