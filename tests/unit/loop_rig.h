/* SPDX-License-Identifier: MIT */
/* A loop of the backend under test, and an operation that records its completions. */
#ifndef GLINT_TESTS_LOOP_RIG_H
#define GLINT_TESTS_LOOP_RIG_H

#include <string.h>

#include "base/clock.h"
#include "core/loop.h"
#include "harness.h"

/* Create @loop, or skip the test where this host does not have the backend (GLINT_TEST_LOOP). */
#define RIG_LOOP(loop)                                                                             \
	do {                                                                                       \
		int rig_err_ = rig_loop_create(&(loop));                                           \
                                                                                                   \
		if (rig_err_ == -EPERM || rig_err_ == -ENOSYS)                                     \
			GLINT_SKIP("no %s loop here", glint_test_loop());                          \
		CU_ASSERT_EQUAL_FATAL(rig_err_, 0);                                                \
	} while (0)

static inline int rig_loop_create(struct glint_loop **loop)
{
	const char *name = glint_test_loop();
	enum glint_loop_backend want = GLINT_LOOP_AUTO;

	if (name && strcmp(name, "uring") == 0)
		want = GLINT_LOOP_URING;
	if (name && strcmp(name, "epoll") == 0)
		want = GLINT_LOOP_EPOLL;
	return glint_loop_create(loop, want);
}

/* One that counts; @calls of done(), the last @res, and whether it was the last completion. */
struct probe {
	struct glint_op op;
	unsigned calls, ends;
	int res;
};

static inline void probe_done(struct glint_op *op, int res, uint32_t flags)
{
	struct probe *probe = container_of(op, struct probe, op);

	probe->calls++;
	probe->ends += !(flags & GLINT_OP_MORE);
	probe->res = res;
}

/* clang-format off */
#define PROBE { .op.done = probe_done }
/* clang-format on */

/* Run rounds until @condition holds; the test runner ends a loop that hangs. */
#define RIG_RUN_UNTIL(loop, condition)                                                             \
	do {                                                                                       \
		while (!(condition))                                                               \
			CU_ASSERT_EQUAL_FATAL(glint_loop_run_once(loop, UINT64_MAX), 0);           \
	} while (0)

/* Run rounds that do not wait, enough for everything that is ready. */
static inline void rig_settle(struct glint_loop *loop)
{
	for (unsigned i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(glint_loop_run_once(loop, 0), 0);
}
#endif
