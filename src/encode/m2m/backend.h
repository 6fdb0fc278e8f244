/* SPDX-License-Identifier: MIT */
/*
 * The backend for M2M encoders: the device reads frames from the memory that they were
 * captured in, and clients read JPEGs from the device's memory. The first job that fails puts
 * the device in quarantine; another backend encodes that frame.
 */
#ifndef GLINT_ENCODE_M2M_BACKEND_H
#define GLINT_ENCODE_M2M_BACKEND_H

#include "encode/backend.h"

/* Allocates, and starts the device's thread. -ENOMEM, -EAGAIN, -EMFILE; nothing is owned on failure. */
int glint_m2m_create(struct glint_backend **out, struct glint_loop *loop,
		     const struct glint_encoder_config *config, struct glint_encoder *encoder);

/* The interface for the capture; see v4l2/partner.h. */
struct glint_partner *glint_m2m_partner(struct glint_backend *backend);
void glint_m2m_close_partner(struct glint_backend *backend);

/* Fills in @status->m2m, which /state shows whichever backend encodes. */
void glint_m2m_status(const struct glint_backend *backend, struct glint_encoder_status *status);
#endif
