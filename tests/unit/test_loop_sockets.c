/* SPDX-License-Identifier: MIT */
/* Accept, recv and send, with either backend (GLINT_TEST_LOOP, glint_test_loop()). */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "loop_rig.h"

static void socket_pair(int fds[2])
{
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

static void pair_close(int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

/* --- Send and receive --------------------------------------------------------------- */

static void test_recv_waits_for_data_and_sees_the_end(void)
{
	struct probe probe = PROBE;
	struct glint_loop *loop;
	char bytes[8];
	int fds[2];

	RIG_LOOP(loop);
	socket_pair(fds);
	glint_loop_recv(loop, &probe.op, fds[0], bytes, sizeof(bytes));
	rig_settle(loop);
	CU_ASSERT_EQUAL(probe.calls, 0);
	CU_ASSERT_EQUAL(write(fds[1], "hello", 5), 5);
	RIG_RUN_UNTIL(loop, probe.ends == 1);
	CU_ASSERT_EQUAL(probe.res, 5);
	CU_ASSERT_NSTRING_EQUAL(bytes, "hello", 5);

	glint_loop_recv(loop, &probe.op, fds[0], bytes, sizeof(bytes));
	close(fds[1]);
	RIG_RUN_UNTIL(loop, probe.ends == 2);
	CU_ASSERT_EQUAL(probe.res, 0);
	close(fds[0]);
	glint_loop_destroy(loop);
}

static void test_non_blocking_sockets_wait_as_well(void)
{
	struct probe probe = PROBE;
	struct glint_loop *loop;
	int fds[2];
	char byte;

	RIG_LOOP(loop);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	glint_loop_recv(loop, &probe.op, fds[0], &byte, 1);
	rig_settle(loop);
	CU_ASSERT_EQUAL(probe.calls, 0);
	CU_ASSERT_EQUAL(write(fds[1], "x", 1), 1);
	RIG_RUN_UNTIL(loop, probe.ends == 1);
	CU_ASSERT_EQUAL(probe.res, 1);
	pair_close(fds);
	glint_loop_destroy(loop);
}

static void test_a_send_to_a_closed_peer_is_an_error_without_a_signal(void)
{
	struct iovec part = { .iov_base = (char[]){ 'x' }, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };
	struct probe probe = PROBE;
	struct glint_loop *loop;
	int fds[2];

	RIG_LOOP(loop);
	socket_pair(fds);
	close(fds[1]);
	glint_loop_send(loop, &probe.op, fds[0], &msg);
	RIG_RUN_UNTIL(loop, probe.ends == 1);
	CU_ASSERT_EQUAL(probe.res, -EPIPE);
	close(fds[0]);
	glint_loop_destroy(loop);
}

#define BIG (8u << 20)

/* Send BIG bytes in parts; receive them in small pieces. */
struct transfer {
	struct glint_loop *loop;
	int fds[2];
	unsigned char *data, piece[5000];
	struct glint_op send, recv;
	struct iovec part;
	struct msghdr msg;
	size_t sent, received;
	unsigned sends, wrong;
	bool failed;
};

static void transfer_send(struct transfer *transfer)
{
	transfer->part.iov_base = transfer->data + transfer->sent;
	transfer->part.iov_len = BIG - transfer->sent;
	transfer->msg = (struct msghdr){ .msg_iov = &transfer->part, .msg_iovlen = 1 };
	glint_loop_send(transfer->loop, &transfer->send, transfer->fds[0], &transfer->msg);
}

static void transfer_on_sent(struct glint_op *op, int res, uint32_t flags)
{
	struct transfer *transfer = container_of(op, struct transfer, send);

	(void)flags;
	transfer->sends++;
	transfer->failed |= res <= 0;
	transfer->sent += (size_t)MAX(res, 0);
	if (transfer->sent < BIG && res > 0)
		transfer_send(transfer);
}

static void transfer_recv(struct transfer *transfer)
{
	glint_loop_recv(transfer->loop, &transfer->recv, transfer->fds[1], transfer->piece,
			sizeof(transfer->piece));
}

static void transfer_on_received(struct glint_op *op, int res, uint32_t flags)
{
	struct transfer *transfer = container_of(op, struct transfer, recv);

	(void)flags;
	transfer->failed |= res <= 0;
	for (int i = 0; i < res; i++)
		transfer->wrong += transfer->piece[i] != transfer->data[transfer->received + i];
	transfer->received += (size_t)MAX(res, 0);
	if (transfer->received < BIG && res > 0)
		transfer_recv(transfer);
}

static void test_8_mib_reach_a_slow_reader_in_parts_and_whole(void)
{
	struct transfer transfer = { .send.done = transfer_on_sent,
				     .recv.done = transfer_on_received };

	RIG_LOOP(transfer.loop);
	socket_pair(transfer.fds);
	transfer.data = malloc(BIG);
	CU_ASSERT_PTR_NOT_NULL_FATAL(transfer.data);
	for (size_t i = 0; i < BIG; i++)
		transfer.data[i] = (unsigned char)(i * 2654435761u >> 13);

	transfer_send(&transfer);
	rig_settle(transfer.loop); /* until the socket is full */
	CU_ASSERT(transfer.sent > 0 && transfer.sent < BIG);
	CU_ASSERT_TRUE(glint_op_busy(&transfer.send));
	transfer_recv(&transfer);
	RIG_RUN_UNTIL(transfer.loop, transfer.received == BIG || transfer.failed);

	CU_ASSERT_FALSE(transfer.failed);
	CU_ASSERT_EQUAL(transfer.sent, BIG);
	CU_ASSERT_EQUAL(transfer.wrong, 0);
	CU_ASSERT(transfer.sends > 1);
	glint_loop_destroy(transfer.loop);
	pair_close(transfer.fds);
	free(transfer.data);
}

static void test_a_blocked_send_can_be_cancelled_while_the_socket_is_read(void)
{
	static char big[4 << 20];
	struct iovec part = { .iov_base = big, .iov_len = sizeof(big) };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };
	struct probe sends = PROBE, recvs = PROBE, polls = PROBE;
	struct glint_loop *loop;
	int fds[2];
	char byte;

	RIG_LOOP(loop);
	socket_pair(fds);
	glint_loop_send(loop, &sends.op, fds[0], &msg);
	RIG_RUN_UNTIL(loop, sends.ends == 1);
	glint_loop_send(loop, &sends.op, fds[0], &msg);
	glint_loop_recv(loop, &recvs.op, fds[0], &byte, 1);
	glint_loop_poll(loop, &polls.op, fds[0], POLLIN);
	rig_settle(loop);
	CU_ASSERT_EQUAL(sends.ends, 1);

	glint_loop_cancel(loop, &sends.op);
	RIG_RUN_UNTIL(loop, sends.ends == 2);
	CU_ASSERT_EQUAL(sends.res, -ECANCELED);
	CU_ASSERT_EQUAL(write(fds[1], "x", 1), 1);
	RIG_RUN_UNTIL(loop, recvs.ends == 1);
	CU_ASSERT_EQUAL(recvs.res, 1);
	glint_loop_destroy(loop);
	CU_ASSERT_EQUAL(polls.res, -ECANCELED);
	pair_close(fds);
}

/* --- Accept ----------------------------------------------------------------------- */

struct server {
	struct glint_loop *loop;
	struct glint_op op;
	int fd;
	struct sockaddr_un address;
	socklen_t address_len;
	unsigned accepted, ends, stop_after;
	int last_error, last_fd;
};

static void server_on_accept(struct glint_op *op, int res, uint32_t flags)
{
	struct server *server = container_of(op, struct server, op);

	if (res >= 0) {
		CU_ASSERT_EQUAL(flags, GLINT_OP_MORE);
		CU_ASSERT(fcntl(res, F_GETFL) & O_NONBLOCK);
		CU_ASSERT(fcntl(res, F_GETFD) & FD_CLOEXEC);
		close(res);
		if (++server->accepted == server->stop_after)
			glint_loop_cancel(server->loop, op);
	} else {
		CU_ASSERT_EQUAL(flags, 0);
		server->last_error = res;
		server->ends++;
	}
}

/* A listener at an abstract address that the kernel chooses. */
static void server_open(struct server *server)
{
	const struct sockaddr_un any = { .sun_family = AF_UNIX };

	server->op.done = server_on_accept;
	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(bind(server->fd, (const struct sockaddr *)&any, sizeof(sa_family_t)),
			      0);
	CU_ASSERT_EQUAL_FATAL(listen(server->fd, 256), 0);
	server->address_len = sizeof(server->address);
	getsockname(server->fd, (struct sockaddr *)&server->address, &server->address_len);
}

static int client_open(const struct server *server)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_EQUAL_FATAL(
		connect(fd, (const struct sockaddr *)&server->address, server->address_len), 0);
	return fd;
}

static void test_200_connections_are_accepted_with_one_start(void)
{
	struct server server = { 0 };
	int clients[200];

	RIG_LOOP(server.loop);
	server_open(&server);
	for (unsigned i = 0; i < 100; i++)
		clients[i] = client_open(&server); /* in the queue before */
	glint_loop_accept(server.loop, &server.op, server.fd);
	RIG_RUN_UNTIL(server.loop, server.accepted == 100);
	for (unsigned i = 100; i < 200; i++) {
		clients[i] = client_open(&server);
		if (i % 3)
			RIG_RUN_UNTIL(server.loop, server.accepted == i + 1);
	}
	RIG_RUN_UNTIL(server.loop, server.accepted == 200);
	rig_settle(server.loop); /* a blocking listener does not block the loop */
	CU_ASSERT_EQUAL(server.ends, 0);

	glint_loop_cancel(server.loop, &server.op);
	RIG_RUN_UNTIL(server.loop, server.ends == 1);
	CU_ASSERT_EQUAL(server.last_error, -ECANCELED);
	for (unsigned i = 0; i < 200; i++)
		close(clients[i]);
	close(server.fd);
	glint_loop_destroy(server.loop);
}

static void test_accept_may_be_cancelled_from_its_own_done(void)
{
	struct server server = { .stop_after = 3 };
	int clients[5];
	unsigned accepted;

	RIG_LOOP(server.loop);
	server_open(&server);
	for (unsigned i = 0; i < 4; i++)
		clients[i] = client_open(&server);
	glint_loop_accept(server.loop, &server.op, server.fd);
	RIG_RUN_UNTIL(server.loop, server.ends == 1);
	CU_ASSERT(server.accepted >= 3);
	CU_ASSERT_EQUAL(server.last_error, -ECANCELED);

	accepted = server.accepted;
	clients[4] = client_open(&server);
	rig_settle(server.loop);
	CU_ASSERT_EQUAL(server.accepted, accepted);
	CU_ASSERT_EQUAL(server.ends, 1);
	for (unsigned i = 0; i < 5; i++)
		close(clients[i]);
	close(server.fd);
	glint_loop_destroy(server.loop);
}

/* Permits no descriptor beyond the open ones; returns the limit to restore. */
static struct rlimit exhaust_descriptors(void)
{
	struct rlimit before, none;
	int next = dup(STDIN_FILENO);

	CU_ASSERT_FATAL(next >= 0);
	close(next);
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = (rlim_t)next;
	setrlimit(RLIMIT_NOFILE, &none);
	return before;
}

static void test_without_descriptors_accept_fails_and_the_loop_continues(void)
{
	struct server server = { 0 };
	struct probe timer = PROBE;
	struct rlimit before;
	int client;

	RIG_LOOP(server.loop);
	server_open(&server);
	client = client_open(&server);
	before = exhaust_descriptors();
	glint_loop_accept(server.loop, &server.op, server.fd);
	RIG_RUN_UNTIL(server.loop, server.ends == 1);
	setrlimit(RLIMIT_NOFILE, &before);
	CU_ASSERT_EQUAL(server.last_error, -EMFILE);
	CU_ASSERT_EQUAL(server.accepted, 0);

	glint_loop_timer(server.loop, &timer.op, 1);
	RIG_RUN_UNTIL(server.loop, timer.ends == 1);
	glint_loop_accept(server.loop, &server.op, server.fd); /* the client still waits */
	RIG_RUN_UNTIL(server.loop, server.accepted == 1);
	close(client);
	glint_loop_destroy(server.loop);
	CU_ASSERT_EQUAL(server.last_error, -ECANCELED);
	close(server.fd);
}

static void test_accept_on_a_socket_that_does_not_listen_fails(void)
{
	struct server server = { .op.done = server_on_accept };

	RIG_LOOP(server.loop);
	server.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	glint_loop_accept(server.loop, &server.op, server.fd);
	RIG_RUN_UNTIL(server.loop, server.ends == 1);
	CU_ASSERT_EQUAL(server.last_error, -EINVAL);
	close(server.fd);
	glint_loop_destroy(server.loop);
}

/* clang-format off */
GLINT_TESTS("loop_sockets",
	GLINT_TEST(test_recv_waits_for_data_and_sees_the_end),
	GLINT_TEST(test_non_blocking_sockets_wait_as_well),
	GLINT_TEST(test_a_send_to_a_closed_peer_is_an_error_without_a_signal),
	GLINT_TEST(test_8_mib_reach_a_slow_reader_in_parts_and_whole),
	GLINT_TEST(test_a_blocked_send_can_be_cancelled_while_the_socket_is_read),
	GLINT_TEST(test_200_connections_are_accepted_with_one_start),
	GLINT_TEST(test_accept_may_be_cancelled_from_its_own_done),
	GLINT_TEST(test_without_descriptors_accept_fails_and_the_loop_continues),
	GLINT_TEST(test_accept_on_a_socket_that_does_not_listen_fails),
)
