/* SPDX-License-Identifier: MIT */
/*
 * The device as the host sees it: UVC 1.1, a camera terminal, a processing unit with brightness and
 * contrast, one stream. Handles standard USB requests and those of the video class.
 */
#include <endian.h>
#include <errno.h>
#include <linux/usb/video.h>
#include <string.h>

#include "camera.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Numbers of interfaces and of the units behind the first. */
enum { INTERFACE_CONTROL, INTERFACE_STREAM };
enum { UNIT_CAMERA = 1, UNIT_PROCESSING, UNIT_OUTPUT };
enum { STRING_VENDOR = 1, STRING_PRODUCT, STRING_SERIAL };

static const struct {
	uint16_t width, height;
} sizes[] = { { 640, 480 }, { 1280, 720 }, { 320, 240 } };

static const uint32_t intervals[] = { 166666, 333333, 666666 }; /* 60, 30, 15 fps */

unsigned device_stalls, device_mutes;

static struct uvc_streaming_control probe = {
	.bFormatIndex = FORMAT_YUYV,
	.bFrameIndex = 1,
	.dwFrameInterval = 666666,
};
static struct mode committed;
static int16_t brightness = 128, contrast = 32;

/* --- Descriptors ------------------------------------------------------------------- */

struct writer {
	uint8_t *data;
	size_t size;
};

static void put(struct writer *out, const void *data, size_t size)
{
	memcpy(out->data + out->size, data, size);
	out->size += size;
}

#define PUT(out, ...)                                                                              \
	put(out, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))
#define LE16(value) (uint8_t)(value), (uint8_t)((value) >> 8)
#define LE32(value) LE16(value), LE16((value) >> 16)

static void set_le16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static void put_control_interface(struct writer *out)
{
	size_t header;

	PUT(out, USB_DT_INTERFACE_ASSOCIATION_SIZE, USB_DT_INTERFACE_ASSOCIATION, INTERFACE_CONTROL,
	    2, USB_CLASS_VIDEO, UVC_SC_VIDEO_INTERFACE_COLLECTION, 0, STRING_PRODUCT);
	PUT(out, USB_DT_INTERFACE_SIZE, USB_DT_INTERFACE, INTERFACE_CONTROL, 0, 0, USB_CLASS_VIDEO,
	    UVC_SC_VIDEOCONTROL, 0, STRING_PRODUCT);
	header = out->size;
	PUT(out, UVC_DT_HEADER_SIZE(1), USB_DT_CS_INTERFACE, UVC_VC_HEADER, LE16(0x0110), LE16(0),
	    LE32(48000000), 1, INTERFACE_STREAM);
	PUT(out, UVC_DT_CAMERA_TERMINAL_SIZE(3), USB_DT_CS_INTERFACE, UVC_VC_INPUT_TERMINAL,
	    UNIT_CAMERA, LE16(UVC_ITT_CAMERA), 0, 0, LE16(0), LE16(0), LE16(0), 3, 0, 0, 0);
	/* Bits 0 and 1: brightness and contrast. */
	PUT(out, UVC_DT_PROCESSING_UNIT_SIZE(2), USB_DT_CS_INTERFACE, UVC_VC_PROCESSING_UNIT,
	    UNIT_PROCESSING, UNIT_CAMERA, LE16(0), 2, 0x03, 0, 0, 0);
	PUT(out, UVC_DT_OUTPUT_TERMINAL_SIZE, USB_DT_CS_INTERFACE, UVC_VC_OUTPUT_TERMINAL,
	    UNIT_OUTPUT, LE16(UVC_TT_STREAMING), 0, UNIT_PROCESSING, 0);
	set_le16(out->data + header + 5, out->size - header);
}

/* The index of the shortest interval that the camera has. */
static uint8_t fastest_interval(void)
{
	uint8_t i = 0;

	while (i < ARRAY_SIZE(intervals) - 1 && intervals[i] < 10000000 / camera.fps - 1)
		i++;
	return i;
}

static void put_format(struct writer *out, uint8_t format)
{
	bool jpeg = format == FORMAT_MJPEG;
	const uint8_t n_sizes = ARRAY_SIZE(sizes), fastest = fastest_interval();
	const uint8_t n_intervals = ARRAY_SIZE(intervals) - fastest;

	/* The GUID of YUY2, or nothing; default frame 1, no aspect ratio, progressive. */
	if (jpeg)
		PUT(out, 11, USB_DT_CS_INTERFACE, UVC_VS_FORMAT_MJPEG, format, n_sizes, 1);
	else
		PUT(out, 27, USB_DT_CS_INTERFACE, UVC_VS_FORMAT_UNCOMPRESSED, format, n_sizes, 'Y',
		    'U', 'Y', '2', 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71, 16);
	PUT(out, 1, 0, 0, 0, 0);
	for (uint8_t i = 0; i < n_sizes; i++) {
		PUT(out, (uint8_t)(26 + 4 * n_intervals), USB_DT_CS_INTERFACE,
		    jpeg ? UVC_VS_FRAME_MJPEG : UVC_VS_FRAME_UNCOMPRESSED, (uint8_t)(i + 1), 0,
		    LE16(sizes[i].width), LE16(sizes[i].height), LE32(1000000), LE32(500000000),
		    LE32(sizes[i].width * sizes[i].height * 2), LE32(intervals[fastest]),
		    n_intervals);
		for (unsigned k = 0; k < n_intervals; k++)
			PUT(out, LE32(intervals[fastest + k]));
	}
	/* Rec. 709 primaries and transfer, BT.601 matrix. */
	PUT(out, 6, USB_DT_CS_INTERFACE, UVC_VS_COLORFORMAT, 1, 1, 4);
}

static void put_stream_interface(struct writer *out)
{
	unsigned packet = camera_is_super_speed() ? 1024 : 512;
	size_t header;

	PUT(out, USB_DT_INTERFACE_SIZE, USB_DT_INTERFACE, INTERFACE_STREAM, 0, !camera.iso,
	    USB_CLASS_VIDEO, UVC_SC_VIDEOSTREAMING, 0, 0);
	header = out->size;
	PUT(out, UVC_DT_INPUT_HEADER_SIZE(2, 1), USB_DT_CS_INTERFACE, UVC_VS_INPUT_HEADER, 2,
	    LE16(0), USB_DIR_IN | CAMERA_ENDPOINT, 0, UNIT_OUTPUT, 0, 0, 0, 1, 0, 0);
	put_format(out, FORMAT_YUYV);
	put_format(out, FORMAT_MJPEG);
	set_le16(out->data + header + 4, out->size - header);

	if (camera.iso) /* three packets of 1024 bytes in a microframe, in setting 1 only */
		PUT(out, USB_DT_INTERFACE_SIZE, USB_DT_INTERFACE, INTERFACE_STREAM, 1, 1,
		    USB_CLASS_VIDEO, UVC_SC_VIDEOSTREAMING, 0, 0, USB_DT_ENDPOINT_SIZE,
		    USB_DT_ENDPOINT, USB_DIR_IN | CAMERA_ENDPOINT,
		    USB_ENDPOINT_XFER_ISOC | USB_ENDPOINT_SYNC_ASYNC, LE16(2 << 11 | 1024), 1);
	else
		PUT(out, USB_DT_ENDPOINT_SIZE, USB_DT_ENDPOINT, USB_DIR_IN | CAMERA_ENDPOINT,
		    USB_ENDPOINT_XFER_BULK, LE16(packet), 0);
	if (camera_is_super_speed())
		PUT(out, USB_DT_SS_EP_COMP_SIZE, USB_DT_SS_ENDPOINT_COMP, 0, 0, LE16(0));
}

static void put_configuration(struct writer *out)
{
	PUT(out, USB_DT_CONFIG_SIZE, USB_DT_CONFIG, LE16(0), 2, 1, 0, USB_CONFIG_ATT_ONE, 50);
	put_control_interface(out);
	put_stream_interface(out);
	set_le16(out->data + 2, out->size);
}

static void put_device(struct writer *out)
{
	bool super = camera_is_super_speed();

	PUT(out, USB_DT_DEVICE_SIZE, USB_DT_DEVICE, LE16(super ? 0x0300 : 0x0200), USB_CLASS_MISC,
	    2, 1, super ? 9 : 64, LE16(camera.vendor), LE16(camera.product), LE16(0x0100),
	    STRING_VENDOR, STRING_PRODUCT, *camera.serial ? STRING_SERIAL : 0, 1);
}

static void put_string(struct writer *out, uint8_t index)
{
	static const char *const texts[] = {
		[STRING_VENDOR] = "glint", [STRING_PRODUCT] = "Lab camera", [STRING_SERIAL] = camera.serial
	};

	if (index == 0) { /* English (United States) */
		PUT(out, 4, USB_DT_STRING, LE16(0x0409));
		return;
	}
	if (index > STRING_SERIAL)
		return;
	PUT(out, (uint8_t)(2 + 2 * strlen(texts[index])), USB_DT_STRING);
	for (const char *c = texts[index]; *c; c++)
		PUT(out, LE16((uint8_t)*c));
}

static int get_descriptor(uint8_t type, uint8_t index, uint8_t *data)
{
	struct writer out = { .data = data };

	switch (type) {
	case USB_DT_DEVICE:
		put_device(&out);
		break;
	case USB_DT_CONFIG:
		put_configuration(&out);
		break;
	case USB_DT_STRING:
		put_string(&out, index);
		break;
	case USB_DT_DEVICE_QUALIFIER:
		PUT(&out, 10, USB_DT_DEVICE_QUALIFIER, LE16(0x0200), USB_CLASS_MISC, 2, 1, 64, 1,
		    0);
		break;
	case USB_DT_BOS: /* USB 2.0 extension, SuperSpeed */
		PUT(&out, USB_DT_BOS_SIZE, USB_DT_BOS, LE16(22), 2);
		PUT(&out, USB_DT_USB_EXT_CAP_SIZE, USB_DT_DEVICE_CAPABILITY, USB_CAP_TYPE_EXT,
		    LE32(0));
		PUT(&out, USB_DT_USB_SS_CAP_SIZE, USB_DT_DEVICE_CAPABILITY, USB_SS_CAP_TYPE, 0,
		    LE16(0x0e), 3, 10, LE16(0x07ff));
		break;
	}
	return out.size > 0 ? (int)out.size : -EPIPE;
}

/* --- Requests of the stream -------------------------------------------------------------- */

/* The answer has the camera's choice for the requested parameters. */
static void probe_set(const struct uvc_streaming_control *wish)
{
	unsigned i = fastest_interval();

	if (wish->bFormatIndex == FORMAT_YUYV || wish->bFormatIndex == FORMAT_MJPEG)
		probe.bFormatIndex = wish->bFormatIndex;
	if (wish->bFrameIndex >= 1 && wish->bFrameIndex <= ARRAY_SIZE(sizes))
		probe.bFrameIndex = wish->bFrameIndex;
	while (i < ARRAY_SIZE(intervals) - 1 && le32toh(wish->dwFrameInterval) > intervals[i])
		i++;
	probe.dwFrameInterval = intervals[i];
}

static int probe_get(uint8_t *out)
{
	const unsigned width = sizes[probe.bFrameIndex - 1].width;
	const unsigned height = sizes[probe.bFrameIndex - 1].height;
	struct uvc_streaming_control answer = {
		.bmHint = htole16(1), /* keep the requested interval */
		.bFormatIndex = probe.bFormatIndex,
		.bFrameIndex = probe.bFrameIndex,
		.dwFrameInterval = htole32(probe.dwFrameInterval),
		.dwMaxVideoFrameSize = htole32(width * height * 2),
		.dwMaxPayloadTransferSize = htole32(camera.iso ? CAMERA_PACKET : CAMERA_PAYLOAD),
		.dwClockFrequency = htole32(48000000),
	};

	memcpy(out, &answer, sizeof(answer));
	return sizeof(answer);
}

static void commit(void)
{
	committed = (struct mode){
		.format = probe.bFormatIndex,
		.width = sizes[probe.bFrameIndex - 1].width,
		.height = sizes[probe.bFrameIndex - 1].height,
		.interval = probe.dwFrameInterval,
	};
	camera_log("%ux%u %s, a frame in %u us", committed.width, committed.height,
		   committed.format == FORMAT_MJPEG ? "MJPEG" : "YUYV", committed.interval / 10);
	if (!camera.iso) /* isochronous: the interface's setting starts the stream */
		stream_start(&committed);
}

static int stream_request(uint8_t request, uint8_t selector, const uint8_t *in, size_t size,
			  uint8_t *out)
{
	struct uvc_streaming_control wish;

	if (selector != UVC_VS_PROBE_CONTROL && selector != UVC_VS_COMMIT_CONTROL)
		return -EPIPE;
	switch (request) {
	case UVC_SET_CUR:
		if (size < 26) /* UVC 1.0's */
			return -EPIPE;
		memcpy(&wish, in, 26);
		probe_set(&wish);
		if (selector == UVC_VS_COMMIT_CONTROL)
			commit();
		return 0;
	case UVC_GET_CUR:
	case UVC_GET_MIN:
	case UVC_GET_MAX:
	case UVC_GET_DEF:
		return probe_get(out);
	case UVC_GET_LEN:
		set_le16(out, sizeof(wish));
		return 2;
	case UVC_GET_INFO:
		out[0] = UVC_CONTROL_CAP_GET | UVC_CONTROL_CAP_SET;
		return 1;
	}
	return -EPIPE;
}

/* --- Requests of the processing unit ------------------------------------------------------ */

static int unit_request(uint8_t request, uint8_t selector, const uint8_t *in, uint8_t *out)
{
	bool bright = selector == UVC_PU_BRIGHTNESS_CONTROL;
	int16_t *value = bright ? &brightness : &contrast;
	int answer;

	if (!bright && selector != UVC_PU_CONTRAST_CONTROL)
		return -EPIPE;
	switch (request) {
	case UVC_SET_CUR:
		*value = (int16_t)(in[0] | in[1] << 8);
		return 0;
	case UVC_GET_INFO:
		out[0] = UVC_CONTROL_CAP_GET | UVC_CONTROL_CAP_SET;
		return 1;
	case UVC_GET_CUR:
		answer = *value;
		break;
	case UVC_GET_MIN:
		answer = 0;
		break;
	case UVC_GET_MAX:
		answer = bright ? 255 : 100;
		break;
	case UVC_GET_RES:
		answer = 1;
		break;
	case UVC_GET_LEN:
		answer = 2;
		break;
	case UVC_GET_DEF:
		answer = bright ? 128 : 32;
		break;
	default:
		return -EPIPE;
	}
	set_le16(out, (uint16_t)answer);
	return 2;
}

/* --- All requests ------------------------------------------------------------------------- */

static int standard_request(const struct usb_ctrlrequest *request, uint8_t *out)
{
	uint16_t value = le16toh(request->wValue), index = le16toh(request->wIndex);

	switch (request->bRequest) {
	case USB_REQ_GET_DESCRIPTOR:
		return get_descriptor((uint8_t)(value >> 8), (uint8_t)value, out);
	case USB_REQ_GET_STATUS:
		set_le16(out, 0);
		return 2;
	case USB_REQ_GET_CONFIGURATION:
		out[0] = 1;
		return 1;
	case USB_REQ_SET_INTERFACE:
		if (index == INTERFACE_STREAM && camera.iso && value == 1)
			stream_start(&committed);
		else if (index == INTERFACE_STREAM)
			stream_stop();
		return 0;
	case USB_REQ_CLEAR_FEATURE:
		/* uvcvideo ends a bulk stream this way. */
		if (index == (USB_DIR_IN | CAMERA_ENDPOINT)) {
			stream_halt(false);
			stream_stop();
		}
		return 0;
	}
	return request->bRequestType & USB_DIR_IN ? -EPIPE : 0;
}

static int class_request(const struct usb_ctrlrequest *request, const uint8_t *in, uint8_t *out)
{
	uint8_t selector = (uint8_t)(le16toh(request->wValue) >> 8);
	uint8_t interface = (uint8_t)le16toh(request->wIndex);
	uint8_t unit = (uint8_t)(le16toh(request->wIndex) >> 8);

	if (device_stalls > 0) {
		device_stalls--;
		return -EPIPE;
	}
	if (interface == INTERFACE_STREAM)
		return stream_request(request->bRequest, selector, in, le16toh(request->wLength),
				      out);
	if (unit == UNIT_PROCESSING)
		return unit_request(request->bRequest, selector, in, out);
	return -EPIPE;
}

int device_control(const struct usb_ctrlrequest *request, const uint8_t *in,
		   uint8_t out[static CONTROL_MAX])
{
	int length = -EPIPE;

	if ((request->bRequestType & USB_TYPE_MASK) == USB_TYPE_STANDARD)
		length = standard_request(request, out);
	else if ((request->bRequestType & USB_TYPE_MASK) == USB_TYPE_CLASS)
		length = class_request(request, in, out);
	return length > le16toh(request->wLength) ? le16toh(request->wLength) : length;
}
