/* SPDX-License-Identifier: MIT */
/*
 * One stream's use of an encoder, from opening to closing the device. Each call may block in
 * the kernel for as long as the driver likes, so all calls belong to the encoder's own
 * thread.
 */
#ifndef GLINT_ENCODE_M2M_SESSION_H
#define GLINT_ENCODE_M2M_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/frame.h"
#include "encode/m2m/negotiation.h"
#include "encode/m2m/outputs.h"
#include "v4l2/codec.h"

#define GLINT_M2M_JOBS_MAX 4

/* How frames get into the encoder. */
enum glint_m2m_way {
	GLINT_M2M_WAY_NONE,
	GLINT_M2M_WAY_IMPORT, /* the encoder imports the buffers that frames are in */
	GLINT_M2M_WAY_COPY,   /* each frame is copied to a buffer of the encoder */
};

/* Parameters of a start; must not change until started() is called. */
struct glint_m2m_setup {
	const struct glint_frame *frame; /* of the stream; the caller holds a reference */
	unsigned quality;		 /* 1..100 */
	bool half_chroma;		 /* 4:2:0, if the encoder can be told */
	bool may_import;		 /* false: the encoder has refused this stream's memory */
};

struct glint_m2m_started {
	int err;
	enum glint_m2m_way way;
	enum glint_memory memory; /* that the frames are in */
	struct glint_m2m_found found;
	int32_t driver_quality;		   /* -1: it cannot be told */
	struct glint_m2m_outputs *outputs; /* the receiver's */
};

/* How a job ended. */
struct glint_m2m_ended {
	void *cookie;
	int err;	 /* -EBADMSG: no whole JPEG of the right size */
	unsigned output; /* buffer that the JPEG is in; leased until it is given back */
	size_t size;
};

struct glint_m2m_job {
	void *cookie;	    /* NULL: free */
	uint64_t number;    /* in order; the stamp that the driver carries along */
	unsigned place;	    /* on the raw queue */
	bool read, written; /* the driver has given back the frame, the JPEG */
	struct glint_m2m_ended end;
};

struct glint_m2m_session_ops {
	void (*ended)(void *ctx, const struct glint_m2m_ended *ended);
};

struct glint_m2m_session {
	struct glint_m2m_negotiation *negotiation; /* borrowed */
	const struct glint_m2m_session_ops *ops;
	void *ctx;

	struct glint_codec codec; /* closed: there is no session */
	int broken;		  /* the error that has ended it; 0: none */
	enum glint_m2m_way way;
	struct glint_format format;	   /* of the frames */
	struct glint_m2m_outputs *outputs; /* read only after the start: the loop's */
	struct glint_dmabuf copies[GLINT_M2M_JOBS_MAX];
	unsigned n_copies;
	struct glint_m2m_job jobs[GLINT_M2M_JOBS_MAX];
	uint64_t n_begun;
	uint32_t outputs_queued; /* JPEG buffers that the driver has, a bit each */
};

/* @negotiation is borrowed: the session takes its encoder from there. */
void glint_m2m_session_init(struct glint_m2m_session *session,
			    struct glint_m2m_negotiation *negotiation,
			    const struct glint_m2m_session_ops *ops, void *ctx);

/* Stop the last session, and start a new one. @started->err is the result. */
void glint_m2m_session_start(struct glint_m2m_session *session, const struct glint_m2m_setup *setup,
			     struct glint_m2m_started *started);

/*
 * Encode the frame in @buf, the stream's buffer @slot. The job ends with ended(), at once if the
 * frame cannot be queued. @buf must not change until then, and is mapped where the way is a copy.
 */
void glint_m2m_session_encode(struct glint_m2m_session *session, void *cookie, unsigned slot,
			      const struct glint_dmabuf *buf);

/* Return a JPEG's buffer to the encoder. Buffers of an earlier session are ignored. */
void glint_m2m_session_give(struct glint_m2m_session *session,
			    const struct glint_m2m_outputs *outputs, unsigned index);

/*
 * Frames that are queued from now on have @quality. Without a session: 0. -ENOTTY: the driver has
 * no such control; else what the driver says. *@driver_quality: the driver's value, or -1.
 */
int glint_m2m_session_tune(struct glint_m2m_session *session, unsigned quality,
			   int32_t *driver_quality);

/* The descriptor to wait on, readable or writable, while there are jobs; else -1. */
int glint_m2m_session_fd(const struct glint_m2m_session *session);

/* The descriptor is ready: end the jobs that are done. @broken: the descriptor has an error. */
void glint_m2m_session_ready(struct glint_m2m_session *session, bool broken);

/* End all jobs with -ECANCELED, after the driver has released them. Fine without a session. */
void glint_m2m_session_stop(struct glint_m2m_session *session);

/*
 * Returns the driver's value for @quality, 1..100: its minimum for 1, its maximum for 100, even
 * steps between. A higher value is a better quality in every driver, also for the four tables
 * of s5p-jpeg and rcar_jpu, although the header of s5p-jpeg says the opposite.
 */
int32_t glint_m2m_quality(unsigned quality, const struct glint_codec_range *range);
#endif
