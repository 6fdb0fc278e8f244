/* SPDX-License-Identifier: MIT */
/* Targets, queries, text and passwords: the pure parts of the server. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "http/auth.h"
#include "http/text.h"
#include "http/uri.h"

static void test_a_target_is_split_into_path_and_query(void)
{
	static const char *const rows[][3] = {
		{ "/", "/", "" },
		{ "/a/b?c=d?e", "/a/b", "c=d?e" },
		{ "/a%2fb%3Fc?%20", "/a/b?c", "%20" },
		{ "/%e2%9c%a6", "/\xe2\x9c\xa6", "" },
		{ "/a#fragment?b", "/a", "" },
		{ "*", "*", "" },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char uri[64], *path, *query;

		strcpy(uri, rows[i][0]);
		CU_ASSERT_EQUAL(glint_uri_split(uri, &path, &query), 0);
		CU_ASSERT_STRING_EQUAL(path, rows[i][1]);
		CU_ASSERT_STRING_EQUAL(query, rows[i][2]);
	}
}

static void test_bad_targets_are_refused(void)
{
	static const char *const rows[] = { "",	    "a",   "/%",	 "/%4", "/%g0", "/%0g",
					    "/%00", "/?%", "https://x/", "*x",	"%2f" };

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char uri[64], *path, *query;

		strcpy(uri, rows[i]);
		CU_ASSERT_EQUAL(glint_uri_split(uri, &path, &query), -EINVAL);
	}
}

static void test_parameters_are_found_by_their_whole_name(void)
{
	char value[16];

	CU_ASSERT_TRUE(glint_query_get("ab=1&a=2&a=3", "a", value, sizeof(value)));
	CU_ASSERT_STRING_EQUAL(value, "2");
	CU_ASSERT_TRUE(glint_query_get("a", "a", value, sizeof(value)));
	CU_ASSERT_STRING_EQUAL(value, "");
	CU_ASSERT_TRUE(glint_query_get("&&a=b%20c+d%26", "a", value, sizeof(value)));
	CU_ASSERT_STRING_EQUAL(value, "b c d&");
	CU_ASSERT_FALSE(glint_query_get("xa=1", "a", value, sizeof(value)));
	CU_ASSERT_FALSE(glint_query_get("", "a", value, sizeof(value)));
	CU_ASSERT_TRUE(glint_query_get("a=0123456789abcdefghi", "a", value, sizeof(value)));
	CU_ASSERT_STRING_EQUAL(value, "0123456789abcde");
}

static void test_a_query_is_stepped_through(void)
{
	const char *query = "&a=1&&b&c=%20x+y=z&longname=longvalue";
	char name[8], value[8];

	CU_ASSERT_TRUE(glint_query_next(&query, name, sizeof(name), value, sizeof(value)));
	CU_ASSERT_STRING_EQUAL(name, "a");
	CU_ASSERT_STRING_EQUAL(value, "1");
	CU_ASSERT_TRUE(glint_query_next(&query, name, sizeof(name), value, sizeof(value)));
	CU_ASSERT_STRING_EQUAL(name, "b");
	CU_ASSERT_STRING_EQUAL(value, "");
	CU_ASSERT_TRUE(glint_query_next(&query, name, sizeof(name), value, sizeof(value)));
	CU_ASSERT_STRING_EQUAL(name, "c");
	CU_ASSERT_STRING_EQUAL(value, " x y=z");
	CU_ASSERT_TRUE(glint_query_next(&query, name, sizeof(name), value, sizeof(value)));
	CU_ASSERT_STRING_EQUAL(name, "longnam");
	CU_ASSERT_STRING_EQUAL(value, "longval");
	CU_ASSERT_FALSE(glint_query_next(&query, name, sizeof(name), value, sizeof(value)));
}

static void test_encoding_writes_whole_characters(void)
{
	char out[8];

	glint_uri_encode(out, sizeof(out), "a/b-c");
	CU_ASSERT_STRING_EQUAL(out, "a%2Fb-c");
	glint_uri_encode(out, sizeof(out), "abcde/");
	CU_ASSERT_STRING_EQUAL(out, "abcde");
	glint_uri_encode(out, sizeof(out), "\r\n\xff");
	CU_ASSERT_STRING_EQUAL(out, "%0D%0A");
}

static void text_is(const struct glint_text *text, const char *wanted)
{
	CU_ASSERT_EQUAL(text->used, strlen(wanted));
	CU_ASSERT_NSTRING_EQUAL(text->base, wanted, text->used);
}

static void test_numbers_are_written_in_full(void)
{
	char buffer[128];
	struct glint_text text = glint_text_in(buffer, sizeof(buffer));

	glint_text_uint(&text, 0);
	glint_text_add(&text, " ");
	glint_text_uint(&text, UINT64_MAX);
	glint_text_add(&text, " ");
	glint_text_hex16(&text, 0xabc);
	text_is(&text, "0 18446744073709551615 0000000000000abc");
}

static void test_seconds_keep_their_microseconds(void)
{
	char buffer[128];
	struct glint_text text = glint_text_in(buffer, sizeof(buffer));

	glint_text_seconds(&text, 0);
	glint_text_add(&text, " ");
	glint_text_seconds(&text, 12000034999);
	glint_text_add(&text, " ");
	glint_text_seconds(&text, UINT64_MAX);
	text_is(&text, "0.000000 12.000034 18446744073.709551");
}

static void test_text_that_does_not_fit_is_left_out_and_marked(void)
{
	char buffer[5];
	struct glint_text text = glint_text_in(buffer, sizeof(buffer));

	glint_text_add(&text, "abc");
	glint_text_add(&text, "def");
	CU_ASSERT_TRUE(text.cut);
	glint_text_add(&text, "g");
	text_is(&text, "abc");
}

static void test_a_login_is_encoded_as_in_the_rfc(void)
{
	static const char *const rows[][3] = {
		{ "Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==" },
		{ "a", "b", "Basic YTpi" },
		{ "ab", "c", "Basic YWI6Yw==" },
		{ "a", "\xc3\xbc", "Basic YTrDvA==" },
		{ "user", "", "Basic dXNlcjo=" },
	};

	if (!IS_ENABLED(CONFIG_NET_AUTH))
		GLINT_SKIP("built without CONFIG_NET_AUTH");
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *login = glint_auth_login(rows[i][0], rows[i][1]);

		CU_ASSERT_STRING_EQUAL(login, rows[i][2]);
		free(login);
	}
}

static void test_only_the_right_login_is_accepted(void)
{
	static const char login[] = "Basic YTpi";

	if (!IS_ENABLED(CONFIG_NET_AUTH))
		GLINT_SKIP("built without CONFIG_NET_AUTH");
	CU_ASSERT_TRUE(glint_auth_allows(login, "Basic YTpi"));
	CU_ASSERT_TRUE(glint_auth_allows(login, "basic YTpi"));
	CU_ASSERT_FALSE(glint_auth_allows(login, NULL));
	CU_ASSERT_FALSE(glint_auth_allows(login, ""));
	CU_ASSERT_FALSE(glint_auth_allows(login, "Basic "));
	CU_ASSERT_FALSE(glint_auth_allows(login, "Basic YTp"));
	CU_ASSERT_FALSE(glint_auth_allows(login, "Basic YTpiYTpi"));
	CU_ASSERT_FALSE(glint_auth_allows(login, "Basic YTpj"));
	CU_ASSERT_FALSE(glint_auth_allows(login, "Bearer YTpi"));
	CU_ASSERT_TRUE(glint_auth_allows(NULL, NULL));
}

/* clang-format off */
GLINT_TESTS("uri",
	GLINT_TEST(test_a_target_is_split_into_path_and_query),
	GLINT_TEST(test_bad_targets_are_refused),
	GLINT_TEST(test_parameters_are_found_by_their_whole_name),
	GLINT_TEST(test_a_query_is_stepped_through),
	GLINT_TEST(test_encoding_writes_whole_characters),
	GLINT_TEST(test_numbers_are_written_in_full),
	GLINT_TEST(test_seconds_keep_their_microseconds),
	GLINT_TEST(test_text_that_does_not_fit_is_left_out_and_marked),
	GLINT_TEST(test_a_login_is_encoded_as_in_the_rfc),
	GLINT_TEST(test_only_the_right_login_is_accepted),
)
