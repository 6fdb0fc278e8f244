/* SPDX-License-Identifier: MIT */
/*
 * The bus: vhci-hcd speaks USB/IP over one end of a socket pair. A submitted transfer waits here
 * until it can be completed. The bus has no clock, so a transfer without an answer waits until the
 * host unlinks it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "camera.h"

#define ATTACH	    "/sys/devices/platform/vhci_hcd.0/attach"
#define DEVICE_ID   1
#define PACKETS_MAX 128
#define NO_PACKETS  0xffffffff /* 0 in some kernels */
#define BUFFER_SIZE (1 << 20)

enum { CMD_SUBMIT = 1, CMD_UNLINK, RET_SUBMIT, RET_UNLINK };
enum { DIRECTION_OUT, DIRECTION_IN };

/* As on the wire: 48 bytes, big endian. */
struct message {
	uint32_t command, sequence, device, direction, endpoint;
	union {
		struct {
			uint32_t flags, length, start_frame, n_packets, interval;
			struct usb_ctrlrequest setup;
		} submit;
		struct {
			int32_t status;
			uint32_t length, start_frame, n_packets, errors, padding[2];
		} answer;
		struct {
			uint32_t sequence, padding[6];
		} unlink;
	};
};
_Static_assert(sizeof(struct message) == 48, "a header of USB/IP");

struct packet {
	uint32_t offset, length, actual;
	int32_t status;
};

/* A transfer of the stream's endpoint that waits for data. */
struct transfer {
	struct transfer *next;
	uint32_t sequence, length, n_packets;
	uint32_t packet_length[PACKETS_MAX];
};

static int sock = -1;
static struct transfer *waiting, **last = &waiting;
static unsigned n_waiting, n_transfers; /* n_transfers: of the stream, seen so far */

/* --- Plugging in -------------------------------------------------------------------------- */

static void forget_transfers(void)
{
	while (waiting) {
		struct transfer *transfer = waiting;

		waiting = transfer->next;
		free(transfer);
	}
	last = &waiting;
	n_waiting = n_transfers = 0;
}

static int attach(int fd)
{
	char line[64];
	int file = open(ATTACH, O_WRONLY | O_CLOEXEC), err = 0;

	if (file < 0)
		return -errno;
	snprintf(line, sizeof(line), "%u %d %d %d", camera.port, fd, DEVICE_ID,
		 camera_is_super_speed() ? USB_SPEED_SUPER : USB_SPEED_HIGH);
	if (write(file, line, strlen(line)) < 0)
		err = -errno;
	close(file);
	return err;
}

int usbip_plug(void)
{
	int pair[2], err;

	if (sock >= 0)
		return -EALREADY;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	/* The kernel takes its own reference to its end of the pair. */
	err = attach(pair[0]);
	close(pair[0]);
	if (err < 0) {
		close(pair[1]);
		return err;
	}
	sock = pair[1];
	return 0;
}

void usbip_unplug(void)
{
	if (sock < 0)
		return;
	shutdown(sock, SHUT_RDWR);
	close(sock);
	sock = -1;
	forget_transfers();
	stream_halt(false);
	stream_stop();
}

int usbip_fd(void)
{
	return sock;
}

/* --- Bytes -------------------------------------------------------------------------------- */

static bool receive(void *data, size_t size)
{
	return size == 0 || recv(sock, data, size, MSG_WAITALL) == (ssize_t)size;
}

static bool transmit(const void *data, size_t size)
{
	for (size_t at = 0; at < size;) {
		ssize_t n = send(sock, (const char *)data + at, size - at, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

/* A reply to an OUT transfer has no data. */
static bool answer(uint32_t command, uint32_t sequence, int status, uint32_t length,
		   const void *data, const struct packet *packets, uint32_t n_packets)
{
	const struct message message = {
		.command = htonl(command),
		.sequence = htonl(sequence),
		.answer = {
			.status = (int32_t)htonl((uint32_t)status),
			.length = htonl(length),
			.n_packets = htonl(n_packets),
		},
	};

	return transmit(&message, sizeof(message)) && (!data || transmit(data, length)) &&
	       transmit(packets, n_packets * sizeof(packets[0]));
}

/* --- What the host wants ------------------------------------------------------------------ */

static bool take_control(const struct message *message, uint32_t length)
{
	const struct usb_ctrlrequest *setup = &message->submit.setup;
	uint32_t sequence = ntohl(message->sequence);
	uint8_t in[CONTROL_MAX], out[CONTROL_MAX];
	bool to_host = ntohl(message->direction) == DIRECTION_IN;
	int result;

	if (!to_host && (length > sizeof(in) || !receive(in, length)))
		return false;
	if (device_mutes > 0 && (setup->bRequestType & USB_TYPE_MASK) == USB_TYPE_CLASS) {
		device_mutes--;
		return true;
	}
	result = device_control(setup, in, out);
	if (result < 0)
		return answer(RET_SUBMIT, sequence, result, 0, NULL, NULL, 0);
	if (to_host)
		return answer(RET_SUBMIT, sequence, 0, (uint32_t)result, out, NULL, 0);
	return answer(RET_SUBMIT, sequence, 0, length, NULL, NULL, 0);
}

static bool take_transfer(const struct message *message, uint32_t length)
{
	struct transfer *transfer = calloc(1, sizeof(*transfer));
	uint32_t n = ntohl(message->submit.n_packets);

	if (!transfer)
		return false;
	*last = transfer;
	last = &transfer->next;
	if (++n_waiting > n_transfers)
		n_transfers = n_waiting;
	transfer->sequence = ntohl(message->sequence);
	transfer->length = length;
	transfer->n_packets = n == NO_PACKETS ? 0 : n;
	if (transfer->n_packets > PACKETS_MAX || length > BUFFER_SIZE)
		return false;
	for (uint32_t i = 0; i < transfer->n_packets; i++) {
		struct packet packet;

		if (!receive(&packet, sizeof(packet)))
			return false;
		transfer->packet_length[i] = ntohl(packet.length);
	}
	return true;
}

static bool take_unlink(const struct message *message)
{
	uint32_t victim = ntohl(message->unlink.sequence);
	int status = 0; /* it was answered already */

	for (struct transfer **at = &waiting; *at; at = &(*at)->next) {
		struct transfer *transfer = *at;

		if (transfer->sequence != victim)
			continue;
		*at = transfer->next;
		if (last == &transfer->next)
			last = at;
		free(transfer);
		n_waiting--;
		n_transfers--;
		status = -ECONNRESET;
		break;
	}
	return answer(RET_UNLINK, ntohl(message->sequence), status, 0, NULL, NULL, 0);
}

static bool take_message(void)
{
	struct message message;
	uint32_t length;

	if (!receive(&message, sizeof(message)))
		return false;
	length = ntohl(message.submit.length);
	switch (ntohl(message.command)) {
	case CMD_SUBMIT:
		return ntohl(message.endpoint) == 0 ? take_control(&message, length) :
						      take_transfer(&message, length);
	case CMD_UNLINK:
		return take_unlink(&message);
	}
	return false;
}

void usbip_receive(void)
{
	if (take_message())
		return;
	camera_log("the host has let go");
	usbip_unplug();
}

/* --- Transfers of the stream --------------------------------------------------------------- */

static uint8_t buffer[BUFFER_SIZE];

static bool answer_bulk(const struct transfer *transfer, int status)
{
	size_t room = transfer->length < CAMERA_PAYLOAD ? transfer->length : CAMERA_PAYLOAD;
	size_t size = status < 0 ? 0 : stream_payload(buffer, room);

	return answer(RET_SUBMIT, transfer->sequence, status, (uint32_t)size, buffer, NULL, 0);
}

/* Packets without a payload are empty; the data of the others are adjacent. */
static bool answer_iso(const struct transfer *transfer, int status)
{
	struct packet packets[PACKETS_MAX];
	uint32_t offset = 0;
	size_t size = 0;

	for (uint32_t i = 0; i < transfer->n_packets; i++) {
		bool lost = stream_packet_is_lost();
		size_t n = status < 0 ? 0 :
					stream_payload(buffer + size, transfer->packet_length[i]);
		int err = status < 0 ? status : lost ? -EILSEQ : 0;

		if (lost)
			n = 0;
		packets[i] = (struct packet){
			.offset = htonl(offset),
			.length = htonl(transfer->packet_length[i]),
			.actual = htonl((uint32_t)n),
			.status = (int32_t)htonl((uint32_t)err),
		};
		offset += transfer->packet_length[i];
		size += n;
	}
	return answer(RET_SUBMIT, transfer->sequence, status, (uint32_t)size, buffer, packets,
		      transfer->n_packets);
}

/*
 * Fail a transfer only when uvcvideo has finished with all others. Otherwise uvcvideo's worker may
 * still copy into a buffer that is meanwhile cancelled and queued again; when the worker drops its
 * reference, Linux 6.12 completes that buffer a second time and panics.
 */
static bool host_is_idle(void)
{
	return n_waiting == n_transfers;
}

void usbip_pump(void)
{
	while (waiting) {
		struct transfer *transfer = waiting;
		bool fails = stream_failure_is_due(), sent;
		int status = 0;

		if (fails ? !host_is_idle() : !stream_has_payload())
			return;
		if (fails) {
			status = stream_fail_transfer();
			n_transfers--; /* uvcvideo does not submit it again */
		}
		n_waiting--;
		waiting = transfer->next;
		if (!waiting)
			last = &waiting;
		sent = transfer->n_packets > 0 ? answer_iso(transfer, status) :
						 answer_bulk(transfer, status);
		free(transfer);
		if (!sent) {
			usbip_unplug();
			return;
		}
	}
}
