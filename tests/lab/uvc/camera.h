/* SPDX-License-Identifier: MIT */
/*
 * A UVC camera without hardware: the kernel's vhci-hcd is the USB bus, a socket the cable,
 * the kernel's own uvcvideo the driver. One camera a process, one thread.
 *
 *	camera.c	the command line, commands, the loop
 *	device.c	descriptors, and the requests of the control endpoint
 *	stream.c	when a frame is made, what is wrong with it, its payloads
 *	picture.c	what it shows
 *	usbip.c		the bus: plugging in, transfers
 */
#ifndef GLINT_TESTS_LAB_UVC_CAMERA_H
#define GLINT_TESTS_LAB_UVC_CAMERA_H

#include <linux/usb/ch9.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAMERA_ENDPOINT 1	/* IN, of the video stream */
#define CAMERA_PAYLOAD	16384	/* bytes of a bulk payload, header included: one transfer */
#define CAMERA_PACKET	3072	/* bytes of an isochronous packet, which is a payload */

struct camera {
	bool iso;		/* the stream's endpoint is isochronous, else bulk */
	unsigned port;		/* of the virtual root hub: 0-7 high speed, 8-15 SuperSpeed */
	unsigned fps;		/* 60, 30 or 15: the most that it offers */
	uint16_t vendor, product;
	char serial[32];	/* "": it has none */
};
extern struct camera camera;

static inline bool camera_is_super_speed(void)
{
	return camera.port >= 8;
}

/* "camera: WHAT" to the log, which is standard error. */
void camera_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* --- device.c --- */

enum { FORMAT_YUYV = 1, FORMAT_MJPEG };	/* bFormatIndex */

/* What a host has committed to. */
struct mode {
	int format;
	uint16_t width, height;
	uint32_t interval;	/* of frames, in 100 ns */
};

/* Longest answer of the control endpoint. */
#define CONTROL_MAX 4096

/*
 * A request of the control endpoint; @in is what the host sends with it, wLength bytes.
 * Returns the length of the answer in @out, or -EPIPE: the endpoint stalls.
 */
int device_control(const struct usb_ctrlrequest *request, const uint8_t *in,
		   uint8_t out[static CONTROL_MAX]);

/* Requests of the video class that fail, or that are never answered: so many from now on. */
extern unsigned device_stalls, device_mutes;

/* --- stream.c --- */

/* The host starts or stops the stream. */
void stream_start(const struct mode *mode);
void stream_stop(void);

/* How long a frame takes, in ns. */
uint64_t stream_interval_ns(void);

/* A frame's time has come. */
void stream_tick(void);

/* There is a payload to send. */
bool stream_has_payload(void);

/* The next payload, at most @room bytes, into @out; returns its length, or 0. */
size_t stream_payload(uint8_t *out, size_t room);

/* The next transfer fails. */
bool stream_failure_is_due(void);

/* The error that it fails with. Counts it. */
int stream_fail_transfer(void);

/* The next isochronous packet is lost with its payload. Counts it. */
bool stream_packet_is_lost(void);

/* The endpoint is halted until the host clears that. */
void stream_halt(bool halted);

/* Makes so many more frames and then none; negative: no end. */
void stream_make(long frames);

/* All frames that were to be made are sent, and all transfers that were to fail have. */
bool stream_is_done(void);

/* The next transfers fail, even when there is nothing to send. */
void stream_fail_transfers(unsigned transfers);

/* The next @frames have this fault. False: there is no such fault. */
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

/* -EALREADY: it is plugged in; else errno of the kernel's attach file. */
int usbip_plug(void);
void usbip_unplug(void);

/* To poll for input; -1 while unplugged. */
int usbip_fd(void);

/* There is input. */
void usbip_receive(void);

/* Answers the transfers for which there is something to say. */
void usbip_pump(void);
#endif
