/* SPDX-License-Identifier: MIT */
/*
 * Who may call upward, and when. glint_frame_unref() and glint_fanout_push() run in
 * the midst of their callers' work, so nothing below them calls a listener: what a
 * listener has to know is noted there, and told from the loop's top level
 * (glint_loop_defer()). Debug builds count, on each thread, how many unrefs and pushes
 * are under way, and assert that a listener is called in none of them.
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

/* For whoever is about to call a listener, and for the listener. */
static inline void glint_upcall_assert(void)
{
	assert(glint_upcall_forbidden == 0);
}
#endif
