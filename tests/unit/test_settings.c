/* SPDX-License-Identifier: MIT */
/* The settings of a running service: how they are reported, and which changes they take. */
#include "options/options.h"
#include "options_rig.h"
#include "report_rig.h"

static struct glint_change last;

/* Apply one pair; the result is in @last. */
static bool changes(const struct glint_settings *settings, const char *name, const char *value,
		    struct glint_settings *wanted)
{
	const struct glint_setting_value pair = { name, value };

	last = (struct glint_change){ .values = &pair, .n_values = 1 };
	return glint_settings_change(settings, &last, wanted);
}

static void is_refused(const char *name, const char *value, enum glint_change_outcome outcome,
		       const char *message)
{
	struct glint_settings settings, wanted;

	glint_options_set_defaults(&settings);
	CU_ASSERT_FALSE(changes(&settings, name, value, &wanted));
	CU_ASSERT_EQUAL(last.outcome, outcome);
	if (strcmp(last.message, message) != 0)
		printf("# %s\n", last.message);
	CU_ASSERT_STRING_EQUAL(last.message, message);
}

/* Settings are copied whole, with their padding. */
static bool is_same(const void *a, const void *b, size_t size)
{
	return memcmp(a, b, size) == 0;
}

static void test_a_change_sets_what_it_names_and_nothing_else(void)
{
	static const struct glint_setting_value pairs[] = {
		{ "quality", "33" },	   { "desired-fps", "0x10" },
		{ "strict", "yes" },	   { "fake-resolution", "800x600" },
		{ "device-timeout", "5" },
	};
	struct glint_change change = { .values = pairs, .n_values = 5 };
	struct glint_settings settings, wanted, expected;

	glint_options_set_defaults(&settings);
	glint_options_derive(&settings);
	CU_ASSERT_TRUE(glint_settings_change(&settings, &change, &wanted));
	CU_ASSERT_EQUAL(change.outcome, GLINT_CHANGE_DONE);
	CU_ASSERT_EQUAL(change.holds, GLINT_HOLDS_NOW);
	CU_ASSERT_STRING_EQUAL(change.message, "");
	expected = settings;
	expected.encoder.quality = expected.capture.jpeg_quality = 33;
	expected.encoder.desired_fps = expected.capture.size_fps = 16;
	expected.net.strict = true;
	expected.fake_width = 800;
	expected.fake_height = 600;
	expected.capture.timeout_ns = 5000000000;
	CU_ASSERT_TRUE(is_same(&wanted, &expected, sizeof(wanted)));
}

static void test_a_flag_is_set_and_taken_back(void)
{
	struct glint_settings settings, wanted;

	glint_options_set_defaults(&settings);
	settings.net.strict = true;
	CU_ASSERT_TRUE(changes(&settings, "strict", "false", &wanted));
	CU_ASSERT_FALSE(wanted.net.strict);
	CU_ASSERT_TRUE(changes(&settings, "strict", NULL, &wanted));
	CU_ASSERT_FALSE(wanted.net.strict);
	CU_ASSERT_TRUE(changes(&wanted, "strict", "on", &wanted));
	CU_ASSERT_TRUE(wanted.net.strict);
	is_refused("strict", "maybe", GLINT_CHANGE_INVALID, "strict 'maybe': expected yes or no");
}

static void test_without_a_value_a_setting_takes_its_default(void)
{
	struct glint_settings settings, wanted;

	glint_options_set_defaults(&settings);
	settings.encoder.quality = 12;
	settings.fake_width = 800;
	settings.fake_height = 600;
	settings.encoder.chroma = GLINT_CHROMA_SOURCE;
	CU_ASSERT_TRUE(changes(&settings, "quality", NULL, &wanted));
	CU_ASSERT_EQUAL(wanted.encoder.quality, 80);
	CU_ASSERT_EQUAL(wanted.fake_width, 800);
	CU_ASSERT_TRUE(changes(&settings, "fake-resolution", NULL, &wanted));
	CU_ASSERT_EQUAL(wanted.fake_width, 0);
	CU_ASSERT_EQUAL(wanted.fake_height, 0);
	CU_ASSERT_TRUE(changes(&settings, "chroma", NULL, &wanted));
	CU_ASSERT_EQUAL(wanted.encoder.chroma, GLINT_CHROMA_420);
}

static void test_what_is_refused_is_named_with_its_value_and_range(void)
{
	is_refused("quality", "101", GLINT_CHANGE_INVALID, "quality '101': expected 1 to 100");
	is_refused("quality", "0", GLINT_CHANGE_INVALID, "quality '0': expected 1 to 100");
	is_refused("quality", "80.5", GLINT_CHANGE_INVALID, "quality '80.5': expected 1 to 100");
	is_refused("quality", "", GLINT_CHANGE_INVALID, "quality '': expected 1 to 100");
	is_refused("chroma", "444", GLINT_CHANGE_INVALID, "chroma '444': expected 420, source");
	is_refused("fake-resolution", "big", GLINT_CHANGE_INVALID,
		   "fake-resolution 'big': expected 1x1 to 65535x65535");
	is_refused("qualty", "80", GLINT_CHANGE_UNKNOWN,
		   "'qualty' is no setting; did you mean quality?");
	is_refused("xyzzy", "80", GLINT_CHANGE_UNKNOWN, "'xyzzy' is no setting");
	is_refused("a\nb", "80", GLINT_CHANGE_UNKNOWN, "'a?b' is no setting");
	is_refused("verbose", NULL, GLINT_CHANGE_UNKNOWN,
		   "'verbose' is an option of the command line, and no setting");
	is_refused("slowdown", "yes", GLINT_CHANGE_UNKNOWN,
		   "'slowdown' is an option of the command line, and no setting");
	is_refused("config", "/etc/passwd", GLINT_CHANGE_UNKNOWN,
		   "'config' is an option of the command line, and no setting");
	is_refused("device", "/dev/video1", GLINT_CHANGE_RESTART,
		   "device cannot be changed while the service runs; start glintd with --device");
	/* A value that is never allowed is reported as wrong. */
	is_refused("workers", "33", GLINT_CHANGE_INVALID, "workers '33': expected 1 to 32");
}

static void test_the_first_pair_that_is_wrong_refuses_the_whole_change(void)
{
	static const struct glint_setting_value pairs[] = {
		{ "quality", "33" },
		{ "desired-fps", "10001" },
		{ "nonsense", "1" },
	};
	struct glint_change change = { .values = pairs, .n_values = 3 };
	struct glint_settings settings, before, wanted;

	glint_options_set_defaults(&settings);
	before = settings;
	CU_ASSERT_FALSE(glint_settings_change(&settings, &change, &wanted));
	CU_ASSERT_EQUAL(change.outcome, GLINT_CHANGE_INVALID);
	CU_ASSERT_STRING_EQUAL(change.message, "desired-fps '10001': expected 0 to 10000");
	CU_ASSERT_TRUE(is_same(&settings, &before, sizeof(settings)));
}

static void test_a_message_is_bounded(void)
{
	static char name[4096];

	memset(name, 'x', sizeof(name) - 1);
	struct glint_settings settings, wanted;

	glint_options_set_defaults(&settings);
	CU_ASSERT_FALSE(changes(&settings, name, name, &wanted));
	CU_ASSERT_TRUE(strlen(last.message) < 120);
	CU_ASSERT_FALSE(changes(&settings, "quality", name, &wanted));
	CU_ASSERT_TRUE(strlen(last.message) < 160);
}

static void test_a_password_is_never_reported(void)
{
	struct glint_settings settings;

	if (!IS_ENABLED(CONFIG_NET_AUTH))
		GLINT_SKIP("built without CONFIG_NET_AUTH");
	glint_options_set_defaults(&settings);
	settings.net.user = "lab";
	settings.net.password = "s3cret";
	glint_settings_report(&settings, record_begin());
	CU_ASSERT_PTR_NULL(strstr(record.lines, "s3cret"));
	CU_ASSERT_STRING_EQUAL(record_text("user.value"), "lab");
	CU_ASSERT_PTR_NOT_NULL(record_find("passwd.value", "null"));
	CU_ASSERT_FALSE(changes(&settings, "passwd", "other", &settings));
	CU_ASSERT_PTR_NULL(strstr(last.message, "other"));
}

static void test_each_kind_of_value_is_reported_by_its_type(void)
{
	struct parsed parsed;

	CU_ASSERT_TRUE(runs(&parsed,
			    "-U /x -d /dev/video3 -r 320x240 -q 70 --device-timeout 3 --strict "
			    "--unix-mode 660 --brightness 5 --hue auto --cpus 0"));
	glint_settings_report(&parsed.settings, record_begin());
	CU_ASSERT_EQUAL(record_int("quality.value"), 70);
	CU_ASSERT_EQUAL(record_int("quality.default"), 80);
	CU_ASSERT_STRING_EQUAL(record_text("quality.range"), "1 to 100");
	CU_ASSERT_STRING_EQUAL(record_text("quality.holds"), "now");
	CU_ASSERT_STRING_EQUAL(record_text("range.holds"), "next-stream");
	CU_ASSERT_STRING_EQUAL(record_text("device.value"), "/dev/video3");
	CU_ASSERT_STRING_EQUAL(record_text("device.default"), "auto");
	CU_ASSERT_STRING_EQUAL(record_text("device.holds"), "restart");
	CU_ASSERT_STRING_EQUAL(record_text("resolution.value"), "320x240");
	CU_ASSERT_EQUAL(record_int("device-timeout.value"), 3);
	CU_ASSERT_TRUE(record_boolean("strict.value"));
	CU_ASSERT_FALSE(record_boolean("strict.default"));
	CU_ASSERT_STRING_EQUAL(record_text("unix-mode.value"), "0660");
	CU_ASSERT_PTR_NOT_NULL(record_find("unix-mode.default", "null"));
	CU_ASSERT_EQUAL(record_int("brightness.value"), 5);
	CU_ASSERT_STRING_EQUAL(record_text("hue.value"), "auto");
	CU_ASSERT_PTR_NOT_NULL(record_find("contrast.value", "null"));
	CU_ASSERT_STRING_EQUAL(record_text("cpus.value"), "0");
	CU_ASSERT_TRUE(record_int("workers.default") >= 1 && record_int("workers.default") <= 4);
	CU_ASSERT_STRING_EQUAL(record_text("chroma.value"), "420");
	CU_ASSERT_STRING_EQUAL(record_text("format.value"), "auto");
	CU_ASSERT_EQUAL(record_int("test-fps.value"), 30);
	CU_ASSERT_PTR_NULL(record_find("verbose", "object"));
	CU_ASSERT_PTR_NULL(record_find("help", "object"));
	CU_ASSERT_PTR_NULL(record_find("slowdown", "object"));
	drop(&parsed);
}

/* Text of another value than the present one, for the kinds that can be changed at run time. */
static const char *other_value(const struct glint_option *option)
{
	const struct glint_option_word *word = option->words;
	static char text[32];

	switch (option->kind) {
	case GLINT_OPTION_FLAG:
		return "yes";
	case GLINT_OPTION_SIZE:
		return "321x123";
	case GLINT_OPTION_WORD:
		while (word[1].name && !word[1].hidden) /* the last one is no option's default */
			word++;
		return word->name;
	case GLINT_OPTION_FORMAT:
		return "NV12";
	case GLINT_OPTION_SPAN:
		return "7";
	case GLINT_OPTION_INPUT:
		return "HDMI";
	case GLINT_OPTION_TIMINGS:
		return "1280x720p50";
	default:
		snprintf(text, sizeof(text), "%lld", (long long)option->high[0]);
		return text;
	}
}

/* The reported value is the one that was set, for each setting that can be changed. */
static void test_a_changed_setting_is_reported_with_its_new_value(void)
{
	unsigned n = 0;

	for (const struct glint_option *option = glint_option_rows; option->help; option++) {
		struct glint_settings settings, wanted;
		char path[64], before[64];

		if (!option->runtime || option->missing)
			continue;
		n++;
		/* The text of a request does not live as long as a setting. */
		CU_ASSERT_TRUE(
			option->kind != GLINT_OPTION_TEXT && option->kind != GLINT_OPTION_DEVICE &&
			option->kind != GLINT_OPTION_ID && option->kind != GLINT_OPTION_NAME);
		glint_options_set_defaults(&settings);
		glint_settings_report(&settings, record_begin());
		snprintf(path, sizeof(path), "\n%s.value ", option->name);
		snprintf(before, sizeof(before), "%.60s", strstr(record.lines, path));
		CU_ASSERT_TRUE(changes(&settings, option->name, other_value(option), &wanted));
		CU_ASSERT_NOT_EQUAL(last.holds, GLINT_HOLDS_RESTART);
		glint_settings_report(&wanted, record_begin());
		if (strncmp(strstr(record.lines, path), before, strlen(before)) == 0)
			printf("# %s is reported as before\n", option->name);
		CU_ASSERT_NOT_EQUAL(strncmp(strstr(record.lines, path), before, strlen(before)), 0);
	}
	CU_ASSERT_TRUE(n >= 14);
}

/* clang-format off */
GLINT_TESTS("settings",
	GLINT_TEST(test_a_change_sets_what_it_names_and_nothing_else),
	GLINT_TEST(test_a_flag_is_set_and_taken_back),
	GLINT_TEST(test_without_a_value_a_setting_takes_its_default),
	GLINT_TEST(test_what_is_refused_is_named_with_its_value_and_range),
	GLINT_TEST(test_the_first_pair_that_is_wrong_refuses_the_whole_change),
	GLINT_TEST(test_a_message_is_bounded),
	GLINT_TEST(test_a_password_is_never_reported),
	GLINT_TEST(test_each_kind_of_value_is_reported_by_its_type),
	GLINT_TEST(test_a_changed_setting_is_reported_with_its_new_value),
)
