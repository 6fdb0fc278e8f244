/* SPDX-License-Identifier: MIT */
/*
 * Memory of a reader that keeps many frames, which a device fills instead of its own: nothing is
 * copied. One memfd, cut into places of equal size, each with a page of the reader's before the
 * frame. The lender creates the memory, and one borrower at a time uses all of it. Who needs the map
 * holds a reference; the last one unmaps it. Any thread, but lend() is for the loop's.
 */
#ifndef GLINT_MEM_LOAN_H
#define GLINT_MEM_LOAN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GLINT_LOAN_HEAD 4096u /* the reader's, before each frame */

struct glint_loan {
	int memfd; /* sealed; -1 where the map is of something else */
	uint8_t *base;
	uint64_t size;
	_Atomic unsigned refs;
	_Atomic bool lent; /* a borrower uses the memory */
};

struct glint_lender {
	/*
	 * Lend the memory: *@loan is lent then, and the borrower owns a reference. -EAGAIN: the
	 * memory is being prepared; -EBUSY: it holds frames that are needed, ask again later. From
	 * the loop's top level.
	 */
	int (*lend)(struct glint_lender *lender, struct glint_loan **loan);
};

/*
 * Create the memory, not faulted in: @size bytes of ordinary pages. The caller owns the reference.
 * -ENOMEM, -EMFILE.
 */
int glint_loan_create(struct glint_loan **out, uint64_t size);

/* The borrower needs the memory no longer. Drops its reference. */
void glint_loan_return(struct glint_loan *loan);

/* NULL is fine. */
void glint_loan_unref(struct glint_loan *loan);

/*
 * Returns the distance of two places for frames of @size bytes. The lender may fill what is left of
 * the last page, for which one byte is not enough.
 */
static inline uint64_t glint_loan_stride(size_t size)
{
	uint64_t whole = ((uint64_t)size + 4095) / 4096 * 4096;

	return GLINT_LOAN_HEAD + whole + (whole - size == 1 ? 4096 : 0);
}
#endif
