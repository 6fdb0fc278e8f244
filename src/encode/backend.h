/* SPDX-License-Identifier: MIT */
/*
 * What the encoder asks of those who do the work. A frame that has begun ends with
 * exactly one glint_encoder_finish(), glint_encoder_return() or glint_encoder_pass_on(),
 * from within begin() or later, always on the loop's thread. In which order they end is all the same.
 */
#ifndef GLINT_ENCODE_BACKEND_H
#define GLINT_ENCODE_BACKEND_H

#include "base/list.h"
#include "core/picture.h"
#include "encode/encoder.h"
#include "encode/pictures.h"
#include "v4l2/format.h"

struct glint_backend;

/* One frame on its way through the encoder, which owns it and keeps @src referenced. */
struct glint_work {
	struct glint_encoder *encoder;
	struct glint_frame *src;
	/* The encoder's own. */
	struct glint_backend *backend;		/* that has begun it; NULL: it waits */
	unsigned first;				/* of the backends that may be asked: those before had it */
	uint64_t begin_ns;
	bool finished;
	struct glint_picture *picture;
	int err;
	struct glint_list link;
};

struct glint_backend_ops {
	const char *type;	/* ustreamer's word: "CPU", "HW" */
	const char *name;	/* ours */
	/* Or NULL. Sees each frame that is to be encoded, whoever will do it. */
	void (*offer)(struct glint_backend *backend, struct glint_frame *src);
	/* Whether it would do such a frame now, if not at once. */
	bool (*takes)(const struct glint_backend *backend, const struct glint_frame *src);
	/* Whether it can begin another now. */
	bool (*room)(const struct glint_backend *backend);
	void (*begin)(struct glint_backend *backend, struct glint_work *work);
	/* Adds what only the backend knows: slices, subsampling, quality, pictures of its device. */
	void (*status)(const struct glint_backend *backend, struct glint_encoder_status *status);
	/* Nothing is under way. False: a thread of it is stuck in the kernel, with what it had. */
	bool (*destroy)(struct glint_backend *backend);
};

struct glint_backend {
	const struct glint_backend_ops *ops;
	struct glint_encoder *encoder;
	const struct glint_encoder_config *config;	/* the encoder's */
	struct glint_loop *loop;
	uint64_t copies;		/* whole-frame copies made */
	struct glint_pictures pictures;	/* whose data is ours; given back by the encoder when idle */
};

/* Allocate; nothing is owned on failure. */
int glint_cpu_create(struct glint_backend **out, struct glint_loop *loop,
		     const struct glint_encoder_config *config, struct glint_encoder *encoder);
int glint_passthrough_create(struct glint_backend **out, struct glint_loop *loop,
			     const struct glint_encoder_config *config,
			     struct glint_encoder *encoder);

/*
 * The frame is done: @picture, with parts and size, is the encoder's now; or NULL
 * and @err: -ENOBUFS when readers hold every picture, else what went wrong.
 */
void glint_encoder_finish(struct glint_work *work, struct glint_picture *picture, int err);

/* The pool of a backend has grown: what is not needed is to be given back some time. */
void glint_encoder_trim_later(struct glint_encoder *encoder);

/* A backend that had no room has some now, and nothing has ended. */
void glint_encoder_continue(struct glint_encoder *encoder);

/* Somebody else is to do the frame: the backend takes no such frames from now on. */
void glint_encoder_return(struct glint_work *work);

/*
 * The frame would be late: it goes to a backend further on that takes it. False: there is
 * none, and it stays with this one.
 */
bool glint_encoder_pass_on(struct glint_work *work);
#endif
