/* SPDX-License-Identifier: MIT */
#include "options/table.h"

#include <assert.h>
#include <linux/videodev2.h>
#include <string.h>

#include "base/macros.h"

/* clang-format off */
#define HEADING(text) { .kind = GLINT_OPTION_HEADING, .help = (text) }
/* clang-format on */
#define OPTION(long_name, short_name, kind_, help_)                                                \
	.name = (long_name), .letter = (short_name), .kind = GLINT_OPTION_##kind_, .help = (help_)
#define FIELD(member)                                                                              \
	.offset = offsetof(struct glint_settings, member),                                         \
	.bytes = sizeof(((struct glint_settings *)0)->member)
#define ARG(text)	      .arg = (text)
#define RANGE(least, most)    .low = { (least) }, .high = { (most) }
#define SIZES(w0, h0, w1, h1) .low = { (w0), (h0) }, .high = { (w1), (h1) }
#define DEFAULT(text)	      .fallback = (text)
#define OWN		      .own = true
#define HOLDS(when)	      .runtime = true, .holds = GLINT_HOLDS_##when
/* A build without the Kconfig option refuses the option: the user relies on its effect. */
#define NEEDS(option) .missing = IS_ENABLED(option) ? NULL : #option

/* set_size() writes both halves of a size through a pointer to the width. */
static_assert(offsetof(struct glint_capture_config, height) ==
		      offsetof(struct glint_capture_config, width) + sizeof(uint32_t),
	      "");
static_assert(offsetof(struct glint_settings, fake_height) ==
		      offsetof(struct glint_settings, fake_width) + sizeof(uint32_t),
	      "");

static const struct glint_option_word tv_standards[] = {
	{ "PAL", V4L2_STD_PAL },
	{ "NTSC", V4L2_STD_NTSC },
	{ "SECAM", V4L2_STD_SECAM },
/* clang-format off */
#define STD(text, id) { text, V4L2_STD_##id, .hidden = true }
	STD("PAL-B", PAL_B), STD("PAL-B1", PAL_B1), STD("PAL-G", PAL_G), STD("PAL-H", PAL_H),
	STD("PAL-I", PAL_I), STD("PAL-D", PAL_D), STD("PAL-D1", PAL_D1), STD("PAL-K", PAL_K),
	STD("PAL-M", PAL_M), STD("PAL-N", PAL_N), STD("PAL-Nc", PAL_Nc), STD("PAL-60", PAL_60),
	STD("PAL-BG", PAL_BG), STD("PAL-DK", PAL_DK), STD("NTSC-M", NTSC_M),
	STD("NTSC-M-JP", NTSC_M_JP), STD("NTSC-M-KR", NTSC_M_KR), STD("NTSC-443", NTSC_443),
	STD("SECAM-B", SECAM_B), STD("SECAM-D", SECAM_D), STD("SECAM-G", SECAM_G),
	STD("SECAM-H", SECAM_H), STD("SECAM-K", SECAM_K), STD("SECAM-K1", SECAM_K1),
	STD("SECAM-L", SECAM_L), STD("SECAM-LC", SECAM_LC), STD("SECAM-DK", SECAM_DK),
#undef STD
	/* clang-format on */
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

static const struct glint_option_word memories[] = {
	{ "auto", GLINT_MEMORY_WISH_AUTO },
	{ "driver", GLINT_MEMORY_WISH_DRIVER },
	{ "dma-heap", GLINT_MEMORY_WISH_HEAP },
	{ "drm-dumb", GLINT_MEMORY_WISH_DUMB, NEEDS(CONFIG_MEM_DRM) },
	{ "udmabuf", GLINT_MEMORY_WISH_UDMABUF },
	{ 0 },
};

static const struct glint_option_word deinterlaces[] = {
	{ "weave", GLINT_DEINTERLACE_WEAVE },
	{ "bob", GLINT_DEINTERLACE_BOB },
	{ 0 },
};

static const struct glint_option_word idles[] = {
	{ "stream", false },
	{ "stop", true },
	{ 0 },
};

static const struct glint_option_word ranges[] = {
	{ "expand", false },
	{ "keep", true },
	{ 0 },
};

static const struct glint_option_word untruths[] = {
	{ "none", GLINT_UNTRUTH_NONE },
	{ "card", GLINT_UNTRUTH_CARD },
	{ "black", GLINT_UNTRUTH_BLACK },
	{ "frozen", GLINT_UNTRUTH_FROZEN },
	{ 0 },
};

static const struct glint_option_word loops[] = {
	{ "auto", GLINT_LOOP_AUTO },
	{ "uring", GLINT_LOOP_URING, NEEDS(CONFIG_LOOP_URING) },
	{ "epoll", GLINT_LOOP_EPOLL, NEEDS(CONFIG_LOOP_EPOLL) },
	{ 0 },
};

static const struct glint_option_word programs[] = {
	{ "none", false },
	{ "ustreamer", true },
	{ 0 },
};

static const struct glint_option_word recorded[] = {
	{ "frames", false },
	{ "jpeg", true },
	{ 0 },
};

static const struct glint_option_word overlaps[] = {
	{ "extend", false },
	{ "separate", true },
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

/* clang-format off */
#define CONTROL(long_name, id, words_, help_) \
	{ OPTION(long_name, 0, CONTROL, help_), ARG("N"), .words = (words_), \
	  FIELD(capture.controls[GLINT_CONTROL_##id]), .fallback_text = "unchanged" }
/* clang-format on */

#define NO_SINK "there are no shared memory sinks; use the unix socket"
#define NO_H264 "H.264 is not encoded"
#define NO_GPIO "GPIO lines are not driven"

/* The options of one of ustreamer's memory sinks: checked, and without effect. */
/* clang-format off */
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

const struct glint_option glint_option_rows[] = {
	HEADING("Capture"),
	{ OPTION("device", 'd', DEVICE, "Capture device, by path or name; test is the built-in pattern, clip:FILE a recording, auto the first device that captures"),
	  ARG("PATH"), RANGE(1, 4095), FIELD(capture.device), DEFAULT("auto"),
	  .range_text = "a path, usb:VENDOR:PRODUCT[:SERIAL], driver:NAME, a card's name, clip:FILE, auto or test" },
	{ OPTION("input", 'i', INPUT, "Input of the device, by number or name"),
	  ARG("N"), RANGE(0, 128), FIELD(capture.input), HOLDS(NEW_STREAM), DEFAULT("0"), .range_text = "0 to 128, or a name such as HDMI" },
	{ OPTION("resolution", 'r', SIZE, "Size to ask for; the device has the last word"),
	  ARG("WxH"), SIZES(160, 120, GLINT_FORMAT_WIDTH_MAX, GLINT_FORMAT_HEIGHT_MAX), FIELD(capture.width), HOLDS(NEW_STREAM), .fallback_text = "the largest at 30 fps" },
	{ OPTION("format", 'm', FORMAT, "Pixel format to ask for; auto is what costs least to encode"),
	  ARG("FORMAT"), FIELD(capture.fourcc), HOLDS(NEW_STREAM), DEFAULT("auto"),
	  .range_text = "auto, YUYV, YVYU, UYVY, YUV420, YVU420, RGB565, RGB24, BGR24, GREY, MJPEG, JPEG, or a fourcc such as NV12" },
	{ OPTION("format-swap-rgb", 0, FLAG, "Swap red and blue of RGB formats"), FIELD(encoder.swap_rgb) },
	{ OPTION("tv-standard", 'a', WORD, "Analogue TV standard to set"),
	  ARG("NAME"), .words = tv_standards, FIELD(capture.tv_standard), HOLDS(NEW_STREAM), .fallback_text = "unchanged" },
	{ OPTION("dv-timings", 't', FLAG, "Follow DV timings even if the input does not announce them"),
	  FIELD(capture.dv_timings), HOLDS(NEW_STREAM) },
	{ OPTION("timings", 0, TIMINGS, "DV timings to set instead of those of the signal"), OWN,
	  ARG("MODE"), FIELD(capture.timings), HOLDS(NEW_STREAM), DEFAULT("follow"), .range_text = "follow, or a mode such as 1920x1080p60, 1080i50 or vic:16" },
	{ OPTION("edid", 0, TEXT, "EDID to show to the source: a binary file, or a built-in one such as 1080p60; a device that is replugged gets it again"), OWN,
	  ARG("EDID"), RANGE(1, 4095), FIELD(edid), .fallback_text = "the device's own" },
	{ OPTION("media-device", 0, TEXT, "Media controller of the device, as /dev/media0"),
	  ARG("PATH"), RANGE(0, 4095), FIELD(capture.media_device), .fallback_text = "the one that has the device" },
	{ OPTION("media-entity-name", 0, TEXT, "Entity that the video comes from; see glint media"),
	  ARG("NAME"), RANGE(0, 255), FIELD(capture.media_entity), .fallback_text = "where the links lead to" },
	{ OPTION("desired-fps", 'f', NUMBER, "Encode at most so many frames a second; 0 is all"),
	  ARG("N"), RANGE(0, 10000), FIELD(encoder.desired_fps), HOLDS(NOW), DEFAULT("0") },
	{ OPTION("buffers", 'b', NUMBER, "Buffers of the device; at least 2 are used"),
	  ARG("N"), RANGE(1, 32), FIELD(capture.buffers), HOLDS(NEW_STREAM), DEFAULT("5") },
	{ OPTION("memory", 0, WORD, "Memory for the frames; auto is the device's, or what it can share with the encoder"), OWN,
	  ARG("KIND"), .words = memories, FIELD(capture.memory), HOLDS(NEW_STREAM), DEFAULT("auto") },
	{ OPTION("deinterlace", 0, WORD, "What becomes of the two fields of interlaced frames: weave has all lines, bob those of one moment"), OWN,
	  ARG("HOW"), .words = deinterlaces, FIELD(capture.deinterlace), HOLDS(NEW_STREAM), DEFAULT("weave") },
	{ OPTION("capture-fps", 0, NUMBER, "Frames a second to ask of the device; 0 is its highest rate"), OWN,
	  ARG("N"), RANGE(0, 1000), FIELD(capture.fps), HOLDS(NEW_STREAM), DEFAULT("0") },
	{ OPTION("warm-up", 0, SPAN, "Frames, or time, at the start of each stream that are not live"), OWN,
	  ARG("SPAN"), FIELD(capture.warm_up), HOLDS(NEXT_STREAM), DEFAULT("0"), .range_text = "frames such as 30, or a time such as 500ms or 2s; up to 10000 or 60s" },
	{ OPTION("idle", 0, WORD, "What the device does while nobody needs frames"), OWN,
	  ARG("NAME"), .words = idles, FIELD(capture.idle_stops), HOLDS(NOW), DEFAULT("stream") },
	{ OPTION("min-frame-size", 'z', NUMBER, "Drop JPEG frames of the device with fewer bytes"),
	  ARG("BYTES"), RANGE(1, 8192), FIELD(capture.min_frame_size), HOLDS(NOW), DEFAULT("128") },
	{ OPTION("allow-truncated-frames", 'T', FLAG, "Keep JPEG frames that lack their end"),
	  FIELD(capture.allow_truncated), HOLDS(NOW) },
	{ OPTION("persistent", 'n', FLAG, "Go on after a timeout (always so)"), FIELD(capture.persistent) },
	{ OPTION("device-timeout", 0, SECONDS, "Without a frame for so long, the device has stalled"),
	  ARG("S"), RANGE(1, 60), FIELD(capture.timeout_ns), HOLDS(NOW), DEFAULT("1") },
	{ OPTION("device-error-delay", 0, SECONDS, "Pause before the device is tried again"),
	  ARG("S"), RANGE(1, 60), FIELD(capture.retry_ns), HOLDS(NOW), DEFAULT("1") },
	{ OPTION("offline-when", 0, WORD, "What a picture must show to be called not live; each word includes those before it"), OWN,
	  ARG("WORD"), .words = untruths, FIELD(offline_when), HOLDS(NOW), DEFAULT("card") },
	{ OPTION("cards", 0, TEXT, "Pictures that the device shows without a signal: a file, or a folder of files"), OWN,
	  ARG("PATH"), RANGE(1, 4095), FIELD(truth.cards) },
	{ OPTION("card-tolerance", 0, NUMBER, "Mean difference in grey levels up to which a picture equals a card"), OWN,
	  ARG("N"), RANGE(0, 63), FIELD(truth.card_tolerance), HOLDS(NOW), DEFAULT("6") },
	{ OPTION("black-level", 0, NUMBER, "Grey level up to which a picture is black; 0 is never"), OWN,
	  ARG("N"), RANGE(0, 255), FIELD(truth.black_level), HOLDS(NOW), DEFAULT("12") },
	{ OPTION("frozen-after", 0, NUMBER, "Seconds after which an unchanged picture is frozen; 0 is never"), OWN,
	  ARG("S"), RANGE(0, 3600), FIELD(frozen_after_s), HOLDS(NOW), DEFAULT("10") },
	{ OPTION("frozen-noise", 0, NUMBER, "Differences of so many grey levels are noise, and no change"), OWN,
	  ARG("N"), RANGE(0, 255), FIELD(truth.frozen_noise), HOLDS(NOW), DEFAULT("4") },
	{ OPTION("test-fps", 0, NUMBER, "Frames a second of the built-in pattern"), OWN,
	  ARG("N"), RANGE(1, 5000), FIELD(test_fps), DEFAULT("30") },

	HEADING("Image controls"),
	{ OPTION("image-default", 0, FLAG, "Set all controls to their defaults first"), FIELD(capture.controls_reset) },
	{ OPTION("control", 0, ASSIGN, "Set any control of the device, as gain=7; may be repeated"), OWN,
	  ARG("ASSIGNMENT"), FIELD(capture.words), .fallback_text = "none", .range_text = "NAME=VALUE" },
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
	  ARG("N"), RANGE(1, 100), FIELD(encoder.quality), HOLDS(NOW), DEFAULT("80") },
	{ OPTION("chroma", 0, WORD, "Colour resolution of pictures; source keeps the frame's own"), OWN,
	  ARG("NAME"), .words = chromas, FIELD(encoder.chroma), HOLDS(NOW), DEFAULT("420") },
	{ OPTION("range", 0, WORD, "Values of pictures: full range and BT.601, or keep the frame's as they are"), OWN,
	  ARG("NAME"), .words = ranges, FIELD(encoder.keep_range), HOLDS(NEXT_STREAM), DEFAULT("expand") },
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
	  ARG("S"), RANGE(1, 60), FIELD(net.timeout_ns), HOLDS(NOW), DEFAULT("10") },
	{ OPTION("clients-max", 0, NUMBER, "Connections at once"), OWN,
	  ARG("N"), RANGE(1, 1024), FIELD(net.clients_max), DEFAULT("128") },
	{ OPTION("strict", 0, FLAG, "Answer /snapshot with an error while there is no live video"), OWN,
	  FIELD(net.strict), HOLDS(NOW) },
	{ OPTION("drop-same-frames", 'e', NUMBER, "Leave out up to so many equal pictures in a row"),
	  ARG("N"), RANGE(0, 120), FIELD(net.drop_same_frames), HOLDS(NOW), DEFAULT("0"),
	  NEEDS(CONFIG_NET_SAME) },
	{ OPTION("fake-resolution", 'R', SIZE, "Size to show in /state instead of the real one"),
	  ARG("WxH"), SIZES(1, 1, 65535, 65535), FIELD(fake_width), HOLDS(NOW) },
	{ OPTION("tcp-nodelay", 0, FLAG, "Set TCP_NODELAY on connections"), FIELD(net.tcp_nodelay) },

	HEADING("Recording"),
	{ OPTION("record", 0, TEXT, "Keep the newest frames in memory, and write those around a trigger into this folder"), OWN,
	  ARG("DIR"), RANGE(1, 4095), FIELD(record.folder), NEEDS(CONFIG_RECORD) },
	{ OPTION("record-memory", 0, NUMBER, "Memory for the frames, in MiB"), OWN,
	  ARG("MIB"), RANGE(16, 65536), FIELD(record.memory_mib), DEFAULT("256"), NEEDS(CONFIG_RECORD) },
	{ OPTION("record-disk", 0, NUMBER, "Keep them on the disk, in a ring of so many MiB in that folder; the memory is slack then"), OWN,
	  ARG("MIB"), RANGE(256, 16777216), FIELD(record.disk_mib), .fallback_text = "none", NEEDS(CONFIG_RECORD) },
	{ OPTION("record-pre", 0, TEXT, "How much from before a trigger is recorded, in frames or time"), OWN,
	  ARG("SPAN"), RANGE(1, 32), FIELD(record.pre_text), DEFAULT("2s"), .range_text = "frames such as 120, or a time such as 500ms or 2s", NEEDS(CONFIG_RECORD) },
	{ OPTION("record-post", 0, TEXT, "How much from after it"), OWN,
	  ARG("SPAN"), RANGE(1, 32), FIELD(record.post_text), DEFAULT("1s"), .range_text = "frames such as 120, or a time such as 500ms or 2s", NEEDS(CONFIG_RECORD) },
	{ OPTION("record-on", 0, TEXT, "What triggers by itself; commas between"), OWN,
	  ARG("LIST"), RANGE(0, 255), FIELD(record.on_text), .range_text = "signal-lost, signal-back, drop, corrupt or fault", .fallback_text = "nothing", NEEDS(CONFIG_RECORD) },
	{ OPTION("record-what", 0, WORD, "The device's frames, or the JPEGs that are made of them"), OWN,
	  ARG("NAME"), .words = recorded, FIELD(record.jpegs), DEFAULT("frames"), NEEDS(CONFIG_RECORD) },
	{ OPTION("record-overlap", 0, WORD, "A trigger during a recording makes it longer, or gets a file of its own"), OWN,
	  ARG("NAME"), .words = overlaps, FIELD(record.separate), DEFAULT("extend"), NEEDS(CONFIG_RECORD) },
	{ OPTION("record-gpio", 0, TEXT, "An edge on this line of a GPIO chip triggers"), OWN,
	  ARG("LINE"), RANGE(1, 80), FIELD(record.gpio_text), .range_text = "CHIP:LINE, or CHIP:LINE:EDGE with rising, falling or both", .fallback_text = "none", NEEDS(CONFIG_RECORD_GPIO) },
	{ OPTION("record-gpio-out", 0, TEXT, "This line of a GPIO chip is high while frames of a recording are to come"), OWN,
	  ARG("LINE"), RANGE(1, 80), FIELD(record.gpio_out_text), .range_text = "CHIP:LINE, with the line's number or name", .fallback_text = "none", NEEDS(CONFIG_RECORD_GPIO) },

	HEADING("Replay"),
	{ OPTION("replay-speed", 0, TEXT, "With --device clip:FILE: how fast the recording is played; max is as fast as frames are taken"), OWN,
	  ARG("X"), RANGE(1, 32), FIELD(replay.speed_text), DEFAULT("1"), .range_text = "0.01 to 100, or max", NEEDS(CONFIG_REPLAY) },
	{ OPTION("replay-loop", 0, FLAG, "Begin again at the end of the recording"), OWN,
	  FIELD(replay.loop), NEEDS(CONFIG_REPLAY) },
	{ OPTION("replay-paused", 0, FLAG, "Begin with a pause on the first frame; see /replay"), OWN,
	  FIELD(replay.paused), NEEDS(CONFIG_REPLAY) },
	{ OPTION("replay-faults", 0, TEXT, "Faults that begin at frames of the recording; commas between"), OWN,
	  ARG("LIST"), RANGE(0, 1023), FIELD(replay.faults_text),
	  .range_text = "drop@120:3 or a list of such: freeze, drop, tear, noise, corrupt or no-signal, @, a frame, and for how many", NEEDS(CONFIG_REPLAY) },

	HEADING("Process"),
	{ OPTION("config", 0, FILE, "Read options from a file first: lines of key = value; -FILE may be missing"), OWN,
	  ARG("FILE"), RANGE(1, 4095) },
	{ OPTION("compat", 0, WORD, "Whose defaults to use; ustreamer's --resolution is 640x480"), OWN,
	  ARG("NAME"), .words = programs, FIELD(compat_ustreamer),
	  .fallback_text = "none; ustreamer if started under that name" },
	{ OPTION("loop", 0, WORD, "Event loop; auto is uring where the host allows it"), OWN,
	  ARG("NAME"), .words = loops, FIELD(loop), DEFAULT("auto") },
	{ OPTION("cpus", 0, CPUS, "Run on these processors only"), OWN,
	  ARG("LIST"), FIELD(cpus), .range_text = "like 0,2-3", .fallback_text = "all" },
	{ OPTION("realtime", 0, NUMBER, "Real-time priority; 0 is none"), OWN,
	  ARG("N"), RANGE(0, 99), FIELD(realtime), DEFAULT("0") },
	{ OPTION("exit-on-parent-death", 0, FLAG, "End with the parent process"), FIELD(exit_on_parent_death) },
	{ OPTION("exit-on-device-error", 0, FLAG, "End with exit code 1 on a device error"), FIELD(exit_on_device_error), HOLDS(NOW) },
	{ OPTION("exit-on-no-clients", 0, NUMBER, "End after so many seconds without clients; 0 is never"),
	  ARG("S"), RANGE(0, 86400), FIELD(exit_on_no_clients_s), HOLDS(NOW), DEFAULT("0") },
	{ OPTION("process-name-prefix", 0, TEXT, "Put this before the name of the process"),
	  ARG("TEXT"), RANGE(0, 255), FIELD(process_name_prefix) },
	{ OPTION("notify-parent", 0, FLAG, "Send SIGUSR2 to the parent whenever online or the size changes"), FIELD(notify_parent), HOLDS(NOW) },

	HEADING("Log"),
	{ OPTION("log-level", 0, NUMBER, "0 info, 1 perf, 2 verbose, 3 debug"),
	  ARG("N"), RANGE(0, 3), FIELD(log_level), HOLDS(NOW), DEFAULT("0") },
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
