/* SPDX-License-Identifier: MIT */
#include "capture/reason.h"

#include <assert.h>
#include <errno.h>

#include "base/cleanup.h"

const char *glint_reason_name(enum glint_reason reason)
{
	static const char *const names[] = {
		[GLINT_REASON_NONE] = "",
		[GLINT_REASON_OPENING] = "opening",
		[GLINT_REASON_NO_DEVICE] = "no-device",
		[GLINT_REASON_BUSY] = "busy",
		[GLINT_REASON_NO_PERMISSION] = "no-permission",
		[GLINT_REASON_NOT_CAPTURE] = "not-a-capture-device",
		[GLINT_REASON_NO_SIGNAL] = "no-signal",
		[GLINT_REASON_NO_LOCK] = "no-lock",
		[GLINT_REASON_OUT_OF_RANGE] = "out-of-range",
		[GLINT_REASON_FORMAT] = "format",
		[GLINT_REASON_STALLED] = "stalled",
		[GLINT_REASON_CORRUPT] = "corrupt",
		[GLINT_REASON_STUCK] = "stuck",
		[GLINT_REASON_ERROR] = "error",
	};

	assert((size_t)reason < ARRAY_SIZE(names));
	return names[reason];
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
	case -ERANGE:
		return GLINT_REASON_OUT_OF_RANGE;
	case -EMEDIUMTYPE:
		return GLINT_REASON_FORMAT;
	case -ETIMEDOUT:
		return GLINT_REASON_STALLED;
	case -EBADMSG:
		return GLINT_REASON_CORRUPT;
	default:
		return GLINT_REASON_ERROR;
	}
}
