/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/frame.h"
#include "core/upcall.h"
#include "harness.h"

static unsigned released;

static void count_release(struct glint_frame *frame)
{
	(void)frame;
	released++;
}

static const struct glint_frame_ops counting_ops = { .release = count_release };

static void test_the_last_unref_releases_the_slot_once(void)
{
	struct glint_frame frame = { .ops = &counting_ops };

	released = 0;
	glint_frame_begin(&frame, 7);
	CU_ASSERT_PTR_EQUAL(glint_frame_ref(&frame), &frame);
	CU_ASSERT_PTR_NULL(glint_frame_unref(&frame));
	CU_ASSERT_EQUAL(released, 0);
	CU_ASSERT_PTR_NULL(glint_frame_unref(&frame));
	CU_ASSERT_EQUAL(released, 1);
	CU_ASSERT_EQUAL(frame.refs, 0);
}

static void test_a_lease_begins_as_skipped_with_one_reference(void)
{
	struct glint_frame frame = { .ops = &counting_ops, .outcome = GLINT_OUTCOME_FAILED };

	glint_frame_begin(&frame, 7);
	CU_ASSERT_EQUAL(frame.outcome, GLINT_OUTCOME_SKIPPED);
	CU_ASSERT_EQUAL(frame.info.seq, 7);
	CU_ASSERT_EQUAL(frame.refs, 1);
	glint_frame_unref(&frame);
}

static void lease_again(struct glint_frame *frame)
{
	if (++released == 1)
		glint_frame_begin(frame, frame->info.seq + 1);
}

static void test_a_slot_may_be_leased_again_from_its_release(void)
{
	static const struct glint_frame_ops ops = { .release = lease_again };
	struct glint_frame frame = { .ops = &ops };

	released = 0;
	glint_frame_begin(&frame, 1);
	glint_frame_unref(&frame);
	CU_ASSERT_EQUAL(frame.refs, 1);
	CU_ASSERT_EQUAL(frame.info.seq, 2);
	glint_frame_unref(&frame);
	CU_ASSERT_EQUAL(released, 2);
}

static void test_unref_of_null_is_fine(void)
{
	CU_ASSERT_PTR_NULL(glint_frame_unref(NULL));
}

static void call_listener(struct glint_frame *frame)
{
	(void)frame;
	glint_upcall_assert();
}

static void test_a_debug_build_ends_when_a_listener_is_called_from_a_release(void)
{
	static const struct glint_frame_ops ops = { .release = call_listener };
	struct glint_frame frame = { .ops = &ops };
	int status = 0;
	pid_t child;

	if (!IS_ENABLED(CONFIG_DEBUG))
		GLINT_SKIP("this is no debug build");
	glint_upcall_assert();
	child = fork();
	if (child == 0) {
		(void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
		(void)close(STDERR_FILENO);
		glint_frame_begin(&frame, 1);
		glint_frame_unref(&frame);
		_exit(0);
	}
	CU_ASSERT_EQUAL_FATAL(waitpid(child, &status, 0), child);
	CU_ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* clang-format off */
GLINT_TESTS("frame",
	GLINT_TEST(test_the_last_unref_releases_the_slot_once),
	GLINT_TEST(test_a_lease_begins_as_skipped_with_one_reference),
	GLINT_TEST(test_a_slot_may_be_leased_again_from_its_release),
	GLINT_TEST(test_unref_of_null_is_fine),
	GLINT_TEST(test_a_debug_build_ends_when_a_listener_is_called_from_a_release),
)
