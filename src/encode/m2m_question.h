/* SPDX-License-Identifier: MIT */
/*
 * A question that one thread puts to the encoder's, and waits for the answer, but not for
 * ever: the answer of a thread that is stuck goes nowhere. One at a time; what it is made of
 * is copied, so that nobody's memory is waited for.
 */
#ifndef GLINT_ENCODE_M2M_QUESTION_H
#define GLINT_ENCODE_M2M_QUESTION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "encode/m2m_find.h"

enum glint_m2m_ask {
	GLINT_M2M_ASK_FORMATS,
	GLINT_M2M_ASK_FIND,
	GLINT_M2M_ASK_READS,
	GLINT_M2M_ASK_LEND,
};

enum glint_m2m_asking {
	GLINT_M2M_ASKING_NOTHING,
	GLINT_M2M_ASKING_WAITS,		/* to be taken */
	GLINT_M2M_ASKING_TAKEN,
	GLINT_M2M_ASKING_LEFT,		/* taken, and nobody waits any more */
	GLINT_M2M_ASKING_ANSWERED,
};

struct glint_m2m_question {
	enum glint_m2m_asking state;	/* under the lock, as all else but while it is taken */
	enum glint_m2m_ask kind;
	const char *device;		/* of static life, or NULL */
	struct glint_format format;
	unsigned n;			/* buffers to lend */
	/* READS: the memory, its descriptors the question's own. LEND: the answer, the asker's. */
	struct glint_dmabuf bufs[GLINT_VQUEUE_BUFFERS_MAX];
	/* The answer. */
	int err;
	uint32_t fourccs[GLINT_CODEC_FORMATS_MAX];
	unsigned n_fourccs;
	struct glint_m2m_found found;
};

/* Where they are put. */
struct glint_m2m_desk {
	pthread_mutex_t *lock;		/* borrowed, as is @changed */
	pthread_cond_t *changed;
	bool closed;			/* under the lock */
	struct glint_m2m_question question;
};

/* Puts @question to the desk. -EBUSY: another has not been answered yet; -ECANCELED: closed. */
int glint_m2m_question_put(struct glint_m2m_desk *desk, const struct glint_m2m_question *question);

/*
 * Waits for what was put, and copies the answer to @question. -ETIMEDOUT: then nothing of
 * @question is the asker's, but if it was not even taken: -EAGAIN.
 */
int glint_m2m_question_wait(struct glint_m2m_desk *desk, struct glint_m2m_question *question,
			    uint64_t deadline_ns);

/* Who waits is told so as if his time were over. */
void glint_m2m_question_close(struct glint_m2m_desk *desk);

/* On the encoder's thread: answers what waits, if something does. */
void glint_m2m_question_answer(struct glint_m2m_desk *desk, struct glint_v4l2_access *access);
#endif
