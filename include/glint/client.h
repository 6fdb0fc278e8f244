/* SPDX-License-Identifier: MIT */
/*
 * libglint: ask a glint service for its state, a picture, or all pictures.
 *
 *	struct glint_client *client;
 *	struct glint_image image = { 0 };
 *	int err = glint_client_create(&client, NULL);
 *
 *	if (err == 0) {
 *		err = glint_client_snapshot(client, NULL, &image);
 *		if (err == 0)
 *			fwrite(image.data, 1, image.size, file);
 *		else if (err == -ENODATA)
 *			fprintf(stderr, "not live: %s\n", image.reason);
 *		glint_image_fini(&image);
 *		glint_client_destroy(client);
 *	}
 *
 * Errors. Functions return 0 or more, or a negative errno:
 *	-ENOENT -ECONNREFUSED -EACCES ...	the service cannot be reached
 *	-ETIMEDOUT	it was not done within the client's timeout
 *	-ECONNRESET	the service went away in the middle of an answer
 *	-EPERM		the service wants a login, or another one
 *	-EAGAIN		the service has had too many wrong logins from here: wait
 *	-EADDRNOTAVAIL	the service does not answer to the name in its address
 *	-EBUSY		the service has too many clients
 *	-ENODATA	the service answers, but there is no live video
 *	-EMSGSIZE	the answer is larger than a sane one can be
 *	-EPROTO		the answer makes no sense; is it a glint service at all?
 *	-EREMOTEIO	the service answers with another error
 *	-ENOMEM -EMFILE -EINVAL
 *
 * Threads. Each object is for one thread at a time; different objects are
 * independent, and there is no state besides them. No signal is raised (SIGPIPE)
 * and none ends a wait.
 */
#ifndef GLINT_CLIENT_H
#define GLINT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GLINT_CLIENT_TIMEOUT_MS 5000	/* unless glint_client_set_timeout() says otherwise */

/*
 * An address, a login and a timeout. It holds no connection: each call makes its
 * own, so a service that restarts between two calls is not noticed.
 */
struct glint_client;

/*
 * @address is one of
 *	the path of a unix socket: has a '/' in it, ends in ".sock", or begins with
 *	  "unix:" ("/run/glint/hdmi.sock", "./a", "a.sock", "unix:a")
 *	a host, "host:port", "[::1]" or "[::1]:8080"; the port is 8080 when it is missing
 *	a URL, "http://host:port/prefix"; the port is 80 and the prefix empty when they
 *	  are missing
 *
 * NULL looks in turn for: the environment's GLINT_SOCKET; $XDG_RUNTIME_DIR/glint.sock;
 * the only *.sock in /run/glint; at last 127.0.0.1:8080. Nothing is connected yet.
 *
 * The caller owns *@out. -EINVAL: no address, or a port that is not 1 to 65535;
 * -ENAMETOOLONG: the path has more than 107 bytes; -EPROTONOSUPPORT: a URL of another
 * scheme, such as https; -ENOTUNIQ: /run/glint has several, one must be chosen; -ENOMEM.
 * After an error *@out is NULL.
 */
int glint_client_create(struct glint_client **out, const char *address);

/* NULL is fine. Streams that were opened from it live on. */
void glint_client_destroy(struct glint_client *client);

/* As it was chosen; lives as long as the client. */
const char *glint_client_address(const struct glint_client *client);

/*
 * How long one call may take from its start to its end, stream_next() included;
 * 0 or less: as long as it takes. A host's name is looked up by the C library,
 * which has a timeout of its own.
 */
void glint_client_set_timeout(struct glint_client *client, int timeout_ms);

/* Sends HTTP's basic authentication. NULL @user: none. -EINVAL (a colon in it), -ENOMEM. */
int glint_client_set_login(struct glint_client *client, const char *user, const char *password);

/*
 * The state as JSON text, zero-terminated: *@json is the caller's, to free().
 * The members are in protocol.h. After an error *@json is NULL.
 */
int glint_client_state(struct glint_client *client, char **json, size_t *len);

/* Which of an image's fields the service has told. */
enum {
	GLINT_IMAGE_ONLINE	= 1 << 0,
	GLINT_IMAGE_SEQUENCE	= 1 << 1,
	GLINT_IMAGE_TIMESTAMP	= 1 << 2,
	GLINT_IMAGE_AGE		= 1 << 3,
	GLINT_IMAGE_SIZE	= 1 << 4,	/* width and height */
	GLINT_IMAGE_EXPOSURE	= 1 << 5,
};

/*
 * One picture. Begins as all zeroes; the functions below fill it, again and
 * again if you like, and keep its memory for the next one.
 */
struct glint_image {
	unsigned char *data;	/* a JPEG file, @size bytes; freed by glint_image_fini() */
	size_t size;
	size_t capacity;	/* the library's own */

	unsigned known;		/* GLINT_IMAGE_*; the fields of others are 0 */
	bool online;		/* the picture is live; true when the service does not say */
	char reason[32];	/* why it is not: "no-signal", "no-device", ... */
	uint32_t width, height;	/* pixels */
	uint64_t sequence;	/* the driver's count */
	uint64_t timestamp_ns;	/* when the frame was taken, the service host's CLOCK_MONOTONIC */
	uint64_t exposure_ns;	/* its exposure began then or later; the same clock */
	uint64_t age_ns;	/* how old it was when it was sent */
	char clock[16];		/* "monotonic", or "arrival": the driver has no clock */
};

/* Frees what the image holds; all zeroes again. */
void glint_image_fini(struct glint_image *image);

/* Begins as all zeroes, too: then that is the default of every option. */
struct glint_snapshot_options {
	bool any;	/* also take the picture that says why there is no live one */
	/*
	 * Only a frame whose exposure began then or later: the service host's CLOCK_MONOTONIC,
	 * or GLINT_AFTER_NOW for when it has read the request. 0: it does not matter.
	 */
	uint64_t after_ns;
};

#define GLINT_AFTER_NOW UINT64_MAX

/*
 * The newest frame that arrived after the call. NULL @options: the defaults.
 * -ENODATA: no live video; @image then has no data, but tells the reason. -EINVAL:
 * @after_ns is more than 10 s ahead of the service's clock. -ENOTSUP: the service does
 * not know when its frames were exposed. After any other error than the first @image is
 * empty.
 */
int glint_client_snapshot(struct glint_client *client, const struct glint_snapshot_options *options,
			  struct glint_image *image);

/* A connection on which pictures arrive. */
struct glint_stream;

/* The caller owns *@out, which is NULL after an error. */
int glint_client_stream_open(struct glint_client *client, struct glint_stream **out);

/*
 * Waits for the next picture, live or not (see image->online). A reader that is
 * slower than the source gets the newest, and sees the gap in image->sequence.
 * Returns 1: @image is a picture; 0: the service has ended the stream; or an
 * error, after which there is nothing to do but to close.
 */
int glint_client_stream_next(struct glint_stream *stream, struct glint_image *image);

/*
 * The socket, only for shutdown(2): that ends a wait in stream_next() from another
 * thread or a signal handler.
 */
int glint_client_stream_fd(const struct glint_stream *stream);

/* NULL is fine. */
void glint_client_stream_close(struct glint_stream *stream);

#ifdef __cplusplus
}
#endif
#endif
