/* SPDX-License-Identifier: MIT */
/*
 * The thread that owns the encoder's device, because any call into a driver may hang, poll(2)
 * included. The loop queues commands; the thread queues events about them. Both queues are
 * bounded by the number of frames and buffers. A stuck thread continues when the kernel
 * returns; nothing that it uses is freed before.
 */
#ifndef GLINT_ENCODE_M2M_THREAD_H
#define GLINT_ENCODE_M2M_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "encode/m2m/session.h"

struct glint_loop;
struct glint_m2m_thread;

/* Called on the loop thread. */
struct glint_m2m_listener {
	void (*started)(struct glint_m2m_listener *listener,
			const struct glint_m2m_started *started);
	void (*ended)(struct glint_m2m_listener *listener, const struct glint_m2m_ended *ended);
	void (*stopped)(struct glint_m2m_listener *listener);
	/* @driver_quality: as in glint_m2m_started; -1 with @err, and without a session. */
	void (*tuned)(struct glint_m2m_listener *listener, int err, int32_t driver_quality);
};

/*
 * @device: see glint_m2m_negotiation. All are borrowed. -EAGAIN, -ENOMEM, -EMFILE; nothing is
 * owned on failure.
 */
int glint_m2m_thread_create(struct glint_m2m_thread **out, struct glint_loop *loop,
			    struct glint_v4l2_access *access, const char *device,
			    struct glint_m2m_listener *listener);

/*
 * Stop the session, deliver its events, and end the thread; wait until @deadline_ns.
 * False: the thread is stuck. It is left behind with what it works on, no event follows, and
 * the process should end soon. NULL is fine. Call it before the loop is destroyed.
 */
bool glint_m2m_thread_destroy(struct glint_m2m_thread *thread, uint64_t deadline_ns);

/* Deliver pending events at once. Not from within an event. */
void glint_m2m_thread_deliver(struct glint_m2m_thread *thread);

/* See glint_m2m_session. One start, and as many jobs as a session has, may be under way. */
void glint_m2m_thread_start(struct glint_m2m_thread *thread, const struct glint_m2m_setup *setup);
void glint_m2m_thread_encode(struct glint_m2m_thread *thread, void *cookie, unsigned slot,
			     const struct glint_dmabuf *buf);
void glint_m2m_thread_give(struct glint_m2m_thread *thread, const struct glint_m2m_outputs *outputs,
			   unsigned index);
void glint_m2m_thread_stop(struct glint_m2m_thread *thread);

/* Frames that follow have @quality; tuned() tells. One may be under way. */
void glint_m2m_thread_tune(struct glint_m2m_thread *thread, unsigned quality);

/*
 * A request about formats from another thread, answered between two commands. Wait until
 * @deadline_ns, then return -ETIMEDOUT; -EBUSY: another request is under way. The session goes on.
 */
int glint_m2m_thread_formats(struct glint_m2m_thread *thread, uint32_t width, uint32_t height,
			     uint32_t fourccs[static GLINT_CODEC_FORMATS_MAX],
			     uint64_t deadline_ns);
int glint_m2m_thread_find(struct glint_m2m_thread *thread, const struct glint_format *format,
			  struct glint_m2m_found *found, uint64_t deadline_ns);

/* End the request that waits, and refuse further requests. Any thread. */
void glint_m2m_thread_close_mailbox(struct glint_m2m_thread *thread);

/* Requests about memory; see v4l2/downstream.h. */
int glint_m2m_thread_reads(struct glint_m2m_thread *thread, const struct glint_format *format,
			   const struct glint_dmabuf *buf, uint64_t deadline_ns);
int glint_m2m_thread_lend(struct glint_m2m_thread *thread, const struct glint_format *format,
			  unsigned n, struct glint_dmabuf *bufs, uint64_t deadline_ns);
#endif
