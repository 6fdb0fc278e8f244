/* SPDX-License-Identifier: MIT */
/*
 * uvc-camera [-b|-i] [-f FPS] [-p PORT] [-n VENDOR:PRODUCT] [-s SERIAL] [-h]
 *
 *	-b, -i	the stream is bulk (default) or isochronous
 *	-f	the highest rate that it offers: 60 (default), 30 or 15
 *	-p	port of the virtual root hub: 0-7 high speed (default 0), 8-15 SuperSpeed
 *	-n	hexadecimal, default 1d6b:0102
 *	-s	serial number, default GLINT0001; "": none
 *	-h	hold: make no frames before a command
 *
 * Plugs the camera in, and ends at the end of standard input. Each line of standard input is a
 * command, and gets one line of standard output, "ok ..." or "error ...":
 *
 *	frames N	makes N more frames, then holds; answered when all of them are sent
 *	run		makes frames without end
 *	FAULT N		the next N frames have it: short error over empty badfid noeof
 *			garbage zero noeoi torn size lost break (see stream.c)
 *	fail N		the next N transfers fail; answered when they have failed
 *	halt		the stream's endpoint stalls until the host clears the halt
 *	mute N		N requests of the video class are never answered
 *	stall N		N requests of the video class fail
 *	unplug, plug	the cable
 *	fps N		the highest rate from the next plug on
 *	port N		the port of the next plug, see -p
 *	id VENDOR:PRODUCT SERIAL	the identity from the next plug on
 *	count		frames and injected faults so far, as NAME=VALUE words
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "camera.h"

/* The hub takes some milliseconds to release a port. */
#define PLUG_TRIES    200
#define PLUG_PAUSE_NS 10000000

struct camera camera = { .fps = 60, .vendor = 0x1d6b, .product = 0x0102, .serial = "GLINT0001" };

static bool owes_answer; /* to "frames" or "fail" */

void camera_log(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("camera: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

static int plug(void)
{
	const struct timespec pause = { .tv_nsec = PLUG_PAUSE_NS };
	int err = usbip_plug();

	for (unsigned i = 0; i < PLUG_TRIES && (err == -EBUSY || err == -EINVAL); i++) {
		nanosleep(&pause, NULL);
		err = usbip_plug();
	}
	camera_log("plugging in: %s", strerror(-err));
	return err;
}

/* --- Commands ------------------------------------------------------------------------- */

static void say(const char *text)
{
	puts(text);
	fflush(stdout);
}

static bool set_id(const char *id)
{
	unsigned vendor, product;

	if (sscanf(id, "%4x:%4x", &vendor, &product) != 2)
		return false;
	camera.vendor = (uint16_t)vendor;
	camera.product = (uint16_t)product;
	return true;
}

static void set_fps(unsigned fps)
{
	camera.fps = fps >= 1 ? fps : 1;
}

static void set_serial(const char *serial)
{
	snprintf(camera.serial, sizeof(camera.serial), "%s", serial);
}

static void count(void)
{
	char text[512] = "ok ";

	stream_describe(text + 3, sizeof(text) - 3);
	say(text);
}

static void command(const char *line)
{
	char word[32] = "", text[32] = "", serial[32] = "";
	unsigned n = 1;
	int err = 0;

	sscanf(line, "%31s %31s %31s", word, text, serial);
	sscanf(text, "%u", &n);
	if (strcmp(word, "frames") == 0) {
		stream_make((long)n);
		owes_answer = true;
		return;
	}
	if (strcmp(word, "fail") == 0) {
		stream_fail_transfers(n);
		owes_answer = true;
		return;
	}
	if (strcmp(word, "count") == 0) {
		count();
		return;
	}
	if (strcmp(word, "run") == 0)
		stream_make(-1);
	else if (strcmp(word, "halt") == 0)
		stream_halt(true);
	else if (strcmp(word, "mute") == 0)
		device_mutes = n;
	else if (strcmp(word, "stall") == 0)
		device_stalls = n;
	else if (strcmp(word, "unplug") == 0)
		usbip_unplug();
	else if (strcmp(word, "plug") == 0)
		err = plug();
	else if (strcmp(word, "fps") == 0)
		set_fps(n);
	else if (strcmp(word, "port") == 0 && (n < 8 || !camera.iso))
		camera.port = n;
	else if (strcmp(word, "id") == 0 && set_id(text))
		set_serial(serial);
	else if (!stream_arm(word, n))
		err = -EINVAL;
	if (err < 0)
		printf("error %s\n", strerror(-err));
	else
		puts("ok");
	fflush(stdout);
}

/* False: there are no more. */
static bool take_command(void)
{
	static char line[128];
	static size_t size;
	ssize_t n = read(STDIN_FILENO, line + size, sizeof(line) - 1 - size);
	char *end;

	if (n <= 0)
		return false;
	size += (size_t)n;
	line[size] = '\0';
	while ((end = strchr(line, '\n'))) {
		*end++ = '\0';
		command(line);
		size -= (size_t)(end - line);
		memmove(line, end, size + 1);
	}
	return size < sizeof(line) - 1;
}

/* --- The loop ------------------------------------------------------------------------- */

static void set_timer(int timer)
{
	static uint64_t set;
	uint64_t ns = stream_interval_ns();
	const struct timespec time = { (time_t)(ns / 1000000000), (long)(ns % 1000000000) };

	if (ns != set)
		timerfd_settime(timer, 0, &(struct itimerspec){ time, time }, NULL);
	set = ns;
}

static void serve(int timer)
{
	enum { COMMANDS, TIMER, BUS, N };
	uint64_t times;

	for (;;) {
		struct pollfd fds[N] = {
			[COMMANDS] = { STDIN_FILENO, POLLIN, 0 },
			[TIMER] = { timer, POLLIN, 0 },
			[BUS] = { usbip_fd(), POLLIN, 0 },
		};

		set_timer(timer);
		if (poll(fds, N, -1) < 0)
			return;
		if (fds[BUS].revents)
			usbip_receive();
		if (fds[TIMER].revents && read(timer, &times, sizeof(times)) > 0)
			stream_tick();
		if (fds[COMMANDS].revents && !take_command())
			return;
		usbip_pump();
		if (owes_answer && stream_is_done()) {
			owes_answer = false;
			say("ok");
		}
	}
}

int main(int argc, char **argv)
{
	int option, timer;

	stream_make(-1);
	while ((option = getopt(argc, argv, "bif:p:n:s:h")) != -1) {
		if (option == 'b' || option == 'i')
			camera.iso = option == 'i';
		else if (option == 'f')
			set_fps((unsigned)atoi(optarg));
		else if (option == 'p')
			camera.port = (unsigned)atoi(optarg);
		else if (option == 's')
			set_serial(optarg);
		else if (option == 'h')
			stream_make(0);
		else if (option != 'n' || !set_id(optarg))
			return 2;
	}
	if (camera.iso && camera_is_super_speed())
		return 2; /* SuperSpeed endpoints would need other descriptors */
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (timer < 0 || plug() < 0)
		return 1;
	serve(timer);
	usbip_unplug();
	return 0;
}
