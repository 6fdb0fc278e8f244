/* SPDX-License-Identifier: MIT */
/*
 * One request from another thread to the encoder's thread, and its answer. The requester
 * waits until a deadline; the answer of a stuck thread is discarded. Requests and answers are
 * copied, so neither thread waits for the other's memory.
 */
#ifndef GLINT_ENCODE_M2M_MAILBOX_H
#define GLINT_ENCODE_M2M_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "encode/m2m/negotiation.h"

enum glint_m2m_request_kind {
	GLINT_M2M_REQUEST_FORMATS,
	GLINT_M2M_REQUEST_FIND,
	GLINT_M2M_REQUEST_READS,
	GLINT_M2M_REQUEST_LEND,
};

enum glint_m2m_request_state {
	GLINT_M2M_REQUEST_NONE,
	GLINT_M2M_REQUEST_POSTED, /* not taken yet */
	GLINT_M2M_REQUEST_TAKEN,
	GLINT_M2M_REQUEST_ABANDONED, /* taken; the requester has given up */
	GLINT_M2M_REQUEST_ANSWERED,
};

struct glint_m2m_request {
	enum glint_m2m_request_state state; /* under the lock; other fields too, except while TAKEN */
	enum glint_m2m_request_kind kind;
	struct glint_format format;
	unsigned n; /* buffers to lend */
	/* READS: the memory, with descriptors of the request. LEND: the answer, the requester's. */
	struct glint_dmabuf bufs[GLINT_VQUEUE_BUFFERS_MAX];
	/* The answer. */
	int err;
	uint32_t fourccs[GLINT_CODEC_FORMATS_MAX];
	unsigned n_fourccs;
	struct glint_m2m_found found;
};

/* A place for one request. */
struct glint_m2m_mailbox {
	pthread_mutex_t *lock; /* borrowed, as is @changed */
	pthread_cond_t *changed;
	bool closed; /* under the lock */
	struct glint_m2m_request request;
};

/* Post a copy of @request. -EBUSY: another request is under way; -ECANCELED: closed. */
int glint_m2m_mailbox_post(struct glint_m2m_mailbox *mailbox,
			   const struct glint_m2m_request *request);

/*
 * Wait for the answer and copy it to @request. -ETIMEDOUT: the thread has taken the request
 * and owns what is in it. -EAGAIN: the thread has not taken the request; it is the caller's
 * again.
 */
int glint_m2m_mailbox_wait(struct glint_m2m_mailbox *mailbox, struct glint_m2m_request *request,
			   uint64_t deadline_ns);

/* End all waiting as if the deadline had come, and refuse further requests. */
void glint_m2m_mailbox_close(struct glint_m2m_mailbox *mailbox);

/* On the encoder's thread: answer the posted request, if there is one. */
void glint_m2m_mailbox_answer(struct glint_m2m_mailbox *mailbox,
			      struct glint_m2m_negotiation *negotiation);
#endif
