/* SPDX-License-Identifier: MIT */
/*
 * A server's replies to libglint. The program is linked so that the library uses connect, send and
 * recv below: no socket is involved, and the input arrives in the pieces of its plan.
 *
 * Switches: request the state, else pictures; a stream, else one picture; accept offline pictures;
 * only frames exposed after the request; a signal interrupts each receive.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glint/client.h>

#include "fuzz.h"
#include "libglint/connect.h"

enum { STATE, STREAM, ANY, AFTER, SIGNALS };

ssize_t __wrap_recv(int fd, void *to, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags);
int __wrap_glint_connect(const char *address, uint64_t deadline_ns);

/* --- The server ------------------------------------------------------------------------ */

static struct plan server;
static const uint8_t *piece; /* the rest of the arriving piece */
static size_t piece_size;
static bool interrupted;

int __wrap_glint_connect(const char *address, uint64_t deadline_ns)
{
	(void)address;
	(void)deadline_ns;
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags)
{
	(void)fd;
	(void)bytes;
	(void)flags;
	return (ssize_t)size;
}

ssize_t __wrap_recv(int fd, void *to, size_t size, int flags)
{
	(void)fd;
	(void)flags;
	if (plan_switch(&server, SIGNALS)) {
		interrupted = !interrupted;
		if (interrupted) {
			errno = EINTR;
			return -1;
		}
	}
	if (piece_size == 0)
		piece_size = plan_piece(&server, &piece);
	size = MIN(size, piece_size);
	memcpy(to, piece, size);
	piece += size;
	piece_size -= size;
	return (ssize_t)size;
}

/* --- Its client ------------------------------------------------------------------------- */

static void check_text(const char *text, size_t size)
{
	assert(strnlen(text, size) < size);
	for (; *text; text++)
		assert(*text >= ' ' && *text <= '~');
}

static void check_image(const struct glint_image *image)
{
	unsigned char sum = 0;

	check_text(image->reason, sizeof(image->reason));
	check_text(image->clock, sizeof(image->clock));
	assert(image->size == 0 || image->size < image->capacity);
	for (size_t i = 0; i < image->size; i++)
		sum ^= image->data[i];
	if (image->size > 0)
		assert(image->data[image->size] == '\0');
	(void)*(volatile unsigned char *)&sum;
}

static void read_state(struct glint_client *client)
{
	char *json;
	size_t len;
	int err = glint_client_state(client, &json, &len);

	assert(err <= 0 && (err < 0) == !json);
	if (json)
		assert(json[len] == '\0');
	free(json);
}

static void read_snapshot(struct glint_client *client)
{
	struct glint_snapshot_options options = {
		.any = plan_switch(&server, ANY),
		.after_ns = plan_switch(&server, AFTER) ? 1000000 : 0,
	};
	struct glint_image image = { 0 };
	int err = glint_client_snapshot(client, &options, &image);

	assert(err <= 0);
	check_image(&image);
	if (err == 0) {
		assert(image.size > 0 && (image.online || options.any));
		assert(!image.online || image.exposure_ns >= options.after_ns);
	}
	glint_image_fini(&image);
}

static void read_stream(struct glint_client *client)
{
	struct glint_image image = { 0 };
	struct glint_stream *stream;
	int err = glint_client_stream_open(client, &stream);

	assert(err <= 0 && (err < 0) == !stream);
	if (!stream)
		return;
	do {
		err = glint_client_stream_next(stream, &image);
		check_image(&image);
		assert(err <= 1 && (err == 1) == (image.size > 0));
	} while (err == 1);
	assert(glint_client_stream_next(stream, &image) == err);
	glint_client_stream_close(stream);
	glint_image_fini(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct glint_client *client;

	server = plan_of(data, size);
	piece_size = 0;
	interrupted = false;
	assert(glint_client_create(&client, "/run/glint/fuzz.sock") == 0);
	glint_client_set_timeout(client, 0);
	if (plan_switch(&server, STATE))
		read_state(client);
	else if (plan_switch(&server, STREAM))
		read_stream(client);
	else
		read_snapshot(client);
	glint_client_destroy(client);
	plan_fini(&server);
	return 0;
}
