/* SPDX-License-Identifier: MIT */
/* Choose the backend of a loop, and explain why it is not io_uring. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "core/loop_backend.h"

static const struct glint_log_topic topic = { "loop" };

static int loop_try(struct glint_loop **out, const struct glint_loop_ops *ops)
{
	struct glint_loop *loop;
	int err = ops->create(&loop);

	if (err < 0)
		return err;

	loop->ops = ops;
	glint_list_init(&loop->busy);
	glint_list_init(&loop->posted);
	glint_list_init(&loop->deferred);
	*out = loop;
	return 0;
}

static const char *explain_eperm(char *reason, size_t size)
{
	FILE *file = fopen("/proc/sys/kernel/io_uring_disabled", "re");
	int value = '0'; /* also for a kernel without this sysctl */

	if (file) {
		value = fgetc(file);
		fclose(file);
	}
	if (value == '1' || value == '2') {
		snprintf(reason, size, "kernel.io_uring_disabled=%c", value);
		return "sysctl kernel.io_uring_disabled=0";
	}
	snprintf(reason, size, "forbidden by a seccomp or security policy");
	return "allow io_uring_setup, io_uring_enter and io_uring_register in the container's "
	       "seccomp profile";
}

/* Write to @reason why io_uring is not available. Returns what to do about it. */
static const char *explain(int err, char *reason, size_t size)
{
	if (!IS_ENABLED(CONFIG_LOOP_URING)) {
		snprintf(reason, size, "not built in");
		return "build with CONFIG_LOOP_URING=y";
	}
	switch (err) {
	case -EPERM:
	case -EACCES:
		return explain_eperm(reason, size);
	case -ENOSYS:
		snprintf(reason, size, "not offered by this kernel");
		return "run Linux 5.13 or newer, or allow it in the container's seccomp profile";
	case -ENOMEM:
		snprintf(reason, size, "too little memory may be locked");
		return "raise RLIMIT_MEMLOCK (ulimit -l, LimitMEMLOCK= in the unit)";
	default:
		snprintf(reason, size, "%s", strerrordesc_np(-err));
		return "look at the kernel's log";
	}
}

static int loop_fall_back(struct glint_loop **out, const struct glint_loop_ops *ops, int uring_err)
{
	const char *remedy;
	int err;

	err = loop_try(out, ops);
	if (err < 0)
		return err;

	remedy = explain(uring_err, (*out)->reason, sizeof((*out)->reason));
	glint_log_info(&topic, "io_uring is off here (%s): using %s; to use io_uring: %s",
		       (*out)->reason, ops->name, remedy);
	return 0;
}

int glint_loop_create(struct glint_loop **out, enum glint_loop_backend want)
{
	int err = -ENOSYS;

	if (IS_ENABLED(CONFIG_LOOP_URING) && want != GLINT_LOOP_EPOLL)
		err = loop_try(out, &glint_uring_ops);
	if (IS_ENABLED(CONFIG_LOOP_EPOLL) && want == GLINT_LOOP_EPOLL)
		err = loop_try(out, &glint_epoll_ops);
	if (IS_ENABLED(CONFIG_LOOP_EPOLL) && want == GLINT_LOOP_AUTO && err < 0)
		err = loop_fall_back(out, &glint_epoll_ops, err);
	return err;
}
