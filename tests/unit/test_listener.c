/* SPDX-License-Identifier: MIT */
/* Listening sockets; on the loop of glint_test_loop(). */
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>

#include "http_rig.h"

static unsigned entries(const char *dir)
{
	DIR *list = opendir(dir);
	unsigned count = 0;

	while (readdir(list))
		count++;
	closedir(list);
	return count - 2;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	CU_ASSERT_EQUAL(listen(fd, 8), 0);
	return fd;
}

static void rig_answers(struct rig *r)
{
	struct peer peer = peer_ask(r, GET("/state"));

	CU_ASSERT_EQUAL(reply_status(peer.text), 200);
	peer_close(&peer);
}

/* Connections that wait before glint_server_start() are served after it. */
static void test_the_path_can_be_connected_to_before_the_service_is_ready(void)
{
	struct glint_server *server;
	struct rig r;
	int fd;

	RIG_PREPARE(&r);
	CU_ASSERT_EQUAL_FATAL(glint_server_create(&server, r.loop, &r.config), 0);
	CU_ASSERT_EQUAL(entries(r.dir), 1);
	fd = peer_socket(r.path);
	CU_ASSERT_TRUE(fd >= 0);
	close(fd);
	glint_server_destroy(server);
	CU_ASSERT_EQUAL(entries(r.dir), 0);
	rig_close(&r);
}

static void test_a_stale_socket_is_replaced(void)
{
	struct rig r;

	RIG_PREPARE(&r);
	close(listen_at(r.path));
	CU_ASSERT_EQUAL(peer_socket(r.path), -ECONNREFUSED);
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	CU_ASSERT_EQUAL(entries(r.dir), 1);
	rig_answers(&r);
	rig_close(&r);
}

/* Close the listening socket @arg, and its queue, as soon as a client is in the queue. */
static void *let_go(void *arg)
{
	struct pollfd waiting = { .fd = *(int *)arg, .events = POLLIN };

	while (poll(&waiting, 1, -1) != 1)
		;
	close(waiting.fd);
	return NULL;
}

/* As after a kill: an io_uring and the files that it polled outlive their process. */
static void test_a_socket_that_the_kernel_closes_late_is_replaced(void)
{
	pthread_t thread;
	struct rig r;
	int fd;

	RIG_PREPARE(&r);
	fd = listen_at(r.path);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, let_go, &fd), 0);
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(entries(r.dir), 1);
	rig_answers(&r);
	rig_close(&r);
}

/* Accept each client and hang up, as a service with too many clients does. */
static void *hang_up(void *arg)
{
	int fd;

	while ((fd = accept(*(int *)arg, NULL, NULL)) >= 0)
		close(fd);
	return NULL;
}

static void test_a_socket_whose_service_hangs_up_on_each_client_is_not_replaced(void)
{
	pthread_t thread;
	struct rig r;
	int fd;

	RIG_PREPARE(&r);
	glint_log_setup(GLINT_LOG_ERROR, 0);
	fd = listen_at(r.path);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, hang_up, &fd), 0);
	CU_ASSERT_EQUAL(rig_create(&r), -EADDRINUSE);
	CU_ASSERT_EQUAL(entries(r.dir), 1);
	shutdown(fd, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(fd);
	unlink(r.path);
	rig_close(&r);
}

static void test_a_socket_that_a_process_listens_on_is_not_replaced(void)
{
	struct rig r;
	int fd;

	RIG_PREPARE(&r);
	glint_log_setup(GLINT_LOG_ERROR, 0);
	fd = listen_at(r.path);
	CU_ASSERT_EQUAL(rig_create(&r), -EADDRINUSE);
	r.config.unix_rm = true;
	CU_ASSERT_EQUAL(rig_create(&r), -EADDRINUSE);
	CU_ASSERT_EQUAL(entries(r.dir), 1);
	CU_ASSERT_TRUE((close(peer_socket(r.path))) == 0);
	close(fd);
	unlink(r.path);
	rig_close(&r);
}

static void test_another_file_is_replaced_only_with_unix_rm(void)
{
	struct rig r;

	RIG_PREPARE(&r);
	close(open(r.path, O_CREAT | O_WRONLY, 0600));
	CU_ASSERT_EQUAL(rig_create(&r), -EEXIST);
	CU_ASSERT_EQUAL(entries(r.dir), 1);
	r.config.unix_rm = true;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	CU_ASSERT_EQUAL(entries(r.dir), 1);
	rig_answers(&r);
	rig_close(&r);
}

static void test_a_path_that_cannot_be_bound_is_an_error_and_leaves_no_file(void)
{
	struct rig r;

	RIG_PREPARE(&r);
	r.config.unix_rm = true;
	mkdir(r.path, 0700);
	CU_ASSERT_EQUAL(rig_create(&r), -EISDIR);
	CU_ASSERT_EQUAL(entries(r.dir), 1);
	rmdir(r.path);
	r.config.unix_path = "/nonexistent/socket";
	CU_ASSERT_EQUAL(rig_create(&r), -ENOENT);
	r.config.unix_path = "/tmp/";
	CU_ASSERT_EQUAL(rig_create(&r), -EISDIR);
	r.config.unix_path = NULL;
	CU_ASSERT_EQUAL(rig_create(&r), -EINVAL);
	rig_close(&r);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	CU_ASSERT_EQUAL_FATAL(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void test_the_socket_has_its_mode(void)
{
	mode_t mask = umask(027);
	struct rig r;

	RIG_OPEN(&r);
	CU_ASSERT_EQUAL(mode_of(r.path), 0750);
	rig_close(&r);
	RIG_PREPARE(&r);
	r.config.unix_mode = 0666;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	CU_ASSERT_EQUAL(mode_of(r.path), 0666);
	rig_close(&r);
	umask(mask);
}

static void test_paths_up_to_the_kernels_limit_work(void)
{
	char dir[112], path[128];
	struct rig r;

	RIG_PREPARE(&r);
	snprintf(dir, sizeof(dir), "%s/%0*d", r.dir, (int)(105 - strlen(r.dir) - 1), 0);
	mkdir(dir, 0700);
	snprintf(path, sizeof(path), "%s/s", dir);
	CU_ASSERT_EQUAL_FATAL(strlen(path), 107);
	r.config.unix_path = path;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	strcpy(r.path, "");
	CU_ASSERT_TRUE((close(peer_socket(path))) == 0);
	glint_server_destroy(r.server);
	r.server = NULL;
	CU_ASSERT_EQUAL(entries(dir), 0);
	strcat(path, "x");
	CU_ASSERT_EQUAL(rig_create(&r), -ENAMETOOLONG);
	rmdir(dir);
	rig_close(&r);
}

static void test_a_path_that_another_process_has_replaced_is_not_removed(void)
{
	struct rig r;
	int fd;

	RIG_OPEN(&r);
	unlink(r.path);
	fd = listen_at(r.path);
	glint_server_unlink(r.server);
	CU_ASSERT_EQUAL(entries(r.dir), 1);
	glint_server_destroy(r.server);
	r.server = NULL;
	CU_ASSERT_EQUAL(entries(r.dir), 1);
	close(fd);
	unlink(r.path);
	rig_close(&r);
}

static void test_the_path_can_be_removed_before_the_server_is_destroyed(void)
{
	struct rig r;

	RIG_OPEN(&r);
	glint_server_unlink(r.server);
	CU_ASSERT_EQUAL(entries(r.dir), 0);
	glint_server_unlink(r.server);
	rig_close(&r);
}

static void test_a_relative_path_is_removed_from_another_folder_too(void)
{
	char before[256];
	struct rig r;

	CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(before, sizeof(before)));
	RIG_PREPARE(&r);
	CU_ASSERT_EQUAL(chdir(r.dir), 0);
	r.config.unix_path = "socket";
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	CU_ASSERT_EQUAL(chdir(before), 0);
	rig_answers(&r);
	rig_close(&r);
}

/* --- TCP -------------------------------------------------------------------------------- */

static int tcp_connect(uint16_t port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_EQUAL(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void tcp_answers(struct rig *r)
{
	struct peer peer = peer_of(tcp_connect(glint_server_port(r->server)));

	peer_say(&peer, "GET /state HTTP/1.1\r\nHost: localhost\r\n\r\n");
	PEER_WAIT(r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(reply_status(peer.text), 200);
	peer_close(&peer);
}

static void test_tcp_is_served_beside_the_unix_socket(void)
{
	struct rig r;

	if (!IS_ENABLED(CONFIG_NET_TCP))
		GLINT_SKIP("built without CONFIG_NET_TCP");
	RIG_PREPARE(&r);
	r.config.host = "localhost";
	r.config.tcp_nodelay = true;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	CU_ASSERT_TRUE(glint_server_port(r.server) > 0);
	tcp_answers(&r);
	rig_answers(&r);
	rig_close(&r);
}

static void test_a_port_in_use_is_an_error(void)
{
	struct glint_server *second;
	struct rig r;

	if (!IS_ENABLED(CONFIG_NET_TCP))
		GLINT_SKIP("built without CONFIG_NET_TCP");
	RIG_PREPARE(&r);
	r.config.host = "127.0.0.1";
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	r.config.port = glint_server_port(r.server);
	r.config.unix_path = NULL;
	CU_ASSERT_EQUAL(glint_server_create(&second, r.loop, &r.config), -EADDRINUSE);
	r.config.host = "192.0.2.1"; /* not assigned to any host: RFC 5737 */
	CU_ASSERT_EQUAL(glint_server_create(&second, r.loop, &r.config), -EADDRNOTAVAIL);
	rig_close(&r);
}

static void test_passed_sockets_are_served_and_not_removed(void)
{
	struct rig r;
	int fd;

	RIG_PREPARE(&r);
	fd = listen_at(r.path);
	r.config.unix_path = NULL;
	r.config.listen_fds = &fd;
	r.config.n_listen_fds = 1;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	rig_answers(&r);
	glint_server_destroy(r.server);
	r.server = NULL;
	CU_ASSERT_EQUAL(fcntl(fd, F_GETFD), -1);
	CU_ASSERT_EQUAL(unlink(r.path), 0);
	rig_close(&r);
}

static void test_a_passed_socket_for_the_same_path_is_used_and_not_removed(void)
{
	struct stat before, after;
	struct rig r;
	int fd;

	RIG_PREPARE(&r);
	fd = listen_at(r.path);
	CU_ASSERT_EQUAL(stat(r.path, &before), 0);
	r.config.listen_fds = &fd;
	r.config.n_listen_fds = 1;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	rig_answers(&r);
	glint_server_destroy(r.server);
	r.server = NULL;
	CU_ASSERT_EQUAL(stat(r.path, &after), 0);
	CU_ASSERT_EQUAL(after.st_ino, before.st_ino);
	CU_ASSERT_EQUAL(unlink(r.path), 0);
	rig_close(&r);
}

static void test_a_port_in_use_leaves_the_path_alone(void)
{
	struct rig r, other;
	struct stat before, after;

	if (!IS_ENABLED(CONFIG_NET_TCP))
		GLINT_SKIP("built without CONFIG_NET_TCP");
	RIG_PREPARE(&r);
	r.config.host = "127.0.0.1";
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	RIG_PREPARE(&other);
	other.config.host = "127.0.0.1";
	other.config.port = glint_server_port(r.server);
	other.config.unix_rm = true;
	close(listen_at(other.path));
	CU_ASSERT_EQUAL(stat(other.path, &before), 0);
	CU_ASSERT_EQUAL(rig_create(&other), -EADDRINUSE);
	CU_ASSERT_EQUAL(stat(other.path, &after), 0);
	CU_ASSERT_EQUAL(after.st_ino, before.st_ino);
	CU_ASSERT_EQUAL(entries(other.dir), 1);
	unlink(other.path);
	other.offline = glint_packet_unref(other.offline);
	glint_events_end(other.config.events);
	glint_loop_destroy(other.loop);
	glint_events_destroy(other.config.events);
	CU_ASSERT_EQUAL(rmdir(other.dir), 0);
	rig_pictures_alive = 1; /* rig_prepare() counts from 0 again */
	rig_close(&r);
}

/* clang-format off */
GLINT_TESTS("listener",
	GLINT_TEST(test_the_path_can_be_connected_to_before_the_service_is_ready),
	GLINT_TEST(test_a_stale_socket_is_replaced),
	GLINT_TEST(test_a_socket_that_the_kernel_closes_late_is_replaced),
	GLINT_TEST(test_a_socket_whose_service_hangs_up_on_each_client_is_not_replaced),
	GLINT_TEST(test_a_socket_that_a_process_listens_on_is_not_replaced),
	GLINT_TEST(test_another_file_is_replaced_only_with_unix_rm),
	GLINT_TEST(test_a_path_that_cannot_be_bound_is_an_error_and_leaves_no_file),
	GLINT_TEST(test_the_socket_has_its_mode),
	GLINT_TEST(test_paths_up_to_the_kernels_limit_work),
	GLINT_TEST(test_a_path_that_another_process_has_replaced_is_not_removed),
	GLINT_TEST(test_the_path_can_be_removed_before_the_server_is_destroyed),
	GLINT_TEST(test_a_relative_path_is_removed_from_another_folder_too),
	GLINT_TEST(test_tcp_is_served_beside_the_unix_socket),
	GLINT_TEST(test_a_port_in_use_is_an_error),
	GLINT_TEST(test_a_port_in_use_leaves_the_path_alone),
	GLINT_TEST(test_passed_sockets_are_served_and_not_removed),
	GLINT_TEST(test_a_passed_socket_for_the_same_path_is_used_and_not_removed),
)
