/* SPDX-License-Identifier: MIT */
/* Notifications to systemd, at a socket of the test: limited in rate, complete, not blocking. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/kconfig.h"
#include "base/log.h"
#include "loop_rig.h"
#include "systemd.h"

#define LONG_NS	    (3600 * GLINT_NSEC_PER_SEC)
#define FILLERS_MAX 4096

struct rig {
	struct glint_loop *loop;
	struct glint_systemd systemd;
	struct sockaddr_un addr;
	socklen_t addr_len;
	int manager; /* where systemd would read; -1: gone */
	char dir[32];
	char text[256]; /* the last datagram */
	int fillers[FILLERS_MAX];
	unsigned n_fillers;
};

static void rig_bind(struct rig *r)
{
	r->manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(bind(r->manager, (struct sockaddr *)&r->addr, r->addr_len), 0);
}

static void rig_open(struct rig *r, bool abstract)
{
	char name[64];

	strcpy(r->dir, "/tmp/glint-test-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(r->dir));
	snprintf(name, sizeof(name), "%s%s/notify", abstract ? "@" : "", r->dir);
	r->addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strcpy(r->addr.sun_path, name);
	if (abstract)
		r->addr.sun_path[0] = '\0';
	r->addr_len =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + !abstract);
	rig_bind(r);
	r->n_fillers = 0;
	setenv("NOTIFY_SOCKET", name, 1);
	glint_systemd_init(&r->systemd, r->loop);
	CU_ASSERT_TRUE_FATAL(r->systemd.fd >= 0);
}

#define RIG_OPEN(r, abstract)                                                                      \
	do {                                                                                       \
		if (!IS_ENABLED(CONFIG_SYSTEMD))                                                   \
			GLINT_SKIP("built without CONFIG_SYSTEMD");                                \
		RIG_LOOP((r)->loop);                                                               \
		rig_open(r, abstract);                                                             \
	} while (0)

static void rig_close(struct rig *r)
{
	glint_systemd_fini(&r->systemd);
	glint_loop_destroy(r->loop);
	while (r->n_fillers > 0)
		close(r->fillers[--r->n_fillers]);
	if (r->manager >= 0)
		close(r->manager);
	if (r->addr.sun_path[0])
		unlink(r->addr.sun_path);
	rmdir(r->dir);
	unsetenv("NOTIFY_SOCKET");
}

/* Take the next datagram; "" when there is none. */
static const char *next_text(struct rig *r)
{
	ssize_t n = recv(r->manager, r->text, sizeof(r->text) - 1, 0);

	r->text[n > 0 ? n : 0] = '\0';
	return r->text;
}

/* Fill the queue. Several sockets, because each socket's send buffer is bounded. */
static void fill_queue(struct rig *r)
{
	ssize_t n;

	do {
		int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		CU_ASSERT_TRUE_FATAL(fd >= 0 && r->n_fillers < FILLERS_MAX);
		r->fillers[r->n_fillers++] = fd;
		n = sendto(fd, "x", 1, 0, (struct sockaddr *)&r->addr, r->addr_len);
	} while (n == 1);
	CU_ASSERT_EQUAL(errno, EAGAIN);
}

static void drain_queue(struct rig *r)
{
	while (strcmp(next_text(r), "x") == 0)
		;
	CU_ASSERT_STRING_EQUAL(r->text, "");
}

static void expect_a_whole_life(bool abstract)
{
	static struct rig r;

	RIG_OPEN(&r, abstract);
	glint_systemd_ready(&r.systemd);
	CU_ASSERT_STRING_EQUAL(next_text(&r), "READY=1\n");
	r.systemd.next_ns = 0;
	glint_systemd_status(&r.systemd, "live");
	CU_ASSERT_STRING_EQUAL(next_text(&r), "STATUS=live\n");
	glint_systemd_fini(&r.systemd);
	CU_ASSERT_STRING_EQUAL(next_text(&r), "STOPPING=1\n");
	rig_close(&r);
}

static void test_a_manager_at_a_path_gets_all_notifications(void)
{
	expect_a_whole_life(false);
}

static void test_a_manager_at_an_abstract_socket_gets_the_same(void)
{
	expect_a_whole_life(true);
}

static void test_a_status_soon_after_another_waits_and_the_newest_replaces_it(void)
{
	static struct rig r;
	char text[16];

	RIG_OPEN(&r, false);
	glint_systemd_status(&r.systemd, "0");
	CU_ASSERT_STRING_EQUAL(next_text(&r), "STATUS=0\n");
	CU_ASSERT_FALSE(glint_op_busy(&r.systemd.timer_op));
	CU_ASSERT_TRUE(r.systemd.next_ns >= GLINT_NSEC_PER_SEC);

	r.systemd.next_ns = glint_now_ns() + LONG_NS; /* also on a busy host */
	for (unsigned i = 1; i < 100; i++) {
		snprintf(text, sizeof(text), "%u", i);
		glint_systemd_status(&r.systemd, text);
	}
	rig_settle(r.loop);
	CU_ASSERT_STRING_EQUAL(next_text(&r), "");
	CU_ASSERT_TRUE(glint_op_busy(&r.systemd.timer_op));

	/* At the end the newest status is sent. */
	glint_systemd_fini(&r.systemd);
	CU_ASSERT_STRING_EQUAL(next_text(&r), "STOPPING=1\nSTATUS=99\n");
	CU_ASSERT_STRING_EQUAL(next_text(&r), "");
	rig_close(&r);
}

static void test_the_last_status_is_sent_without_another_one_behind_it(void)
{
	static struct rig r;

	RIG_OPEN(&r, false);
	glint_systemd_status(&r.systemd, "live");
	CU_ASSERT_STRING_EQUAL(next_text(&r), "STATUS=live\n");
	glint_systemd_status(&r.systemd, "no-device");
	glint_systemd_status(&r.systemd, "opening");
	RIG_RUN_UNTIL(r.loop, strcmp(next_text(&r), "STATUS=opening\n") == 0);
	CU_ASSERT_FALSE(glint_op_busy(&r.systemd.timer_op));
	rig_close(&r);
}

static void test_a_full_queue_delays_nothing_and_gets_the_newest_status_later(void)
{
	static struct rig r;

	RIG_OPEN(&r, false);
	fill_queue(&r);
	glint_systemd_ready(&r.systemd);
	glint_systemd_status(&r.systemd, "no-device");
	glint_systemd_status(&r.systemd, "live");
	CU_ASSERT_TRUE(glint_op_busy(&r.systemd.timer_op));
	/* Refused again, the status still waits. */
	r.systemd.next_ns = 0;
	glint_systemd_status(&r.systemd, "live");
	CU_ASSERT_TRUE(r.systemd.ready_waits && r.systemd.status_waits);

	drain_queue(&r);
	RIG_RUN_UNTIL(r.loop, *next_text(&r));
	CU_ASSERT_STRING_EQUAL(r.text, "READY=1\nSTATUS=live\n");
	CU_ASSERT_FALSE(r.systemd.ready_waits || r.systemd.status_waits);
	rig_close(&r);
}

static void test_a_full_queue_does_not_hold_up_the_end(void)
{
	static struct rig r;

	RIG_OPEN(&r, true);
	fill_queue(&r);
	glint_systemd_ready(&r.systemd);
	glint_systemd_fini(&r.systemd);
	drain_queue(&r);
	rig_close(&r);
}

static void test_notifications_to_a_missing_manager_are_dropped_and_the_next_manager_gets_its_own(
	void)
{
	static struct rig r;

	RIG_OPEN(&r, false);
	glint_log_setup(GLINT_LOG_ERROR, 0);
	close(r.manager);
	unlink(r.addr.sun_path);
	glint_systemd_ready(&r.systemd);
	CU_ASSERT_FALSE(r.systemd.ready_waits || glint_op_busy(&r.systemd.timer_op));
	rig_bind(&r);
	r.systemd.next_ns = 0;
	glint_systemd_status(&r.systemd, "live");
	CU_ASSERT_STRING_EQUAL(next_text(&r), "STATUS=live\n");
	rig_close(&r);
}

static void test_without_a_valid_address_nothing_is_sent(void)
{
	static char too_long[256];
	const char *const names[] = { "", "@", "/", "relative", "vsock:2:1234", too_long };
	struct glint_systemd systemd;

	if (!IS_ENABLED(CONFIG_SYSTEMD))
		GLINT_SKIP("built without CONFIG_SYSTEMD");
	glint_log_setup(GLINT_LOG_ERROR, 0);
	memset(too_long, '/', sizeof(too_long) - 1);
	for (unsigned i = 0; i <= ARRAY_SIZE(names); i++) {
		if (i < ARRAY_SIZE(names))
			setenv("NOTIFY_SOCKET", names[i], 1);
		else
			unsetenv("NOTIFY_SOCKET");
		glint_systemd_init(&systemd, NULL);
		CU_ASSERT_EQUAL(systemd.fd, -1);
		glint_systemd_ready(&systemd);
		glint_systemd_status(&systemd, "live");
		glint_systemd_fini(&systemd);
	}
	unsetenv("NOTIFY_SOCKET");
}

/* clang-format off */
GLINT_TESTS("systemd",
	GLINT_TEST(test_a_manager_at_a_path_gets_all_notifications),
	GLINT_TEST(test_a_manager_at_an_abstract_socket_gets_the_same),
	GLINT_TEST(test_a_status_soon_after_another_waits_and_the_newest_replaces_it),
	GLINT_TEST(test_the_last_status_is_sent_without_another_one_behind_it),
	GLINT_TEST(test_a_full_queue_delays_nothing_and_gets_the_newest_status_later),
	GLINT_TEST(test_a_full_queue_does_not_hold_up_the_end),
	GLINT_TEST(test_notifications_to_a_missing_manager_are_dropped_and_the_next_manager_gets_its_own),
	GLINT_TEST(test_without_a_valid_address_nothing_is_sent),
)
