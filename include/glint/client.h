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
 *	-EISDIR -ENOTSOCK	the address is the path of a folder, or of no socket
 *	-ETIME		what was waited for has not happened in time
 *	-ETIMEDOUT	the call did not end within the client's timeout
 *	-ECONNRESET	the service went away in the middle of an answer
 *	-EPERM		the service wants a login, or another one
 *	-EAGAIN		the service has had too many wrong logins from here: wait
 *	-EADDRNOTAVAIL	the service does not answer to the name in its address
 *	-EBUSY		the service has too many clients
 *	-ENODATA	the service answers, but there is no live video
 *	-EMSGSIZE	the answer is larger than any valid answer
 *	-EPROTO		the answer is not valid; is it a glint service at all?
 *	-ENOTSUP	a setting cannot be changed while the service runs, or its device refuses
 *	-ETIME		what was asked for did not happen in the time that the service was given
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

#define GLINT_CLIENT_TIMEOUT_MS 5000 /* unless glint_client_set_timeout() says otherwise */

/*
 * An address, a login and a timeout. A client holds no connection: each call makes
 * a new one, so a restart of the service between two calls has no effect.
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
 * The caller owns *@out. -EINVAL: no address, such as a port without a host or IPv6
 * without brackets, or a port that is not 1 to 65535;
 * -ENAMETOOLONG: the path has more than 107 bytes; -EPROTONOSUPPORT: a URL of another
 * scheme, such as https; -ENOTUNIQ: /run/glint has several, one must be chosen; -ENOMEM.
 * After an error *@out is NULL.
 */
int glint_client_create(struct glint_client **out, const char *address);

/* NULL is fine. Streams that were opened from it live on. */
void glint_client_destroy(struct glint_client *client);

/* Returns the chosen address, which lives as long as the client. */
const char *glint_client_address(const struct glint_client *client);

/*
 * Set the time that one call may take from its start to its end, also of
 * glint_client_stream_next(); 0 or less: no limit. The C library looks up a host's
 * name, with a timeout of its own.
 */
void glint_client_set_timeout(struct glint_client *client, int timeout_ms);

/* Use HTTP's basic authentication; NULL @user: none. -EINVAL (a colon in @user), -ENOMEM. */
int glint_client_set_login(struct glint_client *client, const char *user, const char *password);

/*
 * Get the state as JSON text, zero-terminated; the caller frees *@json. protocol.h
 * lists the members. After an error *@json is NULL.
 */
int glint_client_state(struct glint_client *client, char **json, size_t *len);

/*
 * Get all settings as JSON text: value, default and range of each, and when a change takes
 * effect. The caller frees *@json, which is NULL after an error.
 */
int glint_client_config(struct glint_client *client, char **json, size_t *len);

struct glint_setting {
	const char *name;  /* a long option of glintd, without dashes */
	const char *value; /* as on glintd's command line; NULL: the default */
};

/*
 * Change settings while the service runs: all @n, or none. -EINVAL: a setting does not exist,
 * or its value is not allowed; -ENOTSUP: see above; -EBUSY: the device does not answer now.
 * Also after these errors *@json may be the service's reply, which the caller frees; its
 * member error.message says what is wrong. Otherwise *@json is NULL.
 */
int glint_client_set(struct glint_client *client, const struct glint_setting *settings, size_t n,
		     char **json, size_t *len);

/*
 * Get the controls of the device as JSON text, in result.controls. -EBUSY: the device is away or does
 * not answer now. Otherwise as glint_client_set().
 */
int glint_client_controls(struct glint_client *client, char **json, size_t *len);

/*
 * Change controls of the device: all @n, or none; a NULL value is the default. -EINVAL: a control
 * does not exist or does not take the value; -ENOTSUP: the device refuses. Otherwise as
 * glint_client_set(). *@json has what the device has now.
 */
int glint_client_set_controls(struct glint_client *client, const struct glint_setting *values,
			      size_t n, char **json, size_t *len);

/*
 * List the DV timings of the device as JSON text: result.timings, present, signal. Errors as
 * glint_client_controls(). To set them, change the setting "timings".
 */
int glint_client_timings(struct glint_client *client, char **json, size_t *len);

/*
 * Get the EDID that the device shows to its source as JSON text: what it says, and its bytes in
 * result.hex. -EREMOTEIO: there is none; -ENOTSUP: the device has no EDID. Otherwise as
 * glint_client_set().
 */
int glint_client_edid(struct glint_client *client, char **json, size_t *len);

/*
 * Write another EDID: the built-in one of that @name ("none": the source sees no display), or @size
 * bytes at @edid if @name is NULL. The stream may stop for it. Errors as glint_client_set().
 */
int glint_client_set_edid(struct glint_client *client, const char *name, const void *edid,
			  size_t size, char **json, size_t *len);

/*
 * Wait until the screen shows something, for at most @wait_ms; the client's own timeout comes on
 * top, for the way there and back. @conditions are parameters of the service's /wait, encoded for
 * a URL: "for=still&stable=500ms&region=640x360%2B0%2B0". *@json is the answer, the caller's to
 * free(), also after -ETIME: the condition was not met in time. After a refusal, such as -EINVAL,
 * -ENOTSUP, -EREMOTEIO (for an unknown mark) or -EBUSY, its member error.message may say why. Else
 * NULL.
 */
int glint_client_wait(struct glint_client *client, const char *conditions, int wait_ms, char **json,
		      size_t *len);

/*
 * The same for "for=match" among the @conditions, with the reference picture, a file of PNG, JPEG,
 * PPM or PGM. -EINVAL without *@json: it is none of these. -ENOTSUP: the reference does not lie
 * within the picture; -EREMOTEIO: the picture is too large; *@json says more.
 */
int glint_client_wait_match(struct glint_client *client, const char *conditions,
			    const void *picture, size_t size, int wait_ms, char **json,
			    size_t *len);

/* The fields of an image that the service has sent. */
enum {
	GLINT_IMAGE_ONLINE = 1 << 0,
	GLINT_IMAGE_SEQUENCE = 1 << 1,
	GLINT_IMAGE_TIMESTAMP = 1 << 2,
	GLINT_IMAGE_AGE = 1 << 3,
	GLINT_IMAGE_SIZE = 1 << 4, /* width and height */
	GLINT_IMAGE_EXPOSURE = 1 << 5,
	GLINT_IMAGE_STREAM = 1 << 6,
	GLINT_IMAGE_SERIAL = 1 << 7,
	GLINT_IMAGE_COMPLETE = 1 << 8,
	GLINT_IMAGE_ERROR = 1 << 9,
	GLINT_IMAGE_SENT = 1 << 10,
	GLINT_IMAGE_REALTIME = 1 << 11,
	GLINT_IMAGE_REALTIME_ERROR = 1 << 12,
	GLINT_IMAGE_DROPPED = 1 << 13,
	GLINT_IMAGE_CORRUPT = 1 << 14,
	GLINT_IMAGE_SKIPPED = 1 << 15,
};

/*
 * One picture; zero-initialised. The functions below fill it, and reuse its memory
 * if it is filled again.
 */
struct glint_image {
	unsigned char *data; /* a file of @size bytes, a JPEG by default; for glint_image_fini() */
	size_t size;
	size_t capacity; /* the library's own */

	unsigned known;		/* GLINT_IMAGE_*; the fields of others are 0 */
	bool online;		/* the picture is live; true when the service does not say */
	char reason[32];	/* why it is not: "no-signal", "no-device", ... */
	uint32_t width, height; /* pixels */
	uint64_t sequence;	/* the driver's count */
	uint64_t timestamp_ns;	/* when the frame was taken, the service host's CLOCK_MONOTONIC */
	uint64_t exposure_ns;	/* its exposure began then or later; the same clock */
	uint64_t age_ns;	/* how old it was when it was sent */
	uint64_t stream;	/* of the source: sequence numbers are its own */
	uint64_t serial;	/* of the picture: the same number, the same bytes */
	uint64_t complete_ns;	/* the frame was in memory; the same clock */
	uint64_t error_ns;	/* what that is off by at most */
	uint64_t sent_ns;	/* when the reply began; the same clock */
	uint64_t realtime_ns;	/* the completion as time of day, since 1970 */
	uint64_t realtime_error_ns;
	uint64_t since_dropped, since_corrupt, since_skipped; /* see asks_since */
	char guarantee[16];				      /* "exposed", "complete" */
	char clock[16]; /* "monotonic", or "arrival": the driver has no clock */
};

/* Free the memory of the image, and set all of it to zero. */
void glint_image_fini(struct glint_image *image);

/* Zero-initialised; 0 is the default of every option. */
struct glint_snapshot_options {
	bool any; /* accept the picture that says why there is no live video */
	/*
	 * Only a frame whose exposure began at this time or later, on CLOCK_MONOTONIC of the
	 * service's host; GLINT_AFTER_NOW: when the service has read the request; 0: any frame.
	 */
	uint64_t after_ns;
	/*
	 * "png", "ppm" (RGB), "pgm" (grey): exact pixels; "raw", "y4m": the frame's own samples.
	 * NULL: "jpeg". data is a file of that format then.
	 */
	const char *format;
	uint32_t crop_x, crop_y;	  /* of the upper left pixel of a part of the picture */
	uint32_t crop_width, crop_height; /* both 0: the whole picture */
	unsigned scale; /* 2, 4 or 8: each pixel is the mean of a square of so many a side; 0: 1 */
	/*
	 * The same for other moments: "now", "last", "seq:N", "mark:ID", or a time in ns. Wins
	 * over @after_ns. NULL: none.
	 */
	const char *after;
	/* What is after that moment: "exposed" (NULL, with a moment) or "complete". */
	const char *guarantee;
	/* How long the service waits, also while there is no video; 0: as long as it likes. */
	int wait_ms;
	/* Count what lies between the frame @since and this one: image->since_dropped, ... */
	bool asks_since;
	uint32_t since;
	uint64_t stream; /* of @since and of "seq:N"; 0: not known */
};

#define GLINT_AFTER_NOW UINT64_MAX

/*
 * Get the newest frame that arrived after the call. NULL @options: the defaults.
 * -ENODATA: no live video. -EINVAL: the moment is none, or more than 10 s ahead of the service's
 * clock, the crop is not within the picture, or an option has an invalid value. -ETIME: no such
 * frame came within @wait_ms. -EREMOTEIO with the reason "unknown-mark": there is no such mark.
 * -ENOTSUP: the service does not know when its frames were exposed. After an error @image has no
 * picture; its reason is the service's, or empty.
 */
int glint_client_snapshot(struct glint_client *client, const struct glint_snapshot_options *options,
			  struct glint_image *image);

#define GLINT_MARK_NAME_MAX 63 /* bytes of a mark's name: letters, digits and "-._" */

/*
 * Name the present moment and keep the frame of that moment in the service, for
 * glint_snapshot_options and waits. NULL @id: the service chooses a name, result.id. @keep_ms 0:
 * ten minutes. *@json is the reply, the caller's to free(); NULL: none. -EINVAL: no such name.
 */
int glint_client_mark(struct glint_client *client, const char *id, int keep_ms, char **json,
		      size_t *len);

/* Get all marks, result.marks. *@json is the caller's, to free(); NULL after an error. */
int glint_client_marks(struct glint_client *client, char **json, size_t *len);

/* Remove a mark. -ENOENT: there is none of that name; -EINVAL: it is no name. */
int glint_client_unmark(struct glint_client *client, const char *id);

#define GLINT_RECORD_NAME_MAX 63 /* bytes of a recording's name: letters, digits and "-._" */

/*
 * Record the frames around a moment; the service needs --record. @query are parameters of the
 * service's /record, encoded for a URL: "pre=2s&post=120&name=a". With "wait=1" among them the
 * answer comes when the file is complete, after at most @wait_ms; the client's own timeout comes on
 * top. *@json is the answer, the caller's to free(); after a refusal its member error.message may say
 * why. Else NULL.
 */
int glint_client_record(struct glint_client *client, const char *query, int wait_ms, char **json,
			size_t *len);

/*
 * The same for "for=match" in the @query, with the reference picture, a file of PNG, JPEG, PPM or
 * PGM. -EINVAL without *@json: it is none of these.
 */
int glint_client_record_match(struct glint_client *client, const char *query, const void *picture,
			      size_t size, int wait_ms, char **json, size_t *len);

/* Get the recorder's figures and recordings: result.recorder, result.recordings. As above. */
int glint_client_recordings(struct glint_client *client, char **json, size_t *len);

/* End a recording now. As above; -EINVAL also for what is no name. */
int glint_client_record_stop(struct glint_client *client, const char *name, char **json,
			     size_t *len);

/* A connection on which pictures arrive. */
struct glint_stream;

/* The caller owns *@out, which is NULL after an error. */
int glint_client_stream_open(struct glint_client *client, struct glint_stream **out);

/*
 * Wait for the next picture, live or not (see image->online). A reader that is
 * slower than the source gets the newest picture, and finds the gap in
 * image->sequence. Returns 1 (@image is a picture), 0 (the service has ended the
 * stream), or an error, after which the stream can only be closed.
 */
int glint_client_stream_next(struct glint_stream *stream, struct glint_image *image);

/*
 * Returns the socket, for shutdown(2) only, which ends a wait in
 * glint_client_stream_next() from another thread or a signal handler.
 */
int glint_client_stream_fd(const struct glint_stream *stream);

/* NULL is fine. */
void glint_client_stream_close(struct glint_stream *stream);

/* A connection on which events arrive; see /events in glintd(8). */
struct glint_event_stream;

/*
 * Begins after the event with the id @last_id; "0": with the oldest one that the service still
 * has; NULL: with the next one. Nothing that happens after the call is missed, or an event of
 * type "gap" says so. -EINVAL: @last_id is no id; -EBUSY: too many clients follow the events.
 * The caller owns *@out, which is NULL after an error.
 */
int glint_client_events_open(struct glint_client *client, const char *last_id,
			     struct glint_event_stream **out);

/*
 * Wait for the next event, at most @wait_ms; less than 0: for ever. Returns 1: *@json is the
 * event, one JSON object, valid until the next call; 0: the service has ended the events;
 * -EAGAIN: none has come, and the call may be repeated; -ETIMEDOUT: the service shows no sign
 * of life; or another error. After all but 1 and -EAGAIN there is nothing to do but to close.
 */
int glint_client_events_next(struct glint_event_stream *stream, int wait_ms, const char **json,
			     size_t *len);

/* The socket, as of glint_client_stream_fd(). */
int glint_client_events_fd(const struct glint_event_stream *stream);

/* NULL is fine. */
void glint_client_events_close(struct glint_event_stream *stream);

#ifdef __cplusplus
}
#endif
#endif
