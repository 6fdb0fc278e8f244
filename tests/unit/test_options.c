/* SPDX-License-Identifier: MIT */
#include "options_rig.h"

#include <ctype.h>
#include <linux/videodev2.h>

#include "base/clock.h"

#define SECONDS(n) (GLINT_NSEC_PER_SEC * (n))

static void test_the_defaults_are_those_of_the_manual(void)
{
	struct parsed parsed;
	const struct glint_settings *settings = &parsed.settings;

	parse(&parsed, "--unix /x");
	CU_ASSERT_EQUAL_FATAL(parsed.outcome, GLINT_OPTIONS_RUN);
	CU_ASSERT_PTR_NULL(parsed.output.out);
	CU_ASSERT_PTR_NULL(parsed.output.err);
	CU_ASSERT_PTR_NULL(settings->capture.device);
	CU_ASSERT_EQUAL(settings->capture.width, 0);
	CU_ASSERT_EQUAL(settings->capture.height, 0);
	CU_ASSERT_EQUAL(settings->capture.size_fps, 30);
	CU_ASSERT_EQUAL(settings->capture.fourcc, 0);
	CU_ASSERT_EQUAL(settings->capture.buffers, 5);
	CU_ASSERT_EQUAL(settings->capture.min_frame_size, 128);
	CU_ASSERT_EQUAL(settings->capture.timeout_ns, SECONDS(1));
	CU_ASSERT_EQUAL(settings->capture.retry_ns, SECONDS(1));
	CU_ASSERT_EQUAL(settings->capture.controls[GLINT_CONTROL_HUE].mode, GLINT_CONTROL_KEEP);
	CU_ASSERT_EQUAL(settings->encoder.quality, 80);
	CU_ASSERT_EQUAL(settings->encoder.chroma, GLINT_CHROMA_420);
	CU_ASSERT_FALSE(settings->encoder.keep_range);
	CU_ASSERT_FALSE(settings->capture.keep_range);
	CU_ASSERT_FALSE(settings->net.strict);
	CU_ASSERT_TRUE(settings->encoder.workers >= 1 && settings->encoder.workers <= 4);
	CU_ASSERT_STRING_EQUAL(settings->encoder_type, "AUTO");
	CU_ASSERT_EQUAL(settings->net.unix_mode, -1);
	CU_ASSERT_EQUAL(settings->net.timeout_ns, SECONDS(10));
	CU_ASSERT_EQUAL(settings->net.clients_max, 128);
	CU_ASSERT_STRING_EQUAL(settings->net.instance_id, "");
	CU_ASSERT_STRING_EQUAL(settings->net.password, "");
	CU_ASSERT_PTR_NULL(settings->net.user);
	CU_ASSERT_EQUAL(settings->loop, GLINT_LOOP_AUTO);
	CU_ASSERT_EQUAL(settings->log_level, 0);
	CU_ASSERT_EQUAL(settings->log_color, -1);
	drop(&parsed);
}

/* The requested size if @program is started with @line: "best", or WxH. */
static bool asks_for(const char *program, const char *line, const char *size)
{
	char name[64], asked[32] = "best";
	struct parsed parsed;
	const struct glint_capture_config *capture = &parsed.settings.capture;

	snprintf(name, sizeof(name), "%s", program);
	split(&parsed, line);
	parsed.argv[0] = name;
	parse_words(&parsed);
	CU_ASSERT_EQUAL_FATAL(parsed.outcome, GLINT_OPTIONS_RUN);
	CU_ASSERT_EQUAL(capture->width == 0, capture->height == 0);
	if (capture->width)
		snprintf(asked, sizeof(asked), "%ux%u", capture->width, capture->height);
	drop(&parsed);
	if (strcmp(asked, size) != 0)
		printf("#   %s %s: %s\n", program, line, asked);
	return strcmp(asked, size) == 0;
}

static void test_the_default_size_is_the_best_or_ustreamers(void)
{
	struct parsed parsed;

	CU_ASSERT_TRUE(asks_for("glintd", "-U /x", "best"));
	CU_ASSERT_TRUE(asks_for("/usr/local/bin/glintd", "-U /x", "best"));
	CU_ASSERT_TRUE(asks_for("ustreamer", "-U /x", "640x480"));
	CU_ASSERT_TRUE(asks_for("/opt/lab/ustreamer", "-U /x", "640x480"));
	CU_ASSERT_TRUE(asks_for("/opt/ustreamer/glintd", "-U /x", "best"));
	CU_ASSERT_TRUE(asks_for("ustreamer-dump", "-U /x", "best"));
	CU_ASSERT_TRUE(asks_for("", "-U /x", "best"));
	CU_ASSERT_TRUE(asks_for("glintd", "-U /x --compat ustreamer", "640x480"));
	CU_ASSERT_TRUE(asks_for("ustreamer", "-U /x --compat none", "best"));
	CU_ASSERT_TRUE(asks_for("ustreamer", "-U /x --compat none --compat=Ustreamer", "640x480"));
	CU_ASSERT_TRUE(asks_for("glintd", "-U /x -r 800x600 --compat ustreamer", "800x600"));
	CU_ASSERT_TRUE(asks_for("glintd", "-U /x --compat ustreamer -r 800x600", "800x600"));
	if (IS_ENABLED(CONFIG_PATTERN)) {
		CU_ASSERT_TRUE(asks_for("glintd", "-U /x -d test", "640x480"));
		CU_ASSERT_TRUE(asks_for("glintd", "-U /x -d test -r 160x120", "160x120"));
	}
	CU_ASSERT_TRUE(
		says("--compat kvmd", "--compat 'kvmd': expected none, ustreamer (try --help)"));
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x --desired-fps 60")->capture.size_fps, 60);
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x --desired-fps 5")->capture.size_fps, 5);
}

static void test_no_program_name_is_no_name(void)
{
	struct parsed parsed = { .argc = 0 };

	parse_words(&parsed);
	CU_ASSERT_EQUAL(parsed.outcome,
			IS_ENABLED(CONFIG_NET_TCP) ? GLINT_OPTIONS_RUN : GLINT_OPTIONS_EXIT_ERROR);
	CU_ASSERT_EQUAL(parsed.settings.capture.width, 0);
	drop(&parsed);
}

static void test_controls_take_numbers_and_words(void)
{
	struct parsed parsed;
	const struct glint_control_setting *controls = parsed.settings.capture.controls;

	CU_ASSERT_TRUE(
		runs(&parsed, "-U /x --brightness auto --contrast default --hue -5 --gain 0x10"));
	CU_ASSERT_EQUAL(controls[GLINT_CONTROL_BRIGHTNESS].mode, GLINT_CONTROL_AUTO);
	CU_ASSERT_EQUAL(controls[GLINT_CONTROL_CONTRAST].mode, GLINT_CONTROL_DEFAULT);
	CU_ASSERT_EQUAL(controls[GLINT_CONTROL_HUE].mode, GLINT_CONTROL_VALUE);
	CU_ASSERT_EQUAL(controls[GLINT_CONTROL_HUE].value, -5);
	CU_ASSERT_EQUAL(controls[GLINT_CONTROL_GAIN].value, 16);
	drop(&parsed);
	CU_ASSERT_TRUE(says("--contrast auto",
			    "--contrast 'auto': expected a number, default (try --help)"));
	CU_ASSERT_TRUE(refuses("--hue 2147483648"));
}

static void test_words_may_be_in_any_case_and_aliases_are_known(void)
{
	struct parsed parsed;

	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x -a pal")->capture.tv_standard, V4L2_STD_PAL);
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x -m yuyv")->capture.fourcc, V4L2_PIX_FMT_YUYV);
	CU_ASSERT_STRING_EQUAL(settings_of(&parsed, "-U /x -c hw")->encoder_type, "HW");
	CU_ASSERT_STRING_EQUAL(settings_of(&parsed, "-U /x -c omx")->encoder_type, "M2M-IMAGE");
	CU_ASSERT_STRING_EQUAL(settings_of(&parsed, "-U /x -c m2m-mjpeg")->encoder_type,
			       "M2M-VIDEO");
	CU_ASSERT_TRUE(settings_of(&parsed, "-U /x --range keep --strict")->encoder.keep_range);
	CU_ASSERT_TRUE(parsed.settings.capture.keep_range);
	CU_ASSERT_TRUE(parsed.settings.net.strict);
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x --chroma source")->encoder.chroma,
			GLINT_CHROMA_SOURCE);
	CU_ASSERT_TRUE(refuses("-U /x -m nonsense"));
}

static void test_the_hardware_encoder_asks_the_device_for_jpeg_unless_a_format_is_given(void)
{
	struct parsed parsed;

	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x -c HW")->capture.fourcc, V4L2_PIX_FMT_MJPEG);
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x -c HW -m YUYV")->capture.fourcc,
			V4L2_PIX_FMT_YUYV);
}

static void test_one_quality_is_for_encoder_and_device(void)
{
	struct parsed parsed;

	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x -q 55")->capture.jpeg_quality, 55);
}

static void test_the_rate_is_that_of_the_pattern_and_a_device_runs_as_fast_as_it_can(void)
{
	struct parsed parsed;

	if (!IS_ENABLED(CONFIG_PATTERN)) {
		CU_ASSERT_TRUE(
			says("-U /x -d test", "--device test: built without CONFIG_PATTERN"));
		return;
	}
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x -d test")->capture.fps_milli, 30000);
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x -d test --test-fps 7")->capture.fps_milli,
			7000);
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x -d /dev/video3 -f 10")->capture.fps_milli,
			255000);
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x -d /dev/video3 -f 10")->encoder.desired_fps,
			10);
}

static void test_one_buffer_is_taken_as_two(void)
{
	struct parsed parsed;

	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x -b 1")->capture.buffers, 2);
}

static void test_tcp_listens_on_request_or_without_other_listeners(void)
{
	struct parsed parsed;

	if (!IS_ENABLED(CONFIG_NET_TCP)) {
		CU_ASSERT_TRUE(says("-d x", "--unix is needed: built without CONFIG_NET_TCP"));
		CU_ASSERT_TRUE(says("-p 80", "--port: built without CONFIG_NET_TCP"));
		return;
	}
	CU_ASSERT_STRING_EQUAL(settings_of(&parsed, "")->net.host, "127.0.0.1");
	CU_ASSERT_EQUAL(settings_of(&parsed, "")->net.port, 8080);
	CU_ASSERT_PTR_NULL(settings_of(&parsed, "-U /x")->net.host);
	CU_ASSERT_STRING_EQUAL(settings_of(&parsed, "-U /x -p 0")->net.host, "127.0.0.1");
	CU_ASSERT_STRING_EQUAL(settings_of(&parsed, "-U /x -s ::1")->net.host, "::1");
	CU_ASSERT_STRING_EQUAL(settings_of(&parsed, "-U ~")->net.host, "127.0.0.1");
}

static void test_systemd_passes_the_listeners(void)
{
	struct parsed parsed;

	if (!IS_ENABLED(CONFIG_SYSTEMD)) {
		CU_ASSERT_TRUE(says("-S", "--systemd: built without CONFIG_SYSTEMD"));
		return;
	}
	CU_ASSERT_PTR_NULL(settings_of(&parsed, "-S")->net.host);
	CU_ASSERT_TRUE(settings_of(&parsed, "-S")->systemd);
}

static void test_processors_are_a_list_of_numbers_and_ranges(void)
{
	struct parsed parsed;
	const cpu_set_t *cpus = &settings_of(&parsed, "-U /x --cpus 0,2-4,1023")->cpus;

	CU_ASSERT_EQUAL(CPU_COUNT(cpus), 5);
	CU_ASSERT(CPU_ISSET(0, cpus) && CPU_ISSET(2, cpus) && CPU_ISSET(4, cpus));
	CU_ASSERT(CPU_ISSET(1023, cpus) && !CPU_ISSET(1, cpus));
	CU_ASSERT_EQUAL(CPU_COUNT(&settings_of(&parsed, "-U /x")->cpus), 0);
	CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x --cpus 0")->encoder.workers, 1);
	CU_ASSERT_TRUE(says("--cpus 1024", "--cpus '1024': expected like 0,2-3 (try --help)"));
	CU_ASSERT_TRUE(refuses("--cpus 18446744073709551616"));
	CU_ASSERT_TRUE(refuses("--cpus ~"));
	CU_ASSERT_TRUE(refuses("--cpus ,"));
	CU_ASSERT_TRUE(refuses("--cpus 1,"));
	CU_ASSERT_TRUE(refuses("--cpus 3-2"));
	CU_ASSERT_TRUE(refuses("--cpus 1-"));
	CU_ASSERT_TRUE(refuses("--cpus -1"));
	CU_ASSERT_TRUE(refuses("--cpus 1;2"));
}

static void test_a_password_without_a_user_is_refused(void)
{
	if (!IS_ENABLED(CONFIG_NET_AUTH)) {
		CU_ASSERT_TRUE(says("-U /x --user u", "--user: built without CONFIG_NET_AUTH"));
		return;
	}
	CU_ASSERT_TRUE(refuses("-U /x --passwd x"));
	CU_ASSERT_TRUE(accepts("-U /x --user u --passwd x"));
	CU_ASSERT_TRUE(accepts("-U /x --user ~ --passwd ~"));
}

static void test_a_user_without_a_password_causes_a_warning(void)
{
	static const char warning[] = "glintd: --user without --passwd: the password is empty, and "
				      "anybody can log in\n";
	static const struct {
		const char *line;
		bool warned;
	} cases[] = {
		{ "-U /x --user u", true },
		{ "-U /x --user u --passwd x", false },
		{ "-U /x --user u --passwd ~", false }, /* on purpose */
		{ "-U /x --user ~", false },
		{ "-U /x", false },
	};
	struct parsed parsed;

	if (!IS_ENABLED(CONFIG_NET_AUTH))
		GLINT_SKIP("built without CONFIG_NET_AUTH");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		parse(&parsed, cases[i].line);
		CU_ASSERT_EQUAL(parsed.outcome, GLINT_OPTIONS_RUN);
		if (cases[i].warned)
			CU_ASSERT_STRING_EQUAL(parsed.output.err, warning)
		else
			CU_ASSERT_PTR_NULL(parsed.output.err);
		drop(&parsed);
	}
}

static void test_a_loop_that_is_not_built_in_is_refused(void)
{
	struct parsed parsed;

	if (IS_ENABLED(CONFIG_LOOP_EPOLL)) {
		CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x --loop epoll")->loop, GLINT_LOOP_EPOLL);
	} else {
		CU_ASSERT_TRUE(
			says("--loop epoll", "--loop 'epoll': not in this build (see --features)"));
	}
	if (IS_ENABLED(CONFIG_LOOP_URING)) {
		CU_ASSERT_EQUAL(settings_of(&parsed, "-U /x --loop uring")->loop, GLINT_LOOP_URING);
	} else {
		CU_ASSERT_TRUE(
			says("--loop uring", "--loop 'uring': not in this build (see --features)"));
	}
}

static void test_texts_are_checked(void)
{
	char line[200], path[109];

	memset(path, 'p', sizeof(path) - 1);
	path[108] = '\0';
	snprintf(line, sizeof(line), "-U %s", path);
	CU_ASSERT_TRUE(refuses(line));
	path[107] = '\0';
	snprintf(line, sizeof(line), "-U %s", path);
	CU_ASSERT_TRUE(accepts(line));
	CU_ASSERT_TRUE(refuses("-U /x -d ~"));
	CU_ASSERT_TRUE(refuses("-U /x --instance-id a:b"));
	CU_ASSERT_TRUE(accepts("-U /x --instance-id lab/rack-3.dut_1+"));
	CU_ASSERT_TRUE(says("--allow-origin *\r", "--allow-origin '*?': control characters are not "
						  "allowed (try --help)"));
}

static void test_what_has_no_effect_is_said_once(void)
{
	struct parsed parsed;

	CU_ASSERT_TRUE(runs(&parsed, "-U /x --h264-boost --h264-boost --sink a --sink b"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(parsed.output.err);
	CU_ASSERT_STRING_EQUAL(
		parsed.output.err,
		"glintd: --sink has no effect: there are no shared memory sinks; use the unix socket\n"
		"glintd: --h264-boost has no effect: H.264 is not encoded\n");
	drop(&parsed);
}

static void test_deprecated_options_are_ignored_quietly(void)
{
	struct parsed parsed;

	CU_ASSERT_TRUE(runs(&parsed, "-U /x -g 0x0 -k /nothing -K 3 -l --persistent"));
	CU_ASSERT_PTR_NULL(parsed.output.err);
	drop(&parsed);
}

static void test_help_shows_each_option_with_its_facts(void)
{
	struct parsed parsed;

	parse(&parsed, "-q 80 --help --bogus"); /* as ustreamer: what follows does not matter */
	CU_ASSERT_EQUAL_FATAL(parsed.outcome, GLINT_OPTIONS_EXIT_OK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(parsed.output.out);
	CU_ASSERT_PTR_NULL(parsed.output.err);
	for (const struct glint_option *option = glint_option_rows; option->help; option++) {
		char wanted[80];

		if (option->letter)
			snprintf(wanted, sizeof(wanted), "\n  -%c, --%s", option->letter,
				 option->name);
		else
			snprintf(wanted, sizeof(wanted), "\n      --%s", option->name);
		if (!option->name)
			continue;
		CU_ASSERT_PTR_NOT_NULL(strstr(parsed.output.out, wanted));
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(parsed.output.out, "JPEG quality (1 to 100; default 80)\n"));
	drop(&parsed);
}

static void test_help_fits_a_terminal(void)
{
	struct parsed parsed;
	char *rest, *line;

	parse(&parsed, "-h");
	rest = parsed.output.out;
	CU_ASSERT_PTR_NOT_NULL_FATAL(rest);
	while ((line = strsep(&rest, "\n")))
		CU_ASSERT_TRUE(strlen(line) <= 80);
	drop(&parsed);
}

static void test_version_and_features_are_shown(void)
{
	struct parsed parsed;

	parse(&parsed, "--version");
	CU_ASSERT_EQUAL(parsed.outcome, GLINT_OPTIONS_EXIT_OK);
	CU_ASSERT_EQUAL(strncmp(parsed.output.out, "glintd ", 7), 0);
	CU_ASSERT_TRUE(isdigit((unsigned char)parsed.output.out[7]));
	drop(&parsed);

	parse(&parsed, "--features");
	CU_ASSERT_EQUAL(parsed.outcome, GLINT_OPTIONS_EXIT_OK);
	CU_ASSERT_PTR_NOT_NULL(strstr(parsed.output.out,
				      IS_ENABLED(CONFIG_NET_TCP) ? "+ NET_TCP\n" : "- NET_TCP\n"));
	drop(&parsed);
}

/* clang-format off */
GLINT_TESTS("options",
	GLINT_TEST(test_the_defaults_are_those_of_the_manual),
	GLINT_TEST(test_the_default_size_is_the_best_or_ustreamers),
	GLINT_TEST(test_no_program_name_is_no_name),
	GLINT_TEST(test_controls_take_numbers_and_words),
	GLINT_TEST(test_words_may_be_in_any_case_and_aliases_are_known),
	GLINT_TEST(test_the_hardware_encoder_asks_the_device_for_jpeg_unless_a_format_is_given),
	GLINT_TEST(test_one_quality_is_for_encoder_and_device),
	GLINT_TEST(test_the_rate_is_that_of_the_pattern_and_a_device_runs_as_fast_as_it_can),
	GLINT_TEST(test_one_buffer_is_taken_as_two),
	GLINT_TEST(test_tcp_listens_on_request_or_without_other_listeners),
	GLINT_TEST(test_systemd_passes_the_listeners),
	GLINT_TEST(test_processors_are_a_list_of_numbers_and_ranges),
	GLINT_TEST(test_a_password_without_a_user_is_refused),
	GLINT_TEST(test_a_user_without_a_password_causes_a_warning),
	GLINT_TEST(test_a_loop_that_is_not_built_in_is_refused),
	GLINT_TEST(test_texts_are_checked),
	GLINT_TEST(test_what_has_no_effect_is_said_once),
	GLINT_TEST(test_deprecated_options_are_ignored_quietly),
	GLINT_TEST(test_help_shows_each_option_with_its_facts),
	GLINT_TEST(test_help_fits_a_terminal),
	GLINT_TEST(test_version_and_features_are_shown),
)
