/* SPDX-License-Identifier: MIT */
/*
 * The interface between the encoder and its backends, and all that a backend knows of the
 * encoder. A job that a backend has begun ends with exactly one glint_encoder_finish(),
 * glint_encoder_return() or glint_encoder_pass_on(), from within begin() or later, always on
 * the loop's thread. Jobs may end in any order.
 */
#ifndef GLINT_ENCODE_BACKEND_H
#define GLINT_ENCODE_BACKEND_H

#include "base/list.h"
#include "core/packet.h"
#include "encode/encoder.h"
#include "encode/packet_pool.h"
#include "v4l2/format.h"

struct glint_encoder_backend;

/* One frame on its way through the encoder, which owns the job and keeps @src referenced. */
struct glint_encoder_job {
	struct glint_encoder *encoder;
	struct glint_frame *src;
	uint64_t number; /* in capture order */
	/* The encoder's own. */
	struct glint_encoder_backend *backend; /* that has begun the job; NULL: none yet */
	unsigned first; /* of the backends that may be asked: the others had it */
	uint64_t begin_ns;
	bool finished;
	struct glint_packet *packet;
	int err;
	struct glint_list link;
};

/* What only the backend knows; zero and "" by default. */
struct glint_encoder_backend_status {
	const char *engine;	 /* of the CPU encoder: "avx2", "neon", "libjpeg-turbo"; else "" */
	const char *subsampling; /* "4:2:0", "4:2:2", "4:4:4", "grey", or "" */
	unsigned quality;	 /* 0 when the device's own JPEGs are passed on */
	unsigned workers, slices;
	uint64_t rows_reused; /* MCU rows that were those of the frame before, since start */
	unsigned pictures, pictures_held; /* whose data is the device's */
	unsigned pictures_kept;		  /* of the pool, by the backend for itself */
};

/* A hardware encoder. */
struct glint_encoder_device_status {
	const char *state;	   /* "ok", "quarantined", "probing", "absent"; "" without one */
	const char *reason;	   /* why the device is not used, for people; "" */
	const char *path, *driver; /* of the last device that was used; "" */
	const char *memory;	 /* how frames get into it: "import", "copy"; "" before the first */
	int32_t driver_quality;	 /* on the driver's scale; -1: unknown */
	uint64_t faults, probes; /* times that the device failed; that it was tried */
	uint64_t late;	 /* frames that other backends encoded because the device was late */
	unsigned leased; /* frames that the device has, lost ones included */
};

/* A kind of backend. A function may be NULL only where its comment says so. */
struct glint_encoder_backend_ops {
	const char *type; /* ustreamer's word: "CPU", "HW" */
	const char *name; /* in /state and in the log */
	/* Whether the settings ask for this backend. Or NULL: always. */
	bool (*wanted)(const struct glint_encoder_config *config);
	/* Allocates. -ENOMEM, -EAGAIN, -EMFILE; nothing is owned on failure. */
	int (*create)(struct glint_encoder_backend **out, struct glint_loop *loop,
		      const struct glint_encoder_config *config, struct glint_encoder *encoder);
	/* Shows each frame that is to be encoded, whichever backend will do it. Or NULL. */
	void (*offer)(struct glint_encoder_backend *backend, struct glint_frame *src);
	/* Whether the backend encodes such a frame, at once or later. */
	bool (*takes)(const struct glint_encoder_backend *backend, const struct glint_frame *src);
	/* Whether it can begin another job now. */
	bool (*has_room)(const struct glint_encoder_backend *backend);
	void (*begin)(struct glint_encoder_backend *backend, struct glint_encoder_job *job);
	/*
	 * See glint_encoder_prepare() and glint_encoder_apply(). Or NULL: the config is read
	 * anew.
	 */
	int (*prepare)(struct glint_encoder_backend *backend,
		       const struct glint_encoder_config *wanted, struct glint_prepare *prepare,
		       enum glint_holds *holds);
	/* The encoder's config has changed, or a change was given up. */
	void (*apply)(struct glint_encoder_backend *backend);
	/*
	 * The device that capture negotiates formats and memory with, as long as the backend.
	 * Or NULL.
	 */
	struct glint_downstream *(*downstream)(struct glint_encoder_backend *backend);
	/* No frame was encoded for a while: give back what a later frame can do without. Or NULL. */
	void (*idle)(struct glint_encoder_backend *backend);
	/* Asked of the backend that has had the last frame. */
	void (*status)(const struct glint_encoder_backend *backend,
		       struct glint_encoder_backend_status *status);
	/* Fills in all members, whichever backend has had the last frame. Or NULL: no device. */
	void (*device_status)(const struct glint_encoder_backend *backend,
			      struct glint_encoder_device_status *status);
	/* No job is under way. False: a thread is stuck in the kernel, with what it works on. */
	bool (*destroy)(struct glint_encoder_backend *backend);
};

struct glint_encoder_backend {
	const struct glint_encoder_backend_ops *ops;
	struct glint_encoder *encoder;
	const struct glint_encoder_config *config; /* the encoder's */
	struct glint_loop *loop;
	uint64_t copies;	       /* whole-frame copies made */
	struct glint_packet_pool pool; /* the encoder frees what is idle */
};

/* The order in which the backends are asked; NULL ends the table. Here alone they are named. */
extern const struct glint_encoder_backend_ops *const glint_encoder_backends[];

extern const struct glint_encoder_backend_ops glint_passthrough_backend;
extern const struct glint_encoder_backend_ops glint_m2m_backend;
extern const struct glint_encoder_backend_ops glint_cpu_backend;

/*
 * The job is done. @packet, with its parts and size, is the encoder's now. Or NULL and @err:
 * -ENOBUFS when readers hold every packet, else what went wrong.
 */
void glint_encoder_finish(struct glint_encoder_job *job, struct glint_packet *packet, int err);

/* The pool of a backend has grown: the encoder frees idle packets later. */
void glint_encoder_trim_later(struct glint_encoder *encoder);

/* A full backend can take a job again, although none of its jobs has ended. */
void glint_encoder_continue(struct glint_encoder *encoder);

/* The backend cannot do the job, and takes no such frames from now on: another backend does it. */
void glint_encoder_return(struct glint_encoder_job *job);

/*
 * The frame would be late: the job goes to a backend further down the table that takes it.
 * False: there is none, and the job stays with this backend.
 */
bool glint_encoder_pass_on(struct glint_encoder_job *job);
#endif
