/* SPDX-License-Identifier: MIT */
/* The picture controls of a device, set as the configuration says. On the device's thread. */
#ifndef GLINT_CAPTURE_CONTROLS_H
#define GLINT_CAPTURE_CONTROLS_H

struct glint_source;

/* What a device lacks or refuses is told once; it never keeps a stream from starting. */
void glint_controls_set(struct glint_source *source);

/* Of a device that makes JPEGs. Many cannot be told, and that is fine. */
void glint_controls_set_jpeg_quality(struct glint_source *source);
#endif
