/* SPDX-License-Identifier: MIT */
/*
 * Small things that every file needs: the way from a member back to its object,
 * the length of an array, and a number kept within its range.
 */
#ifndef GLINT_BASE_CLEANUP_H
#define GLINT_BASE_CLEANUP_H

#include <stddef.h>
#include <unistd.h>

#define container_of(ptr, type, member)                                                           \
	({                                                                                        \
		const typeof(((type *)0)->member) *member_ptr_ = (ptr);                           \
		(type *)((char *)member_ptr_ - offsetof(type, member));                           \
	})

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define MIN(a, b)                                                                                 \
	({                                                                                        \
		typeof(a) min_a_ = (a);                                                           \
		typeof(b) min_b_ = (b);                                                           \
		min_a_ < min_b_ ? min_a_ : min_b_;                                                \
	})

#define MAX(a, b)                                                                                 \
	({                                                                                        \
		typeof(a) max_a_ = (a);                                                           \
		typeof(b) max_b_ = (b);                                                           \
		max_a_ > max_b_ ? max_a_ : max_b_;                                                \
	})

/* Closes and forgets: safe to call twice, and on -1. */
static inline void glint_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
#endif
