/* SPDX-License-Identifier: MIT */
/* --static serves a folder and nothing outside of it; on the loop of glint_test_loop(). */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "http/internal.h"
#include "http_rig.h"

/* --- A file system that does not answer ------------------------------------------------ */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t opened;
	enum { GATE_OPEN, GATE_CLOSED, GATE_GONE } state;
	unsigned waiting, most; /* reads that wait, and the most at once */
} gate = { .lock = PTHREAD_MUTEX_INITIALIZER, .opened = PTHREAD_COND_INITIALIZER };

static unsigned gate_waiting(void)
{
	unsigned waiting;

	pthread_mutex_lock(&gate.lock);
	waiting = gate.waiting;
	pthread_mutex_unlock(&gate.lock);
	return waiting;
}

static void gate_set(int state)
{
	pthread_mutex_lock(&gate.lock);
	gate.state = state;
	pthread_cond_broadcast(&gate.opened);
	pthread_mutex_unlock(&gate.lock);
}

static void gate_pass(void)
{
	bool for_ever;

	pthread_mutex_lock(&gate.lock);
	for_ever = gate.state == GATE_GONE;
	gate.waiting++;
	gate.most = MAX(gate.most, gate.waiting);
	while (for_ever || gate.state == GATE_CLOSED)
		pthread_cond_wait(&gate.opened, &gate.lock);
	gate.waiting--;
	pthread_mutex_unlock(&gate.lock);
}

/* Every call of read() in the test program comes here: the linker's --wrap. */
ssize_t __real_read(int fd, void *bytes, size_t count);
ssize_t __wrap_read(int fd, void *bytes, size_t count);

ssize_t __wrap_read(int fd, void *bytes, size_t count)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		gate_pass();
	return __real_read(fd, bytes, count);
}

/* --- A folder ------------------------------------------------------------------------- */

static void file_write(const struct rig *r, const char *name, const char *bytes, size_t count)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	CU_ASSERT_EQUAL(write(fd, bytes, count), (ssize_t)count);
	close(fd);
}

static const char *const made[] = { "www/sub/index.html", "www/sub",   "www/a b.txt",
				    "www/x.jpg",	  "www/empty", "www/big",
				    "www/link",		  "www/out",   "www/fifo",
				    "www/index.html",	  "www",       "secret" };

static void site_open(struct rig *r)
{
	static char www[64];
	char path[128];

	snprintf(www, sizeof(www), "%s/www", r->dir);
	mkdir(www, 0700);
	snprintf(path, sizeof(path), "%s/www/sub", r->dir);
	mkdir(path, 0700);
	file_write(r, "secret", "secret", 6);
	file_write(r, "www/index.html", "<p>home", 7);
	file_write(r, "www/sub/index.html", "<p>sub", 6);
	file_write(r, "www/a b.txt", "text", 4);
	file_write(r, "www/x.jpg", "jpeg", 4);
	file_write(r, "www/empty", "", 0);
	snprintf(path, sizeof(path), "%s/www/link", r->dir);
	CU_ASSERT_EQUAL(symlink("x.jpg", path), 0);
	snprintf(path, sizeof(path), "%s/www/out", r->dir);
	CU_ASSERT_EQUAL(symlink("..", path), 0);
	snprintf(path, sizeof(path), "%s/www/fifo", r->dir);
	CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
	r->config.static_dir = www;
	CU_ASSERT_EQUAL_FATAL(rig_create(r), 0);
}

static void site_close(struct rig *r)
{
	char path[128];

	for (unsigned i = 0; i < ARRAY_SIZE(made); i++) {
		snprintf(path, sizeof(path), "%s/%s", r->dir, made[i]);
		(void)remove(path);
	}
	rig_close(r);
}

#define SITE_OPEN(r)                                                                               \
	do {                                                                                       \
		if (!IS_ENABLED(CONFIG_NET_STATIC))                                                \
			GLINT_SKIP("built without CONFIG_NET_STATIC");                             \
		RIG_PREPARE(r);                                                                    \
		site_open(r);                                                                      \
	} while (0)

static struct peer get(struct rig *r, const char *path)
{
	char request[256];

	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n\r\n", path);
	return peer_ask(r, request);
}

static void test_files_are_served_with_their_type(void)
{
	static const struct {
		const char *path, *type, *body;
	} rows[] = {
		{ "/", "text/html; charset=utf-8", "<p>home" },
		{ "/index.html?x=y", "text/html; charset=utf-8", "<p>home" },
		{ "/sub", "text/html; charset=utf-8", "<p>sub" },
		{ "/sub/", "text/html; charset=utf-8", "<p>sub" },
		{ "/sub/../x.jpg", "image/jpeg", "jpeg" },
		{ "/../../..//./x.jpg", "image/jpeg", "jpeg" },
		{ "/a%20b.txt", "text/plain; charset=utf-8", "text" },
		{ "/empty", "application/octet-stream", "" },
	};
	struct peer peer;
	struct rig r;

	SITE_OPEN(&r);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		peer = get(&r, rows[i].path);
		CU_ASSERT_EQUAL(reply_status(peer.text), 200);
		CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Content-Type"), rows[i].type);
		CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-Content-Type-Options"),
				       "nosniff");
		CU_ASSERT_STRING_EQUAL(reply_body(peer.text), rows[i].body);
		peer_close(&peer);
	}
	site_close(&r);
}

static void test_only_regular_files_within_the_folder_are_served(void)
{
	static const char *const rows[] = {
		"/secret",
		"/../secret",
		"/%2e%2e/secret",
		"/..%2fsecret",
		"/sub/../../secret",
		"/out/secret",
		"/out",
		"/link",
		"/fifo",
		"/nowhere",
		"/x.jpg/y",
		"/sub/nowhere",
		"/favicon.ico",
	};
	struct peer peer;
	struct rig r;

	SITE_OPEN(&r);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		peer = get(&r, rows[i]);
		CU_ASSERT_EQUAL(reply_status(peer.text), 404);
		CU_ASSERT_PTR_NULL(strstr(peer.text, "secret"));
		peer_close(&peer);
	}
	site_close(&r);
}

static void test_routes_go_before_files(void)
{
	struct peer peer;
	struct rig r;

	SITE_OPEN(&r);
	rig_go_offline(&r, "no-signal");
	peer = get(&r, "/state");
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Content-Type"), "application/json");
	peer_close(&peer);
	peer = get(&r, "/?action=snapshot");
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Content-Type"), "image/jpeg");
	peer_close(&peer);
	site_close(&r);
}

static void test_head_has_the_headers_of_get(void)
{
	struct peer peer;
	struct rig r;

	SITE_OPEN(&r);
	peer = peer_connect(&r);
	peer_say(&peer, "HEAD /x.jpg HTTP/1.1\r\nConnection: close\r\n\r\n");
	PEER_WAIT(&r, &peer, peer.ended);
	CU_ASSERT_EQUAL(reply_status(peer.text), 200);
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Content-Length"), "4");
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-Content-Type-Options"), "nosniff");
	CU_ASSERT_STRING_EQUAL(reply_body(peer.text), "");
	peer_close(&peer);
	peer = peer_connect(&r);
	peer_say(&peer, "HEAD /nowhere HTTP/1.1\r\n\r\n");
	PEER_WAIT(&r, &peer, peer.ended);
	CU_ASSERT_EQUAL(reply_status(peer.text), 404);
	CU_ASSERT_STRING_EQUAL(reply_body(peer.text), "");
	peer_close(&peer);
	site_close(&r);
}

static void test_a_large_file_is_sent_in_full_and_the_connection_is_kept(void)
{
	size_t size = 700001;
	char *bytes = malloc(size);
	struct peer peer;
	const char *body;
	struct rig r;

	SITE_OPEN(&r);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)('0' + i * 31 % 79);
	file_write(&r, "www/big", bytes, size);
	peer = peer_connect(&r);
	peer_say(&peer,
		 "GET /big HTTP/1.1\r\n\r\nGET /x.jpg HTTP/1.1\r\nConnection: close\r\n\r\n");
	PEER_WAIT(&r, &peer, peer.ended);
	body = reply_body(peer.text);
	CU_ASSERT_EQUAL(reply_number(peer.text, "Content-Length"), size);
	CU_ASSERT_EQUAL(memcmp(body, bytes, size), 0);
	CU_ASSERT_STRING_EQUAL(reply_body(body + size), "jpeg");
	free(bytes);
	peer_close(&peer);
	site_close(&r);
}

static void test_a_file_that_shrinks_while_it_is_sent_ends_the_connection(void)
{
	size_t size = 3000000;
	char *bytes = calloc(1, size);
	struct peer peer;
	struct rig r;

	SITE_OPEN(&r);
	file_write(&r, "www/big", bytes, size);
	peer = peer_connect(&r);
	peer_say(&peer, "GET /big HTTP/1.1\r\n\r\n");
	RIG_WAIT(&r, rig_counters(&r).bytes_sent > 0);
	file_write(&r, "www/big", "", 0);
	while (!peer.ended) {
		peer.used = 0;
		peer_turn(&r, &peer);
	}
	CU_ASSERT_TRUE(rig_counters(&r).bytes_sent < size);
	RIG_WAIT(&r, rig_counters(&r).clients == 0);
	free(bytes);
	peer_close(&peer);
	site_close(&r);
}

/* Request a file whose read hangs. */
static struct peer ask_in_vain(struct rig *r, const char *request)
{
	unsigned before = gate_waiting();
	struct peer peer = peer_connect(r);

	peer_say(&peer, request);
	RIG_WAIT(r, gate_waiting() > before);
	return peer;
}

static void test_a_read_that_hangs_delays_its_client_only(void)
{
	struct peer waits, other;
	struct rig r;

	SITE_OPEN(&r);
	gate_set(GATE_CLOSED);
	waits = ask_in_vain(&r, GET("/x.jpg"));
	other = get(&r, "/state");
	CU_ASSERT_EQUAL(reply_status(other.text), 200);
	CU_ASSERT_EQUAL(waits.used, 0);
	gate_set(GATE_OPEN);
	PEER_WAIT(&r, &waits, reply_complete(&waits));
	CU_ASSERT_STRING_EQUAL(reply_body(waits.text), "jpeg");
	peer_close(&waits);
	peer_close(&other);
	site_close(&r);
}

static void test_a_client_that_goes_during_a_read_leaks_nothing(void)
{
	struct peer peer;
	struct rig r;

	SITE_OPEN(&r);
	gate_set(GATE_CLOSED);
	peer = ask_in_vain(&r, GET("/x.jpg"));
	peer_close(&peer);
	RIG_WAIT(&r, rig_counters(&r).clients == 0);
	CU_ASSERT_EQUAL(gate_waiting(), 1);
	gate_set(GATE_OPEN);
	peer = get(&r, "/a%20b.txt");
	CU_ASSERT_STRING_EQUAL(reply_body(peer.text), "text");
	peer_close(&peer);
	site_close(&r);
}

/* The read ends when the connection is closed, but the loop still has its operations. */
static void test_a_read_that_ends_after_the_connection_is_closed_sends_nothing(void)
{
	for (unsigned i = 0; i < 10; i++) {
		struct glint_connection *conn;
		struct peer peer;
		struct rig r;

		SITE_OPEN(&r);
		gate_set(GATE_CLOSED);
		peer = ask_in_vain(&r, GET("/x.jpg"));
		conn = glint_list_first(&r.server->pool.connections, struct glint_connection, link);
		glint_connection_close(conn);
		gate_set(GATE_OPEN);
		while (gate_waiting() > 0)
			sched_yield();
		poll(NULL, 0, 2); /* the thread tells the loop, as a rule; the test holds if not */
		PEER_WAIT(&r, &peer, peer.ended);
		CU_ASSERT_EQUAL(peer.used, 0);
		peer_close(&peer);
		site_close(&r);
	}
}

static void test_two_files_are_read_at_once_and_others_wait(void)
{
	struct peer peers[8];
	struct rig r;

	SITE_OPEN(&r);
	gate.most = 0;
	gate_set(GATE_CLOSED);
	for (unsigned i = 0; i < ARRAY_SIZE(peers); i++) {
		peers[i] = peer_connect(&r);
		peer_say(&peers[i], GET("/x.jpg"));
	}
	RIG_WAIT(&r, gate_waiting() == 2 && rig_counters(&r).clients == ARRAY_SIZE(peers));
	peer_close(&peers[7]); /* its file waits in the queue */
	RIG_WAIT(&r, rig_counters(&r).clients == ARRAY_SIZE(peers) - 1);
	gate_set(GATE_OPEN);
	for (unsigned i = 0; i < ARRAY_SIZE(peers) - 1; i++) {
		PEER_WAIT(&r, &peers[i], reply_complete(&peers[i]));
		CU_ASSERT_STRING_EQUAL(reply_body(peers[i].text), "jpeg");
		peer_close(&peers[i]);
	}
	CU_ASSERT_EQUAL(gate.most, 2);
	site_close(&r);
}

static void test_a_client_that_waits_too_long_gets_503(void)
{
	struct peer peer;
	struct rig r;

	if (!IS_ENABLED(CONFIG_NET_STATIC))
		GLINT_SKIP("built without CONFIG_NET_STATIC");
	RIG_PREPARE(&r);
	r.config.timeout_ns = 100 * GLINT_NSEC_PER_MSEC;
	site_open(&r);
	gate_set(GATE_CLOSED);
	peer = ask_in_vain(&r, GET("/x.jpg"));
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(reply_status(peer.text), 503);
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "\"reason\": \"file-late\""));
	gate_set(GATE_OPEN);
	peer_close(&peer);
	site_close(&r);
}

static void test_a_read_that_never_returns_is_left_behind(void)
{
	struct peer peer;
	struct rig r;

	SITE_OPEN(&r);
	gate_set(GATE_GONE);
	peer = ask_in_vain(&r, GET("/x.jpg"));
	CU_ASSERT_FALSE(glint_server_destroy(r.server));
	r.server = NULL;
	gate_set(GATE_OPEN);
	gate.waiting = 0;
	peer_close(&peer);
	site_close(&r);
}

static void test_a_missing_folder_is_an_error(void)
{
	struct rig r;

	if (!IS_ENABLED(CONFIG_NET_STATIC))
		GLINT_SKIP("built without CONFIG_NET_STATIC");
	RIG_PREPARE(&r);
	r.config.static_dir = "/nonexistent";
	CU_ASSERT_EQUAL(rig_create(&r), -ENOENT);
	rig_close(&r);
}

/* From here on openat2() fails in this process, as on an old kernel. */
static int forbid_openat2(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}

/* The last test, since the seccomp filter stays. */
static void test_a_kernel_without_openat2_serves_the_same_files(void)
{
	if (!IS_ENABLED(CONFIG_NET_STATIC))
		GLINT_SKIP("built without CONFIG_NET_STATIC");
	if (forbid_openat2() < 0)
		GLINT_SKIP("no seccomp here");
	errno = 0;
	CU_ASSERT_EQUAL(syscall(SYS_openat2, -1, NULL, NULL, 0), -1);
	CU_ASSERT_EQUAL_FATAL(errno, ENOSYS);
	test_files_are_served_with_their_type();
	test_only_regular_files_within_the_folder_are_served();
}

/* clang-format off */
GLINT_TESTS("static",
	GLINT_TEST(test_files_are_served_with_their_type),
	GLINT_TEST(test_only_regular_files_within_the_folder_are_served),
	GLINT_TEST(test_routes_go_before_files),
	GLINT_TEST(test_head_has_the_headers_of_get),
	GLINT_TEST(test_a_large_file_is_sent_in_full_and_the_connection_is_kept),
	GLINT_TEST(test_a_file_that_shrinks_while_it_is_sent_ends_the_connection),
	GLINT_TEST(test_a_read_that_hangs_delays_its_client_only),
	GLINT_TEST(test_a_client_that_goes_during_a_read_leaks_nothing),
	GLINT_TEST(test_a_read_that_ends_after_the_connection_is_closed_sends_nothing),
	GLINT_TEST(test_two_files_are_read_at_once_and_others_wait),
	GLINT_TEST(test_a_client_that_waits_too_long_gets_503),
	GLINT_TEST(test_a_read_that_never_returns_is_left_behind),
	GLINT_TEST(test_a_missing_folder_is_an_error),
	GLINT_TEST(test_a_kernel_without_openat2_serves_the_same_files),
)
