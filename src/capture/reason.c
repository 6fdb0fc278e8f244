/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>

#include "base/macros.h"
#include "capture/internal.h"

const char *glint_reason_name(enum glint_reason reason)
{
	static const char *const names[] = {
		[GLINT_REASON_NONE] = "",
		[GLINT_REASON_OPENING] = "opening",
		[GLINT_REASON_WARMING_UP] = "warming-up",
		[GLINT_REASON_IDLE] = "idle",
		[GLINT_REASON_NO_DEVICE] = "no-device",
		[GLINT_REASON_WRONG_DEVICE] = "wrong-device",
		[GLINT_REASON_BUSY] = "busy",
		[GLINT_REASON_NO_PERMISSION] = "no-permission",
		[GLINT_REASON_NOT_CAPTURE] = "not-a-capture-device",
		[GLINT_REASON_NO_SIGNAL] = "no-signal",
		[GLINT_REASON_NO_LOCK] = "no-lock",
		[GLINT_REASON_UNPOWERED] = "unpowered",
		[GLINT_REASON_INTERLACED] = "interlaced",
		[GLINT_REASON_OUT_OF_RANGE] = "out-of-range",
		[GLINT_REASON_FORMAT] = "format",
		[GLINT_REASON_PIPELINE] = "pipeline",
		[GLINT_REASON_STALLED] = "stalled",
		[GLINT_REASON_CORRUPT] = "corrupt",
		[GLINT_REASON_STUCK] = "stuck",
		[GLINT_REASON_CARD] = "no-signal-card",
		[GLINT_REASON_BLACK] = "black",
		[GLINT_REASON_FROZEN] = "frozen",
		[GLINT_REASON_ERROR] = "error",
	};

	assert((size_t)reason < ARRAY_SIZE(names));
	return names[reason];
}

bool glint_reason_is_of_picture(enum glint_reason reason)
{
	return reason == GLINT_REASON_CARD || reason == GLINT_REASON_BLACK ||
	       reason == GLINT_REASON_FROZEN;
}

static bool reason_is_of_signal(enum glint_reason reason)
{
	return reason == GLINT_REASON_NO_SIGNAL || reason == GLINT_REASON_UNPOWERED ||
	       reason == GLINT_REASON_NO_LOCK || reason == GLINT_REASON_OUT_OF_RANGE ||
	       reason == GLINT_REASON_INTERLACED;
}

/* The capture is as it shall be, or on its way there. */
static bool reason_is_no_fault(enum glint_reason reason)
{
	return reason == GLINT_REASON_NONE || reason == GLINT_REASON_OPENING ||
	       reason == GLINT_REASON_WARMING_UP || reason == GLINT_REASON_IDLE;
}

const char *glint_reason_verdict(enum glint_reason reason)
{
	if (reason_is_no_fault(reason))
		return "";
	return reason_is_of_signal(reason) || glint_reason_is_of_picture(reason) ?
		       "device-under-test" :
		       "infrastructure";
}

const char *glint_reason_rests_on(enum glint_reason reason)
{
	if (reason_is_no_fault(reason))
		return "";
	if (reason_is_of_signal(reason))
		return "driver";
	return glint_reason_is_of_picture(reason) ? "picture" : "device";
}

enum glint_reason glint_reason_of(int err)
{
	assert(err < 0);

	switch (err) {
	case -ENODEV:
	case -ENOENT:
	case -ENXIO:
	case -ENOTDIR:
		return GLINT_REASON_NO_DEVICE;
	case -EREMCHG:
		return GLINT_REASON_WRONG_DEVICE;
	case -EBUSY:
		return GLINT_REASON_BUSY;
	case -EACCES:
	case -EPERM:
		return GLINT_REASON_NO_PERMISSION;
	case -ENOTTY:
	case -EISDIR:
		return GLINT_REASON_NOT_CAPTURE;
	case -ENOLINK:
		return GLINT_REASON_NO_SIGNAL;
	case -ENOLCK:
		return GLINT_REASON_NO_LOCK;
	case -EHOSTDOWN:
		return GLINT_REASON_UNPOWERED;
	case -EPROTOTYPE:
		return GLINT_REASON_INTERLACED;
	case -ERANGE:
		return GLINT_REASON_OUT_OF_RANGE;
	case -EMEDIUMTYPE:
		return GLINT_REASON_FORMAT;
	case -EPIPE:
		return GLINT_REASON_PIPELINE;
	case -ETIMEDOUT:
		return GLINT_REASON_STALLED;
	case -EBADMSG:
		return GLINT_REASON_CORRUPT;
	default:
		return GLINT_REASON_ERROR;
	}
}
