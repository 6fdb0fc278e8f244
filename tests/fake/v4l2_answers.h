/* SPDX-License-Identifier: MIT */
/* What the scripted device's ioctls do, apart from failing. All with its lock held. */
#ifndef GLINT_TESTS_FAKE_V4L2_ANSWERS_H
#define GLINT_TESTS_FAKE_V4L2_ANSWERS_H

struct fake_v4l2;

int fake_v4l2_answer(struct fake_v4l2 *fake, unsigned long request, void *arg);

/* The stream ends, the buffers go: what a driver does at the last close. */
void fake_v4l2_forget(struct fake_v4l2 *fake);
#endif
