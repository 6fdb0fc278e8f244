/* SPDX-License-Identifier: MIT */
#include "encode/backend.h"

const struct glint_encoder_backend_ops *const glint_encoder_backends[] = {
	&glint_passthrough_backend,
	&glint_m2m_backend,
	IS_ENABLED(CONFIG_ENCODE_CPU) ? &glint_cpu_backend : NULL,
	NULL,
};
