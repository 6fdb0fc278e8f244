/* SPDX-License-Identifier: MIT */
/* libglint when memory is short: each allocation of each call fails once. */
#include "malloc_rig.h"

#include <errno.h>
#include <string.h>

#include <glint/client.h>
#include <glint/protocol.h>

#include "../fake/server.h"

#define PATIENT_MS 20000

#define STATE "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
#define SNAPSHOT                                                                                   \
	"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 4\r\n\r\n\xff\xd8\xff\xd9"
#define STREAM                                                                                     \
	"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=b\r\n\r\n--b\r\n"     \
	"Content-Type: image/jpeg\r\nContent-Length: 4\r\n\r\n\xff\xd8\xff\xd9\r\n--b"

/* Use the library as a program does. Returns its error, and frees everything. */
typedef int (*use_fn)(struct glint_client *client);

static int read_state(struct glint_client *client)
{
	char *json;
	size_t len;
	int err = glint_client_state(client, &json, &len);

	CU_ASSERT_EQUAL(json == NULL, err < 0);
	free(json);
	return err;
}

static int take_snapshot(struct glint_client *client)
{
	struct glint_image image = { 0 };
	int err = glint_client_snapshot(client, NULL, &image);

	CU_ASSERT_EQUAL(image.size, err < 0 ? 0 : 4);
	glint_image_fini(&image);
	return err;
}

static int follow_stream(struct glint_client *client)
{
	struct glint_image image = { 0 };
	struct glint_stream *stream;
	int err = glint_client_stream_open(client, &stream);

	CU_ASSERT_EQUAL(stream == NULL, err < 0);
	if (err == 0)
		err = glint_client_stream_next(stream, &image);
	CU_ASSERT_TRUE(err < 0 || image.size == 4);
	glint_image_fini(&image);
	glint_client_stream_close(stream);
	return err < 0 ? err : 0;
}

static int use_client(const char *address, use_fn use)
{
	struct glint_client *client;
	int err = glint_client_create(&client, address);

	CU_ASSERT_EQUAL(client == NULL, err < 0);
	if (err < 0)
		return err;
	glint_client_set_timeout(client, PATIENT_MS);
	err = glint_client_set_login(client, "user", "password");
	if (err == 0)
		err = use(client);
	glint_client_destroy(client);
	return err;
}

/* True: the @nth allocation was made, and failed. */
static bool fails_at(unsigned nth, const char *reply, use_fn use)
{
	struct fake_server server = { .reply = reply };
	bool failed;
	int err, held;

	fake_server_start(&server);
	setenv(GLINT_ENV_SOCKET, server.address, 1);
	held = malloc_held;
	malloc_fail_at = nth;
	err = use_client(NULL, use);
	CU_ASSERT_EQUAL(malloc_held, held);
	failed = malloc_fail_at == 0;
	malloc_fail_at = 0;
	/* asprintf() succeeds without its last allocation. */
	CU_ASSERT_TRUE(err == 0 || (failed && err == -ENOMEM));
	fake_server_finish(&server);
	return failed;
}

static void check_use(const char *reply, use_fn use)
{
	unsigned nth = 1;

	while (fails_at(nth, reply, use))
		nth++;
	CU_ASSERT_TRUE(nth > 3);
	printf("# %u allocations failed\n", nth - 1);
}

static void test_a_state_that_lacks_memory_is_an_error_and_leaves_nothing(void)
{
	NEEDS_MALLOC();
	check_use(STATE, read_state);
}

static void test_a_snapshot_that_lacks_memory_is_an_error_and_leaves_nothing(void)
{
	NEEDS_MALLOC();
	check_use(SNAPSHOT, take_snapshot);
}

static void test_a_stream_that_lacks_memory_is_an_error_and_leaves_nothing(void)
{
	NEEDS_MALLOC();
	check_use(STREAM, follow_stream);
}

/* clang-format off */
GLINT_TESTS("client_nomem",
	GLINT_TEST(test_a_state_that_lacks_memory_is_an_error_and_leaves_nothing),
	GLINT_TEST(test_a_snapshot_that_lacks_memory_is_an_error_and_leaves_nothing),
	GLINT_TEST(test_a_stream_that_lacks_memory_is_an_error_and_leaves_nothing),
)
