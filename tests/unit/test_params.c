/* SPDX-License-Identifier: MIT */
/* Parameters of requests: the table, and the values that it refuses. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/macros.h"
#include "harness.h"
#include "http/params.h"

enum { FLAG, COUNT, SHARE, TIMEOUT, AFTER, REGION, FORMAT, NAME, LENIENT, STREAM, PARAMS };

static const char *const formats[] = { "jpeg", "png", NULL };

static const struct glint_param params[] = {
	[FLAG] = { "flag", GLINT_PARAM_FLAG },
	[COUNT] = { "count", GLINT_PARAM_INTEGER, .unit = "pixels", .min = -5, .max = 255,
		    .fallback = "20" },
	[SHARE] = { "share", GLINT_PARAM_NUMBER, .max = 1, .fallback = "0.96" },
	[TIMEOUT] = { "timeout", GLINT_PARAM_DURATION, .max = 60, .fallback = "10" },
	[AFTER] = { "after", GLINT_PARAM_MOMENT },
	[REGION] = { "region", GLINT_PARAM_REGION, .most = 3 },
	[FORMAT] = { "format", GLINT_PARAM_WORD, .words = formats, .fallback = "png" },
	[NAME] = { "name", GLINT_PARAM_TEXT, .max = 8 },
	[LENIENT] = { "lenient", GLINT_PARAM_FLAG, .lenient = true },
	[STREAM] = { "stream", GLINT_PARAM_INTEGER, .min = 1, .max = 9007199254740991.0 },
	[PARAMS] = { NULL },
};

static struct glint_param_value values[PARAMS];
static struct glint_param_fault fault;

static int read_query(const char *query)
{
	return glint_params_read(params, false, query, values, &fault);
}

static void test_without_parameters_all_values_are_the_defaults(void)
{
	CU_ASSERT_EQUAL(read_query(""), 0);
	for (unsigned i = 0; i < PARAMS; i++)
		CU_ASSERT_EQUAL(values[i].count, 0);
	CU_ASSERT_FALSE(values[FLAG].flag);
	CU_ASSERT_EQUAL(values[COUNT].integer, 20);
	CU_ASSERT_EQUAL(values[SHARE].number, 0.96);
	CU_ASSERT_EQUAL(values[TIMEOUT].ns, 10000000000);
	CU_ASSERT_EQUAL(values[FORMAT].word, 1);
	CU_ASSERT_STRING_EQUAL(values[NAME].text, "");
}

static void test_each_kind_is_read(void)
{
	CU_ASSERT_EQUAL(
		read_query(
			"flag=YES&count=-5&share=1&&timeout=250ms&after=seq:7"
			"&region=640x360+0+120&format=jpeg&name=a%20b&lenient=1x&stream=9007199254740991"),
		0);
	for (unsigned i = 0; i < PARAMS; i++)
		CU_ASSERT_EQUAL(values[i].count, 1);
	CU_ASSERT_TRUE(values[FLAG].flag);
	CU_ASSERT_EQUAL(values[COUNT].integer, -5);
	CU_ASSERT_EQUAL(values[SHARE].number, 1);
	CU_ASSERT_EQUAL(values[TIMEOUT].ns, 250000000);
	CU_ASSERT_EQUAL(values[AFTER].moment.kind, GLINT_MOMENT_SEQ);
	CU_ASSERT_EQUAL(values[AFTER].moment.seq, 7);
	CU_ASSERT_EQUAL(values[REGION].region.width, 640);
	CU_ASSERT_EQUAL(values[REGION].region.y, 120);
	CU_ASSERT_EQUAL(values[FORMAT].word, 0);
	CU_ASSERT_STRING_EQUAL(values[NAME].text, "a b");
	CU_ASSERT_TRUE(values[LENIENT].flag);
	CU_ASSERT_EQUAL(values[STREAM].integer, 9007199254740991);
}

static void test_a_value_that_cannot_be_read_is_refused(void)
{
	static const char *const rows[] = {
		"flag=",
		"flag=2",
		"flag=truer",
		"flag",
		"count=",
		"count=x",
		"count=1.5",
		"count=%201",
		"count=+1",
		"count=0x1",
		"count=256",
		"count=-6",
		"count=1x",
		"count=99999999999999999999",
		"share=",
		"share=1.1",
		"share=-0.1",
		"share=nan",
		"share=inf",
		"share=1e-1",
		"share=.5",
		"share=1.",
		"share=0x0",
		"timeout=",
		"timeout=-1",
		"timeout=61",
		"timeout=1m",
		"timeout=ms",
		"timeout=1.5.5",
		"timeout=60001ms",
		"timeout=1%20s",
		"after=",
		"after=soon",
		"after=-1",
		"after=nowadays",
		"after=seq:",
		"after=seq:-1",
		"after=seq:4294967296",
		"after=mark:",
		"after=mark:a/b",
		"after=18446744073709551616",
		"region=",
		"region=1x1",
		"region=0x1+0+0",
		"region=1x0+0+0",
		"region=1x1+0",
		"region=1x1+0+0+",
		"region=1x1-1+0",
		"region=65536x1+0+0",
		"region=1x1+0+0x",
		"region=axb+c+d",
		"region=1x1%2B0%2B65536",
		"format=",
		"format=JPEG",
		"format=pngx",
		"format=0",
		"name=123456789",
		"name=%ff",
		"name=%c0%80",
		"name=%ed%a0%80",
		"name=%f4%90%80%80",
		"name=%e2%82",
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strcspn(rows[i], "=");

		CU_ASSERT_EQUAL(read_query(rows[i]), -EINVAL);
		CU_ASSERT_EQUAL(fault.kind, GLINT_PARAM_BAD);
		CU_ASSERT_TRUE(strlen(fault.name) == len && memcmp(fault.name, rows[i], len) == 0);
		CU_ASSERT_NOT_EQUAL(fault.allowed[0], '\0');
	}
}

static void test_what_is_allowed_is_said_with_range_and_unit(void)
{
	static const struct {
		const char *query, *allowed;
	} rows[] = {
		{ "count=256", "an integer from -5 to 255, in pixels" },
		{ "share=2", "a number from 0 to 1" },
		{ "stream=0", "an integer from 1 to 9007199254740991" },
		{ "timeout=x", "a duration from 0 to 60 seconds, such as 500ms, 2s or 1.5" },
		{ "format=bmp", "one of jpeg, png" },
		{ "name=123456789", "at most 8 bytes of UTF-8" },
		{ "region=x", "WxH+X+Y in pixels, such as 640x360+0+120" },
		{ "region=0x2+0+120", "WxH+X+Y in pixels, such as 640x360+0+120" },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CU_ASSERT_EQUAL(read_query(rows[i].query), -EINVAL);
		CU_ASSERT_STRING_EQUAL(fault.allowed, rows[i].allowed);
		CU_ASSERT_STRING_EQUAL(fault.value, strchr(rows[i].query, '=') + 1);
	}
}

static void test_the_unknown_is_refused_or_ignored(void)
{
	CU_ASSERT_EQUAL(read_query("count=1&cache=7"), -EINVAL);
	CU_ASSERT_EQUAL(fault.kind, GLINT_PARAM_UNKNOWN);
	CU_ASSERT_STRING_EQUAL(fault.name, "cache");
	CU_ASSERT_PTR_NOT_NULL(strstr(fault.allowed, "flag, count, share"));

	CU_ASSERT_EQUAL(glint_params_read(params, true, "t=7&count=1&_", values, &fault), 0);
	CU_ASSERT_EQUAL(values[COUNT].integer, 1);
	CU_ASSERT_EQUAL(glint_params_read(params, true, "t=7&count=x", values, &fault), -EINVAL);
	CU_ASSERT_STRING_EQUAL(fault.name, "count");
}

static void test_a_parameter_comes_once_unless_the_table_says_more(void)
{
	struct glint_param_value value;
	const char *query = "region=1x1+0+0&count=3&region=2x2%2B0%2B0&region=3x3+0+0";

	CU_ASSERT_EQUAL(read_query("count=1&count=1"), -EINVAL);
	CU_ASSERT_EQUAL(fault.kind, GLINT_PARAM_REPEATED);

	CU_ASSERT_EQUAL(read_query(query), 0);
	CU_ASSERT_EQUAL(values[REGION].count, 3);
	CU_ASSERT_EQUAL(values[REGION].region.width, 1);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_TRUE(glint_params_nth(&params[REGION], query, i, &value));
		CU_ASSERT_EQUAL(value.region.width, i + 1);
	}
	CU_ASSERT_FALSE(glint_params_nth(&params[REGION], query, 3, &value));
	CU_ASSERT_EQUAL(read_query("region=1x1+0+0&region=1x1+0+0&region=1x1+0+0&region=1x1+0+0"),
			-EINVAL);
	CU_ASSERT_EQUAL(read_query("region=1x1+0+0&region=x"), -EINVAL);
	CU_ASSERT_EQUAL(fault.kind, GLINT_PARAM_BAD);
}

static void test_lenient_flags_are_read_as_ustreamer_reads_them(void)
{
	static const char *const yes[] = { "lenient=1",	   "lenient=1x",  "lenient=true",
					   "lenient=TRUE", "lenient=Yes", "lenient=10&lenient=0" };
	static const char *const no[] = { "lenient=0",	"lenient",	 "lenient=",
					  "lenient=on", "lenient=truer", "lenient=2" };

	for (unsigned i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		CU_ASSERT_EQUAL(read_query(yes[i]), 0);
		CU_ASSERT_TRUE(values[LENIENT].flag);
	}
	for (unsigned i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		CU_ASSERT_EQUAL(read_query(no[i]), 0);
		CU_ASSERT_FALSE(values[LENIENT].flag);
		CU_ASSERT_EQUAL(values[LENIENT].count, 1);
	}
}

static void test_durations_are_exact(void)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} rows[] = {
		{ "0", 0 },	      { "1.5", 1500000000 },
		{ "2s", 2000000000 }, { "500ms", 500000000 },
		{ "0.1ms", 100000 },  { "1.0000000019", 1000000001 },
		{ "7us", 7000 },      { "9223372036854775807ns", INT64_MAX },
	};
	static const char *const bad[] = { "",
					   "s",
					   "1 s",
					   "1S",
					   "-1",
					   "+1",
					   "1,5",
					   "1e3",
					   ".5",
					   "9223372036854775808ns",
					   "99999999999",
					   "99999999999999999999999" };
	uint64_t ns = 7;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(glint_duration_parse(bad[i], &ns), -EINVAL);
	CU_ASSERT_EQUAL(ns, 7);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CU_ASSERT_EQUAL(glint_duration_parse(rows[i].text, &ns), 0);
		CU_ASSERT_EQUAL(ns, rows[i].ns);
	}
}

static void test_moments_have_five_forms(void)
{
	char text[96], id[GLINT_MARK_ID_MAX + 2];
	struct glint_moment moment;

	CU_ASSERT_EQUAL(glint_moment_parse("now", &moment), 0);
	CU_ASSERT_EQUAL(moment.kind, GLINT_MOMENT_NOW);
	CU_ASSERT_EQUAL(glint_moment_parse("last", &moment), 0);
	CU_ASSERT_EQUAL(moment.kind, GLINT_MOMENT_LAST);
	CU_ASSERT_EQUAL(glint_moment_parse("18446744073709551615", &moment), 0);
	CU_ASSERT_EQUAL(moment.kind, GLINT_MOMENT_TIME);
	CU_ASSERT_EQUAL(moment.ns, UINT64_MAX);
	CU_ASSERT_EQUAL(glint_moment_parse("seq:4294967295", &moment), 0);
	CU_ASSERT_EQUAL(moment.seq, UINT32_MAX);
	memset(id, 'x', sizeof(id));
	id[sizeof(id) - 1] = '\0';
	snprintf(text, sizeof(text), "mark:%s", id + 1);
	CU_ASSERT_EQUAL(glint_moment_parse(text, &moment), 0);
	CU_ASSERT_EQUAL(moment.kind, GLINT_MOMENT_MARK);
	CU_ASSERT_STRING_EQUAL(moment.mark, id + 1);
	snprintf(text, sizeof(text), "mark:%s", id);
	CU_ASSERT_EQUAL(glint_moment_parse(text, &moment), -EINVAL);
}

static void test_regions_are_clipped_and_fitted(void)
{
	struct glint_region region;
	char text[GLINT_REGION_TEXT_MAX];

	CU_ASSERT_EQUAL(glint_region_parse("65535x65535+65535+65535", &region), 0);
	glint_region_text(&region, text);
	CU_ASSERT_STRING_EQUAL(text, "65535x65535+65535+65535");
	CU_ASSERT_FALSE(glint_region_fits(&region, 65535, 65535));
	CU_ASSERT_FALSE(glint_region_clip(&region, 640, 480));

	CU_ASSERT_EQUAL(glint_region_parse("100x50+600+460", &region), 0);
	CU_ASSERT_FALSE(glint_region_fits(&region, 640, 480));
	CU_ASSERT_TRUE(glint_region_clip(&region, 640, 480));
	CU_ASSERT_TRUE(glint_region_equals(&region, &(struct glint_region){ 600, 460, 40, 20 }));
	CU_ASSERT_TRUE(glint_region_fits(&region, 640, 480));
	CU_ASSERT_FALSE(glint_region_clip(&region, 600, 480));
}

/* clang-format off */
static void test_a_region_moves_into_another(void)
{
	static const struct {
		struct glint_region region, moved; /* in 30x20+10+5; no width: nothing is left */
	} cases[] = {
		{ { 12, 6, 5, 4 }, { 2, 1, 5, 4 } },	  { { 0, 0, 100, 100 }, { 0, 0, 30, 20 } },
		{ { 0, 0, 11, 6 }, { 0, 0, 1, 1 } },	  { { 39, 24, 9, 9 }, { 29, 19, 1, 1 } },
		{ { 0, 0, 10, 100 }, { 0 } },		  { { 40, 5, 9, 9 }, { 0 } },
		{ { 65535, 65535, 65535, 65535 }, { 0 } }, { { 10, 0, 30, 5 }, { 0 } },
	};
	const struct glint_region frame = { 10, 5, 30, 20 };

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct glint_region region = cases[i].region;
		bool left = cases[i].moved.width > 0;

		CU_ASSERT_EQUAL(glint_region_move_into(&region, &frame), left);
		CU_ASSERT(!left || glint_region_equals(&region, &cases[i].moved));
	}
}

static void test_base64_is_read_as_it_is_written(void)
{
	static const char *const wrong[] = { "A", "AA", "AAA", "A===", "====", "AA=A", "AAA\n", "AA==AAAA",
					     "AA-_", "AAA\xc3" };
	static const char text[] = "\xff\xfe any bytes \x01";
	uint8_t bytes[32];
	size_t size;

	for (size_t n = 0; n < sizeof(text); n++) {
		char coded[GLINT_BASE64_SIZE(sizeof(text))];

		glint_base64_encode(coded, text, n);
		CU_ASSERT_TRUE(glint_base64_decode(bytes, coded, strlen(coded), &size));
		CU_ASSERT_EQUAL_FATAL(size, n);
		CU_ASSERT_EQUAL(memcmp(bytes, text, n), 0);
		CU_ASSERT(size <= GLINT_BASE64_BYTES(strlen(coded)));
	}
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++)
		CU_ASSERT_FALSE(glint_base64_decode(bytes, wrong[i], strlen(wrong[i]), &size));
}

GLINT_TESTS("params",
	GLINT_TEST(test_without_parameters_all_values_are_the_defaults),
	GLINT_TEST(test_each_kind_is_read),
	GLINT_TEST(test_a_value_that_cannot_be_read_is_refused),
	GLINT_TEST(test_what_is_allowed_is_said_with_range_and_unit),
	GLINT_TEST(test_the_unknown_is_refused_or_ignored),
	GLINT_TEST(test_a_parameter_comes_once_unless_the_table_says_more),
	GLINT_TEST(test_lenient_flags_are_read_as_ustreamer_reads_them),
	GLINT_TEST(test_durations_are_exact),
	GLINT_TEST(test_moments_have_five_forms),
	GLINT_TEST(test_regions_are_clipped_and_fitted),
	GLINT_TEST(test_a_region_moves_into_another),
	GLINT_TEST(test_base64_is_read_as_it_is_written),
)
