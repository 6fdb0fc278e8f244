/* SPDX-License-Identifier: MIT */
/*
 * A UVC camera without hardware: the kernel's vhci-hcd is the USB bus, a socket the cable,
 * the kernel's own uvcvideo the driver. One camera a process, one thread.
 *
 *	camera.c	the command line, commands, the loop
 *	device.c	descriptors, and the requests of the control endpoint
 *	stream.c	times of frames, their faults, their payloads
 *	picture.c	the picture
 *	usbip.c		the bus: plugging in, transfers
 */
#ifndef GLINT_TESTS_LAB_UVC_CAMERA_H
#define GLINT_TESTS_LAB_UVC_CAMERA_H

#include <linux/usb/ch9.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAMERA_ENDPOINT 1     /* IN, of the video stream */
#define CAMERA_PAYLOAD	16384 /* bytes of a bulk payload, header included: one transfer */
#define CAMERA_PACKET	3072  /* bytes of an isochronous packet, which is a payload */

struct camera {
	bool iso;      /* the stream's endpoint is isochronous, else bulk */
	unsigned port; /* of the virtual root hub: 0-7 high speed, 8-15 SuperSpeed */
	unsigned fps;  /* 60, 30 or 15: the highest rate */
	uint16_t vendor, product;
	char serial[32]; /* "": none */
};
extern struct camera camera;

static inline bool camera_is_super_speed(void)
{
	return camera.port >= 8;
}

/* "camera: WHAT" to the log, which is standard error. */
void camera_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* --- device.c --- */

enum { FORMAT_YUYV = 1, FORMAT_MJPEG }; /* bFormatIndex */

/* The host's committed stream parameters. */
struct mode {
	int format;
	uint16_t width, height;
	uint32_t interval; /* of frames, in 100 ns */
};

/* Longest answer of the control endpoint. */
#define CONTROL_MAX 4096

/*
 * Handles a request of the control endpoint; @in is the host's data, wLength bytes. Returns the
 * length of the answer in @out, or -EPIPE: the endpoint stalls.
 */
int device_control(const struct usb_ctrlrequest *request, const uint8_t *in,
		   uint8_t out[static CONTROL_MAX]);

/* The numbers of the next requests of the video class that fail, or get no answer. */
extern unsigned device_stalls, device_mutes;

/* --- stream.c --- */

/* The host starts or stops the stream. */
void stream_start(const struct mode *mode);
void stream_stop(void);

/* Duration of a frame, in ns. */
uint64_t stream_interval_ns(void);

/* Called when a frame is due. */
void stream_tick(void);

/* Whether a payload is ready. */
bool stream_has_payload(void);

/* Writes the next payload, at most @room bytes, to @out; returns its length, or 0. */
size_t stream_payload(uint8_t *out, size_t room);

/* Whether the next transfer must fail. */
bool stream_failure_is_due(void);

/* Returns the error of the failing transfer, and counts the failure. */
int stream_fail_transfer(void);

/* Whether the next isochronous packet is lost with its payload; counts the loss. */
bool stream_packet_is_lost(void);

/* Halts the endpoint until the host clears the halt. */
void stream_halt(bool halted);

/* Makes this many more frames; negative: without end. */
void stream_make(long frames);

/* Whether all ordered frames are sent and all ordered failures have happened. */
bool stream_is_done(void);

/* Makes the next transfers fail, even without a payload. */
void stream_fail_transfers(unsigned transfers);

/* Gives the next @frames this fault. False: unknown fault. */
bool stream_arm(const char *fault, unsigned frames);

/* NAME=VALUE words: mode, frames, numbered, good, late, streams, and each fault injected. */
void stream_describe(char *text, size_t size);

/* --- picture.c --- */

struct picture {
	const uint8_t *data;
	size_t size;
};

/*
 * Colour bars below a stripe that shows @number; valid until the next call with another
 * mode. Numbers 8 apart look the same in MJPEG.
 */
struct picture picture_make(const struct mode *mode, unsigned number);

/* --- usbip.c --- */

/* -EALREADY: already plugged in; else the errno of the kernel's attach file. */
int usbip_plug(void);
void usbip_unplug(void);

/* The descriptor to poll for input; -1 while unplugged. */
int usbip_fd(void);

/* Call when the descriptor has input. */
void usbip_receive(void);

/* Answers the transfers that can be completed now. */
void usbip_pump(void);
#endif
