/* SPDX-License-Identifier: MIT */
/*
 * The M2M encoder as one of the encoder's backends: frames go to the device from the
 * memory that they were captured in, and clients read the JPEGs from the device's. The
 * first job that fails or is late puts it in quarantine; others do the very frame.
 */
#ifndef GLINT_ENCODE_M2M_H
#define GLINT_ENCODE_M2M_H

#include "encode/backend.h"

/* Allocates, and starts the device's thread; nothing is owned on failure. */
int glint_m2m_create(struct glint_backend **out, struct glint_loop *loop,
		     const struct glint_encoder_config *config, struct glint_encoder *encoder);

/* What the capture may ask; see v4l2/partner.h. */
struct glint_partner *glint_m2m_partner(struct glint_backend *backend);
void glint_m2m_close_partner(struct glint_backend *backend);

/* What /state shows whoever has the last frame. */
void glint_m2m_status(const struct glint_backend *backend, struct glint_encoder_status *status);
#endif
