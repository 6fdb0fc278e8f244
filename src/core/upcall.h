/* SPDX-License-Identifier: MIT */
/*
 * An unref or a push must not call a listener, because it runs in the middle of its caller's work.
 * An event that a listener must learn is noted, and reported from the loop's top level
 * (glint_loop_defer()). Debug builds count the unrefs and pushes that are under way on each thread,
 * and assert that none is when a listener is called.
 */
#ifndef GLINT_CORE_UPCALL_H
#define GLINT_CORE_UPCALL_H

#include <assert.h>

extern _Thread_local unsigned glint_upcall_forbidden;

static inline void glint_upcall_forbid(void)
{
	glint_upcall_forbidden += IS_ENABLED(CONFIG_DEBUG);
}

static inline void glint_upcall_allow(void)
{
	glint_upcall_forbidden -= IS_ENABLED(CONFIG_DEBUG);
}

/* Call this before a listener is called, and in the listener. */
static inline void glint_upcall_assert(void)
{
	assert(glint_upcall_forbidden == 0);
}
#endif
