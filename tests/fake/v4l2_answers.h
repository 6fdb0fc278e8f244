/* SPDX-License-Identifier: MIT */
/* The scripted device's successful ioctls. Call all functions with its lock held. */
#ifndef GLINT_TESTS_FAKE_V4L2_ANSWERS_H
#define GLINT_TESTS_FAKE_V4L2_ANSWERS_H

struct fake_v4l2;

int fake_v4l2_answer(struct fake_v4l2 *fake, unsigned long request, void *arg);

/* v4l2_controls.c */
int fake_query_ext_ctrl(struct fake_v4l2 *fake, void *arg);
int fake_querymenu(struct fake_v4l2 *fake, void *arg);
int fake_ext_ctrls(struct fake_v4l2 *fake, unsigned long request, void *arg);

/* End the stream and free the buffers, as a driver does at the last close. */
void fake_v4l2_forget(struct fake_v4l2 *fake);
#endif
