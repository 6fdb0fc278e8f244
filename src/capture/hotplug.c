/* SPDX-License-Identifier: MIT */
/*
 * Watch /dev, to try a device as soon as its node appears. Without inotify the retry alarm tries it
 * later.
 */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "capture/internal.h"

/* Read some events; set *@found for a video node. False: there are no more events. */
static bool hotplug_read(int fd, bool *found)
{
	_Alignas(struct inotify_event) char events[4096];
	ssize_t len = read(fd, events, sizeof(events));

	for (ssize_t at = 0; at < len;) {
		const struct inotify_event *event = (const void *)(events + at);

		*found |= event->len > 0 && strncmp(event->name, "video", 5) == 0;
		at += (ssize_t)(sizeof(*event) + event->len);
	}
	return len > 0;
}

void glint_hotplug_on_event(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_capture *capture = container_of(op, struct glint_capture, hotplug_op);
	bool found = false;

	if (!(flags & GLINT_OP_MORE)) {
		glint_close(&capture->hotplug_fd);
		return;
	}
	if (res < 0)
		return;
	while (hotplug_read(capture->hotplug_fd, &found))
		;
	/* While the device is open, other nodes do not matter. */
	if (found && capture->state == GLINT_CAPTURE_OFFLINE &&
	    !glint_source_is_open(&capture->source))
		glint_capture_hurry(capture);
}

/* Attributes are watched, too, because udev permits access after the kernel has created the node. */
void glint_hotplug_start(struct glint_capture *capture)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd < 0)
		return;
	if (inotify_add_watch(fd, "/dev", IN_CREATE | IN_ATTRIB | IN_MOVED_TO) < 0) {
		close(fd);
		return;
	}
	capture->hotplug_fd = fd;
	glint_loop_poll(capture->loop, &capture->hotplug_op, fd, POLLIN);
}
