/* SPDX-License-Identifier: MIT */
#include "mem/loan.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macros.h"
#include "mem/udmabuf.h"

int glint_loan_create(struct glint_loan **out, uint64_t size)
{
	struct glint_loan *loan = calloc(1, sizeof(*loan));
	int err = -ENOMEM;

	if (!loan)
		return -ENOMEM;
	atomic_init(&loan->refs, 1);
	loan->size = size;
	loan->memfd = glint_udmabuf_memfd("glint-record", size);
	if (loan->memfd < 0) {
		err = loan->memfd;
		goto free_loan;
	}
	loan->base = glint_udmabuf_map(loan->memfd, size);
	if (!loan->base)
		goto close_memfd;
	*out = loan;
	return 0;

close_memfd:
	close(loan->memfd);
free_loan:
	free(loan);
	return err;
}

void glint_loan_return(struct glint_loan *loan)
{
	assert(atomic_load(&loan->lent));

	atomic_store(&loan->lent, false);
	glint_loan_unref(loan);
}

void glint_loan_unref(struct glint_loan *loan)
{
	if (!loan)
		return;
	if (atomic_fetch_sub(&loan->refs, 1) > 1)
		return;
	munmap(loan->base, loan->size);
	glint_close(&loan->memfd);
	free(loan);
}
