/* SPDX-License-Identifier: MIT */
#include "encode/m2m_question.h"

#include <errno.h>

#include "base/clock.h"
#include "encode/m2m_memory.h"

int glint_m2m_question_put(struct glint_m2m_desk *desk, const struct glint_m2m_question *question)
{
	int err = 0;

	pthread_mutex_lock(desk->lock);
	if (desk->closed)
		err = -ECANCELED;
	else if (desk->question.state != GLINT_M2M_ASKING_NOTHING)
		err = -EBUSY;
	if (err == 0) {
		desk->question = *question;
		desk->question.state = GLINT_M2M_ASKING_WAITS;
	}
	pthread_mutex_unlock(desk->lock);
	return err;
}

int glint_m2m_question_wait(struct glint_m2m_desk *desk, struct glint_m2m_question *question,
			    uint64_t deadline_ns)
{
	struct glint_m2m_question *asked = &desk->question;
	struct timespec deadline = glint_timespec(deadline_ns);
	int err = 0;

	pthread_mutex_lock(desk->lock);
	while (asked->state != GLINT_M2M_ASKING_ANSWERED && !desk->closed && err != ETIMEDOUT)
		err = pthread_cond_timedwait(desk->changed, desk->lock, &deadline);
	if (asked->state == GLINT_M2M_ASKING_TAKEN) {
		asked->state = GLINT_M2M_ASKING_LEFT;	/* it is not ours to touch */
		err = -ETIMEDOUT;
	} else {
		err = asked->state == GLINT_M2M_ASKING_ANSWERED ? 0 : -EAGAIN;
		*question = *asked;
		asked->state = GLINT_M2M_ASKING_NOTHING;
	}
	pthread_mutex_unlock(desk->lock);
	return err;
}

void glint_m2m_question_close(struct glint_m2m_desk *desk)
{
	pthread_mutex_lock(desk->lock);
	desk->closed = true;
	pthread_cond_broadcast(desk->changed);
	pthread_mutex_unlock(desk->lock);
}

static void answer(struct glint_m2m_question *question, struct glint_v4l2_access *access)
{
	const char *device = question->device;

	switch (question->kind) {
	case GLINT_M2M_ASK_FORMATS:
		question->n_fourccs = glint_m2m_find_formats(access, device, question->format.width,
							     question->format.height,
							     question->fourccs);
		break;
	case GLINT_M2M_ASK_FIND:
		glint_m2m_find(access, device, &question->format, &question->found);
		break;
	case GLINT_M2M_ASK_READS:
		question->err = glint_m2m_memory_reads(access, device, &question->format,
						       &question->bufs[0]);
		break;
	case GLINT_M2M_ASK_LEND:
		question->err = glint_m2m_memory_lend(access, device, &question->format,
						      question->n, question->bufs);
		break;
	}
}

/* Nobody waits for it any more. */
static void discard(struct glint_m2m_question *question)
{
	if (question->kind == GLINT_M2M_ASK_READS)
		glint_dmabuf_fini(&question->bufs[0]);
	for (unsigned i = 0;
	     question->kind == GLINT_M2M_ASK_LEND && question->err == 0 && i < question->n; i++)
		glint_dmabuf_fini(&question->bufs[i]);
}

void glint_m2m_question_answer(struct glint_m2m_desk *desk, struct glint_v4l2_access *access)
{
	struct glint_m2m_question *asked = &desk->question, question;

	pthread_mutex_lock(desk->lock);
	if (asked->state != GLINT_M2M_ASKING_WAITS) {
		pthread_mutex_unlock(desk->lock);
		return;
	}
	asked->state = GLINT_M2M_ASKING_TAKEN;
	question = *asked;
	pthread_mutex_unlock(desk->lock);

	answer(&question, access);

	pthread_mutex_lock(desk->lock);
	if (asked->state == GLINT_M2M_ASKING_LEFT) {
		asked->state = GLINT_M2M_ASKING_NOTHING;
		discard(&question);
	} else {
		*asked = question;
		asked->state = GLINT_M2M_ASKING_ANSWERED;
		pthread_cond_broadcast(desk->changed);
	}
	pthread_mutex_unlock(desk->lock);
}
