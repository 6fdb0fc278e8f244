/* SPDX-License-Identifier: MIT */
#include "encode/m2m/mailbox.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"

int glint_m2m_mailbox_post(struct glint_m2m_mailbox *mailbox,
			   const struct glint_m2m_request *request)
{
	int err = 0;

	pthread_mutex_lock(mailbox->lock);
	if (mailbox->closed)
		err = -ECANCELED;
	else if (mailbox->request.state != GLINT_M2M_REQUEST_NONE)
		err = -EBUSY;
	if (err == 0) {
		mailbox->request = *request;
		mailbox->request.state = GLINT_M2M_REQUEST_POSTED;
	}
	pthread_mutex_unlock(mailbox->lock);
	return err;
}

int glint_m2m_mailbox_wait(struct glint_m2m_mailbox *mailbox, struct glint_m2m_request *request,
			   uint64_t deadline_ns)
{
	struct glint_m2m_request *posted = &mailbox->request;
	struct timespec deadline = glint_timespec(deadline_ns);
	int err = 0;

	pthread_mutex_lock(mailbox->lock);
	assert(posted->state != GLINT_M2M_REQUEST_NONE); /* the caller has posted it */
	while (posted->state != GLINT_M2M_REQUEST_ANSWERED && !mailbox->closed && err != ETIMEDOUT)
		err = pthread_cond_timedwait(mailbox->changed, mailbox->lock, &deadline);
	if (posted->state == GLINT_M2M_REQUEST_TAKEN) {
		posted->state = GLINT_M2M_REQUEST_ABANDONED; /* the thread owns it */
		err = -ETIMEDOUT;
	} else {
		err = posted->state == GLINT_M2M_REQUEST_ANSWERED ? 0 : -EAGAIN;
		*request = *posted;
		posted->state = GLINT_M2M_REQUEST_NONE;
	}
	pthread_mutex_unlock(mailbox->lock);
	return err;
}

void glint_m2m_mailbox_close(struct glint_m2m_mailbox *mailbox)
{
	pthread_mutex_lock(mailbox->lock);
	mailbox->closed = true;
	pthread_cond_broadcast(mailbox->changed);
	pthread_mutex_unlock(mailbox->lock);
}

static void answer(struct glint_m2m_request *request, struct glint_m2m_negotiation *negotiation)
{
	const struct glint_format *format = &request->format;

	switch (request->kind) {
	case GLINT_M2M_REQUEST_FORMATS:
		request->n_fourccs = glint_m2m_negotiation_formats(
			negotiation, format->width, format->height, request->fourccs);
		break;
	case GLINT_M2M_REQUEST_FIND:
		glint_m2m_negotiation_find(negotiation, format, &request->found);
		break;
	case GLINT_M2M_REQUEST_READS:
		request->err = glint_m2m_negotiation_reads(negotiation, format, &request->bufs[0]);
		break;
	case GLINT_M2M_REQUEST_LEND:
		request->err =
			glint_m2m_negotiation_lend(negotiation, format, request->n, request->bufs);
		break;
	}
}

/* Free what an abandoned request owns. */
static void discard(struct glint_m2m_request *request)
{
	if (request->kind == GLINT_M2M_REQUEST_READS)
		glint_dmabuf_fini(&request->bufs[0]);
	for (unsigned i = 0;
	     request->kind == GLINT_M2M_REQUEST_LEND && request->err == 0 && i < request->n; i++)
		glint_dmabuf_fini(&request->bufs[i]);
}

void glint_m2m_mailbox_answer(struct glint_m2m_mailbox *mailbox,
			      struct glint_m2m_negotiation *negotiation)
{
	struct glint_m2m_request *posted = &mailbox->request, request;

	pthread_mutex_lock(mailbox->lock);
	if (posted->state != GLINT_M2M_REQUEST_POSTED) {
		pthread_mutex_unlock(mailbox->lock);
		return;
	}
	posted->state = GLINT_M2M_REQUEST_TAKEN;
	request = *posted;
	pthread_mutex_unlock(mailbox->lock);

	answer(&request, negotiation);

	pthread_mutex_lock(mailbox->lock);
	if (posted->state == GLINT_M2M_REQUEST_ABANDONED) {
		posted->state = GLINT_M2M_REQUEST_NONE;
		discard(&request);
	} else {
		assert(posted->state == GLINT_M2M_REQUEST_TAKEN);
		*posted = request;
		posted->state = GLINT_M2M_REQUEST_ANSWERED;
		pthread_cond_broadcast(mailbox->changed);
	}
	pthread_mutex_unlock(mailbox->lock);
}
