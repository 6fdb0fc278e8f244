/* SPDX-License-Identifier: MIT */
/* Macros that every C program needs, and glint_close(). */
#ifndef GLINT_BASE_MACROS_H
#define GLINT_BASE_MACROS_H

#include <stddef.h>
#include <unistd.h>

#define container_of(ptr, type, member)                                                            \
	({                                                                                         \
		const typeof(((type *)0)->member) *member_ptr_ = (ptr);                            \
		(type *)((char *)member_ptr_ - offsetof(type, member));                            \
	})

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define MIN(a, b)                                                                                  \
	({                                                                                         \
		typeof(a) min_a_ = (a);                                                            \
		typeof(b) min_b_ = (b);                                                            \
		min_a_ < min_b_ ? min_a_ : min_b_;                                                 \
	})

#define MAX(a, b)                                                                                  \
	({                                                                                         \
		typeof(a) max_a_ = (a);                                                            \
		typeof(b) max_b_ = (b);                                                            \
		max_a_ > max_b_ ? max_a_ : max_b_;                                                 \
	})

/* @n / @d, rounded up. */
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))

/* Close *@fd and set it to -1. Does nothing on -1. */
static inline void glint_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
#endif
