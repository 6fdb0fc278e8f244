/* SPDX-License-Identifier: MIT */
#include "options_table.h"

#include <assert.h>
#include <linux/videodev2.h>
#include <string.h>

#include "base/cleanup.h"

#define HEADING(text) { .kind = GLINT_OPTION_HEADING, .help = (text) }
#define OPTION(long_name, short_name, kind_, help_) \
	.name = (long_name), .letter = (short_name), .kind = GLINT_OPTION_##kind_, .help = (help_)
#define FIELD(member) \
	.offset = offsetof(struct glint_settings, member), \
	.bytes = sizeof(((struct glint_settings *)0)->member)
#define ARG(text) .arg = (text)
#define RANGE(least, most) .low = { (least) }, .high = { (most) }
#define SIZES(w0, h0, w1, h1) .low = { (w0), (h0) }, .high = { (w1), (h1) }
#define DEFAULT(text) .fallback = (text)
#define OWN .own = true
/* Refused in a build without it: who asks for it relies on it. */
#define NEEDS(option) .missing = IS_ENABLED(option) ? NULL : #option

/* A size is written through its first half. */
static_assert(offsetof(struct glint_capture_config, height) ==
		      offsetof(struct glint_capture_config, width) + sizeof(uint32_t),
	      "");
static_assert(offsetof(struct glint_net_config, fake_height) ==
		      offsetof(struct glint_net_config, fake_width) + sizeof(uint32_t),
	      "");

static const struct glint_option_word tv_standards[] = {
	{ "PAL", V4L2_STD_PAL },
	{ "NTSC", V4L2_STD_NTSC },
	{ "SECAM", V4L2_STD_SECAM },
	{ "UNKNOWN", 0, .hidden = true },
	{ 0 },
};

static const struct glint_option_word encoders[] = {
	{ "AUTO" },
	{ "CPU", NEEDS(CONFIG_ENCODE_CPU) },
	{ "HW" },
	{ "M2M-IMAGE" },
	{ "M2M-VIDEO" },
	{ "M2M", .text = "M2M-IMAGE", .hidden = true },
	{ "M2M-JPEG", .text = "M2M-IMAGE", .hidden = true },
	{ "M2M-MJPEG", .text = "M2M-VIDEO", .hidden = true },
	{ "OMX", .text = "M2M-IMAGE", .hidden = true },
	{ "NOOP", .text = "CPU", .hidden = true, NEEDS(CONFIG_ENCODE_CPU) },
	{ 0 },
};

static const struct glint_option_word chromas[] = {
	{ "420", GLINT_CHROMA_420 },
	{ "source", GLINT_CHROMA_SOURCE },
	{ 0 },
};

static const struct glint_option_word ranges[] = {
	{ "expand", false },
	{ "keep", true },
	{ 0 },
};

static const struct glint_option_word loops[] = {
	{ "auto", GLINT_LOOP_AUTO },
	{ "uring", GLINT_LOOP_URING, NEEDS(CONFIG_LOOP_URING) },
	{ "epoll", GLINT_LOOP_EPOLL, NEEDS(CONFIG_LOOP_EPOLL) },
	{ 0 },
};

static const struct glint_option_word io_methods[] = { { "MMAP" }, { "USERPTR" }, { 0 } };

static const struct glint_option_word auto_or_default[] = {
	{ "auto", GLINT_CONTROL_AUTO },
	{ "default", GLINT_CONTROL_DEFAULT },
	{ 0 },
};

static const struct glint_option_word only_default[] = {
	{ "default", GLINT_CONTROL_DEFAULT },
	{ 0 },
};

#define CONTROL(long_name, id, words_, help_) \
	{ OPTION(long_name, 0, CONTROL, help_), ARG("N"), .words = (words_), \
	  FIELD(capture.controls[GLINT_CONTROL_##id]), .fallback_text = "unchanged" }

#define NO_SINK "there are no shared memory sinks; use the unix socket"
#define NO_H264 "H.264 is not encoded"
#define NO_GPIO "GPIO lines are not driven"

/* The options of one of ustreamer's memory sinks: checked like all others, and without effect. */
#define SINK(prefix, what) \
	{ OPTION(prefix "sink", 0, TEXT, "Name of the shared memory for " what), ARG("NAME"), \
	  RANGE(0, 255), .note = NO_SINK }, \
	{ OPTION(prefix "sink-mode", 0, MODE, "Its permissions"), ARG("MODE"), RANGE(0, 0777), \
	  .note = NO_SINK }, \
	{ OPTION(prefix "sink-rm", 0, FLAG, "Remove it at the end"), .note = NO_SINK }, \
	{ OPTION(prefix "sink-client-ttl", 0, SECONDS, "Time after which a silent client is gone"), \
	  ARG("S"), RANGE(1, 60), .note = NO_SINK }, \
	{ OPTION(prefix "sink-timeout", 0, SECONDS, "Time to wait for its lock"), ARG("S"), \
	  RANGE(1, 60), .note = NO_SINK }

#define GPIO_PIN(name) \
	{ OPTION("gpio-" name, 0, NUMBER, "GPIO line that shows it"), ARG("PIN"), RANGE(0, 256), \
	  .note = NO_GPIO }

/* clang-format off */
const struct glint_option glint_option_rows[] = {
	HEADING("Capture"),
	{ OPTION("device", 'd', TEXT, "Capture device; test is the built-in pattern, auto the first device that captures"),
	  ARG("PATH"), RANGE(1, 4095), FIELD(capture.device), DEFAULT("auto") },
	{ OPTION("input", 'i', NUMBER, "Input of the device"),
	  ARG("N"), RANGE(0, 128), FIELD(capture.input), DEFAULT("0") },
	{ OPTION("resolution", 'r', SIZE, "Size to ask for; the device has the last word"),
	  ARG("WxH"), SIZES(160, 120, 15360, 8640), FIELD(capture.width), DEFAULT("640x480") },
	{ OPTION("format", 'm', FORMAT, "Pixel format to ask for; auto is what costs least to encode"),
	  ARG("FORMAT"), FIELD(capture.fourcc), DEFAULT("auto"),
	  .range_text = "auto, YUYV, YVYU, UYVY, YUV420, YVU420, RGB565, RGB24, BGR24, GREY, MJPEG, JPEG, or a fourcc such as NV12" },
	{ OPTION("format-swap-rgb", 0, FLAG, "Swap red and blue of RGB formats"), FIELD(encoder.swap_rgb) },
	{ OPTION("tv-standard", 'a', WORD, "Analogue TV standard to set"),
	  ARG("NAME"), .words = tv_standards, FIELD(capture.tv_standard), .fallback_text = "unchanged" },
	{ OPTION("dv-timings", 't', FLAG, "Follow DV timings even if the input does not announce them"),
	  FIELD(capture.dv_timings) },
	{ OPTION("desired-fps", 'f', NUMBER, "Encode at most so many frames a second; 0 is all"),
	  ARG("N"), RANGE(0, 120), FIELD(encoder.desired_fps), DEFAULT("0") },
	{ OPTION("buffers", 'b', NUMBER, "Buffers of the device; at least 2 are used"),
	  ARG("N"), RANGE(1, 32), FIELD(capture.buffers), DEFAULT("5") },
	{ OPTION("min-frame-size", 'z', NUMBER, "Drop JPEG frames of the device with fewer bytes"),
	  ARG("BYTES"), RANGE(1, 8192), FIELD(capture.min_frame_size), DEFAULT("128") },
	{ OPTION("allow-truncated-frames", 'T', FLAG, "Keep JPEG frames that lack their end"),
	  FIELD(capture.allow_truncated) },
	{ OPTION("persistent", 'n', FLAG, "Go on after a timeout (always so)"), FIELD(capture.persistent) },
	{ OPTION("device-timeout", 0, SECONDS, "Without a frame for so long, the device has stalled"),
	  ARG("S"), RANGE(1, 60), FIELD(capture.timeout_ns), DEFAULT("1") },
	{ OPTION("device-error-delay", 0, SECONDS, "Pause before the device is tried again"),
	  ARG("S"), RANGE(1, 60), FIELD(capture.retry_ns), DEFAULT("1") },
	{ OPTION("test-fps", 0, NUMBER, "Frames a second of the built-in pattern"), OWN,
	  ARG("N"), RANGE(1, 240), FIELD(capture.fps_milli), DEFAULT("30") },

	HEADING("Image controls"),
	{ OPTION("image-default", 0, FLAG, "Set all controls to their defaults first"), FIELD(capture.controls_reset) },
	CONTROL("brightness", BRIGHTNESS, auto_or_default, "Brightness"),
	CONTROL("contrast", CONTRAST, only_default, "Contrast"),
	CONTROL("saturation", SATURATION, only_default, "Saturation"),
	CONTROL("hue", HUE, auto_or_default, "Hue"),
	CONTROL("gamma", GAMMA, only_default, "Gamma"),
	CONTROL("sharpness", SHARPNESS, only_default, "Sharpness"),
	CONTROL("backlight-compensation", BACKLIGHT, only_default, "Backlight compensation"),
	CONTROL("white-balance", WHITE_BALANCE, auto_or_default, "White balance"),
	CONTROL("gain", GAIN, auto_or_default, "Gain"),
	CONTROL("color-effect", COLOR_EFFECT, only_default, "Colour effect"),
	CONTROL("rotate", ROTATE, only_default, "Rotation, in degrees"),
	CONTROL("flip-vertical", FLIP_V, only_default, "Vertical flip, 0 or 1"),
	CONTROL("flip-horizontal", FLIP_H, only_default, "Horizontal flip, 0 or 1"),

	HEADING("Encoding"),
	{ OPTION("encoder", 'c', NAME, "Encoder to prefer; any case"),
	  ARG("NAME"), .words = encoders, FIELD(encoder_type), DEFAULT("AUTO") },
	{ OPTION("m2m-device", 0, TEXT, "The M2M encoder; else the best that is found"),
	  ARG("PATH"), RANGE(1, 4095), FIELD(encoder.m2m_device) },
	{ OPTION("quality", 'q', NUMBER, "JPEG quality"),
	  ARG("N"), RANGE(1, 100), FIELD(encoder.quality), DEFAULT("80") },
	{ OPTION("chroma", 0, WORD, "Colour resolution of pictures; source keeps the frame's own"), OWN,
	  ARG("NAME"), .words = chromas, FIELD(encoder.chroma), DEFAULT("420") },
	{ OPTION("range", 0, WORD, "Values of pictures: full range and BT.601, or keep the frame's as they are"), OWN,
	  ARG("NAME"), .words = ranges, FIELD(encoder.keep_range), DEFAULT("expand") },
	{ OPTION("workers", 'w', NUMBER, "Threads that encode"),
	  ARG("N"), RANGE(1, 32), FIELD(encoder.workers), .fallback_text = "one a core, up to 4" },

	HEADING("Server"),
	{ OPTION("unix", 'U', TEXT, "Listen on a unix socket"), ARG("PATH"), RANGE(0, 107), FIELD(net.unix_path) },
	{ OPTION("unix-rm", 'D', FLAG, "Replace a file at its path that is no socket"), FIELD(net.unix_rm) },
	{ OPTION("unix-mode", 'M', MODE, "Permissions of the socket"),
	  ARG("MODE"), RANGE(0, 0777), FIELD(net.unix_mode), .fallback_text = "by umask" },
	{ OPTION("host", 's', TEXT, "Listen on TCP at this address; by itself without --unix and --systemd"),
	  ARG("ADDRESS"), RANGE(1, 255), FIELD(net.host), DEFAULT("127.0.0.1"), NEEDS(CONFIG_NET_TCP) },
	{ OPTION("port", 'p', NUMBER, "TCP port; 0 is any that is free"),
	  ARG("N"), RANGE(0, 65535), FIELD(net.port), DEFAULT("8080"), NEEDS(CONFIG_NET_TCP) },
	{ OPTION("systemd", 'S', FLAG, "Take sockets from systemd, and tell it when ready"),
	  FIELD(systemd), NEEDS(CONFIG_SYSTEMD) },
	{ OPTION("user", 0, TEXT, "Ask clients for this name, by Basic authentication"),
	  ARG("NAME"), RANGE(0, 255), FIELD(net.user), NEEDS(CONFIG_NET_AUTH) },
	{ OPTION("passwd", 0, TEXT, "Password of that user; other users can read it in ps, but not in a file of --config"),
	  ARG("TEXT"), RANGE(0, 255), FIELD(net.password), .secret = true, NEEDS(CONFIG_NET_AUTH) },
	{ OPTION("static", 0, TEXT, "Serve the files of a folder instead of the built-in page"),
	  ARG("DIR"), RANGE(0, 4095), FIELD(net.static_dir), NEEDS(CONFIG_NET_STATIC) },
	{ OPTION("allow-origin", 0, TEXT, "Answer with Access-Control-Allow-Origin"),
	  ARG("ORIGIN"), RANGE(0, 255), FIELD(net.allow_origin) },
	{ OPTION("allow-host", 0, TEXT, "Answer on TCP to these names without a login, too; commas between, * is all"), OWN,
	  ARG("NAMES"), RANGE(0, 4095), FIELD(net.allow_host), NEEDS(CONFIG_NET_TCP) },
	{ OPTION("instance-id", 0, ID, "Name of this instance in /state and in cookies"),
	  ARG("ID"), RANGE(0, 255), FIELD(net.instance_id), .fallback_text = "empty",
	  .range_text = "up to 255 of letters, digits and ./+_-" },
	{ OPTION("server-timeout", 0, SECONDS, "Close connections that are idle or take nothing for so long"),
	  ARG("S"), RANGE(1, 60), FIELD(net.timeout_ns), DEFAULT("10") },
	{ OPTION("clients-max", 0, NUMBER, "Connections at once"), OWN,
	  ARG("N"), RANGE(1, 1024), FIELD(net.clients_max), DEFAULT("128") },
	{ OPTION("strict", 0, FLAG, "Answer /snapshot with an error while there is no live video"), OWN,
	  FIELD(net.strict) },
	{ OPTION("drop-same-frames", 'e', NUMBER, "Leave out up to so many equal pictures in a row"),
	  ARG("N"), RANGE(0, 120), FIELD(net.drop_same_frames), DEFAULT("0"),
	  NEEDS(CONFIG_NET_SAME) },
	{ OPTION("fake-resolution", 'R', SIZE, "Size to show in /state instead of the real one"),
	  ARG("WxH"), SIZES(1, 1, 65535, 65535), FIELD(net.fake_width) },
	{ OPTION("tcp-nodelay", 0, FLAG, "Set TCP_NODELAY on connections"), FIELD(net.tcp_nodelay) },

	HEADING("Process"),
	{ OPTION("config", 0, FILE, "Read options from a file first: lines of key = value; -FILE may be missing"), OWN,
	  ARG("FILE"), RANGE(1, 4095) },
	{ OPTION("loop", 0, WORD, "Event loop; auto is uring where the host allows it"), OWN,
	  ARG("NAME"), .words = loops, FIELD(loop), DEFAULT("auto") },
	{ OPTION("cpus", 0, CPUS, "Run on these processors only"), OWN,
	  ARG("LIST"), FIELD(cpus), .range_text = "like 0,2-3", .fallback_text = "all" },
	{ OPTION("realtime", 0, NUMBER, "Real-time priority; 0 is none"), OWN,
	  ARG("N"), RANGE(0, 99), FIELD(realtime), DEFAULT("0") },
	{ OPTION("exit-on-parent-death", 0, FLAG, "End with the parent process"), FIELD(exit_on_parent_death) },
	{ OPTION("exit-on-device-error", 0, FLAG, "End with exit code 1 on a device error"), FIELD(exit_on_device_error) },
	{ OPTION("exit-on-no-clients", 0, NUMBER, "End after so many seconds without clients; 0 is never"),
	  ARG("S"), RANGE(0, 86400), FIELD(exit_on_no_clients_s), DEFAULT("0") },
	{ OPTION("process-name-prefix", 0, TEXT, "Put this before the name of the process"),
	  ARG("TEXT"), RANGE(0, 255), FIELD(process_name_prefix) },
	{ OPTION("notify-parent", 0, FLAG, "Send SIGUSR2 to the parent whenever online or the size changes"), FIELD(notify_parent) },

	HEADING("Log"),
	{ OPTION("log-level", 0, NUMBER, "0 info, 1 perf, 2 verbose, 3 debug"),
	  ARG("N"), RANGE(0, 3), FIELD(log_level), DEFAULT("0") },
	{ OPTION("perf", 0, PRESET, "The same as --log-level 1"), RANGE(1, 1), FIELD(log_level) },
	{ OPTION("verbose", 0, PRESET, "The same as --log-level 2"), RANGE(2, 2), FIELD(log_level) },
	{ OPTION("debug", 0, PRESET, "The same as --log-level 3"), RANGE(3, 3), FIELD(log_level) },
	{ OPTION("force-log-colors", 0, PRESET, "Colours, even if stderr is no terminal"), RANGE(1, 1), FIELD(log_color) },
	{ OPTION("no-log-colors", 0, PRESET, "No colours"), RANGE(0, 0), FIELD(log_color) },

	HEADING("Help"),
	{ OPTION("help", 'h', SHOW, "This text"), .show = glint_options_show_help },
	{ OPTION("version", 'v', SHOW, "The version"), .show = glint_options_show_version },
	{ OPTION("features", 0, SHOW, "What is built in"), .show = glint_options_show_features },

	HEADING("Accepted for the sake of ustreamer's users, without effect"),
	{ OPTION("io-method", 'I', WORD, "How buffers are shared with the driver"), ARG("NAME"), .words = io_methods,
	  .note = "the memory is chosen by what device and encoder can share" },
	{ OPTION("slowdown", 'l', FLAG, "Capture slowly without clients; nothing is encoded then anyway") },
	{ OPTION("media-device", 0, TEXT, "Media controller of the capture device"), ARG("PATH"), RANGE(0, 4095),
	  .note = "media controllers are not configured; use media-ctl before" },
	{ OPTION("media-entity-name", 0, TEXT, "Entity of the media controller"), ARG("NAME"), RANGE(0, 255),
	  .note = "media controllers are not configured; use media-ctl before" },
	SINK("jpeg-", "JPEG pictures"),
	SINK("", "JPEG pictures (old name)"),
	SINK("raw-", "raw frames"),
	SINK("h264-", "H.264"),
	{ OPTION("h264-bitrate", 0, NUMBER, "Kilobits a second"), ARG("N"), RANGE(25, 20000), .note = NO_H264 },
	{ OPTION("h264-gop", 0, NUMBER, "Frames between key frames"), ARG("N"), RANGE(0, 60), .note = NO_H264 },
	{ OPTION("h264-m2m-device", 0, TEXT, "M2M encoder for H.264"), ARG("PATH"), RANGE(1, 4095), .note = NO_H264 },
	{ OPTION("h264-boost", 0, FLAG, "More speed for H.264"), .note = NO_H264 },
	{ OPTION("v4p", 0, FLAG, "Show the video on a local display"), .note = "video is not shown on displays" },
	{ OPTION("gpio-device", 0, TEXT, "GPIO chip"), ARG("PATH"), RANGE(1, 4095), .note = NO_GPIO },
	{ OPTION("gpio-consumer-prefix", 0, TEXT, "Name for GPIO lines"), ARG("TEXT"), RANGE(0, 255), .note = NO_GPIO },
	GPIO_PIN("prog-running"),
	GPIO_PIN("stream-online"),
	GPIO_PIN("has-http-clients"),
	{ OPTION("glitched-resolutions", 'g', TEXT, "Deprecated"), ARG("SIZES"), RANGE(0, 4095) },
	{ OPTION("blank", 'k', TEXT, "Deprecated: the picture without video says why"), ARG("PATH"), RANGE(0, 4095) },
	{ OPTION("last-as-blank", 'K', TEXT, "Deprecated: old pictures are never shown as live"), ARG("S"), RANGE(0, 4095) },
	{ 0 },
};
/* clang-format on */

static_assert(ARRAY_SIZE(glint_option_rows) < GLINT_OPTIONS_MAX, "");

const struct glint_option *glint_option_find(const char *name)
{
	for (const struct glint_option *option = glint_option_rows; option->help; option++)
		if (option->name && strcmp(option->name, name) == 0)
			return option;
	return NULL;
}
