/* SPDX-License-Identifier: MIT */
/*
 * The thread that an encoder's device belongs to: a call into it may hang, and so
 * may poll(2) on it. The loop puts commands in, in order, and is told how they ended.
 * Both ways are bounded, because the loop has only so many frames and buffers to speak
 * of. A thread that is stuck goes on when the kernel lets it; nothing is taken from it.
 */
#ifndef GLINT_ENCODE_M2M_THREAD_H
#define GLINT_ENCODE_M2M_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "encode/m2m_session.h"

struct glint_loop;
struct glint_m2m_thread;

/* On the loop's thread. */
struct glint_m2m_listener {
	void (*started)(struct glint_m2m_listener *listener,
			const struct glint_m2m_started *started);
	void (*ended)(struct glint_m2m_listener *listener, const struct glint_m2m_ended *ended);
	void (*stopped)(struct glint_m2m_listener *listener);
};

/* @access and @listener are borrowed. -EAGAIN, -ENOMEM, -EMFILE; nothing is owned on failure. */
int glint_m2m_thread_create(struct glint_m2m_thread **out, struct glint_loop *loop,
			    struct glint_v4l2_access *access, struct glint_m2m_listener *listener);

/*
 * Stops the session, with its events, and ends the thread; waits until @deadline_ns.
 * False: it is stuck. Then it and what it works on are left behind, no event comes any
 * more, and the process should end soon. NULL is fine. Before the loop's end.
 */
bool glint_m2m_thread_destroy(struct glint_m2m_thread *thread, uint64_t deadline_ns);

/* Tells what has happened by now, as the loop would at its next turn. Not from within an event. */
void glint_m2m_thread_deliver(struct glint_m2m_thread *thread);

/* See glint_m2m_session. One start, and as many jobs as a session has, may be under way. */
void glint_m2m_thread_start(struct glint_m2m_thread *thread, const struct glint_m2m_setup *setup);
void glint_m2m_thread_encode(struct glint_m2m_thread *thread, void *cookie, unsigned slot,
			     const struct glint_dmabuf *buf);
void glint_m2m_thread_give(struct glint_m2m_thread *thread, const struct glint_m2m_outputs *outputs,
			   unsigned index);
void glint_m2m_thread_stop(struct glint_m2m_thread *thread);

/*
 * Another thread's question about formats, answered between two commands. All wait until
 * @deadline_ns, then -ETIMEDOUT; -EBUSY: somebody else asks. The session goes on.
 */
int glint_m2m_thread_formats(struct glint_m2m_thread *thread, const char *device, uint32_t width,
			     uint32_t height, uint32_t fourccs[static GLINT_CODEC_FORMATS_MAX],
			     uint64_t deadline_ns);
int glint_m2m_thread_find(struct glint_m2m_thread *thread, const char *device,
			  const struct glint_format *format, struct glint_m2m_found *found,
			  uint64_t deadline_ns);

/* No question is answered any more; who waits for an answer is told so at once. Any thread. */
void glint_m2m_thread_close_questions(struct glint_m2m_thread *thread);

/* The same about memory: see v4l2/partner.h. */
int glint_m2m_thread_reads(struct glint_m2m_thread *thread, const char *device,
			   const struct glint_format *format, const struct glint_dmabuf *buf,
			   uint64_t deadline_ns);
int glint_m2m_thread_lend(struct glint_m2m_thread *thread, const char *device,
			  const struct glint_format *format, unsigned n, struct glint_dmabuf *bufs,
			  uint64_t deadline_ns);
#endif
