/* SPDX-License-Identifier: MIT */
#ifndef GLINT_CAPTURE_REASON_H
#define GLINT_CAPTURE_REASON_H

#include "capture/capture.h"

/* @err < 0, as the device's functions return it. */
enum glint_reason glint_reason_of(int err);
#endif
