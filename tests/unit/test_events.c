/* SPDX-License-Identifier: MIT */
/* The history of events, and GET /events; on the loop of glint_test_loop(). */
#include "malloc_rig.h"

#include "http/internal.h"
#include "http_rig.h"
#include "report_rig.h"

/* --- The history ---------------------------------------------------------------------- */

struct history {
	struct glint_loop *loop;
	struct glint_events *events;
	struct glint_events_listener listener;
	unsigned told;
};

#define HISTORY_OPEN(h)                                                                            \
	do {                                                                                       \
		*(h) = (struct history){ .listener.added = history_on_added };                     \
		RIG_LOOP((h)->loop);                                                               \
		CU_ASSERT_EQUAL_FATAL(glint_events_create(&(h)->events, (h)->loop), 0);            \
	} while (0)

static void history_on_added(struct glint_events_listener *listener)
{
	container_of(listener, struct history, listener)->told++;
}

static void history_close(struct history *h)
{
	glint_events_end(h->events);
	glint_loop_destroy(h->loop);
	glint_events_destroy(h->events);
}

static void add(struct glint_events *events, enum glint_event_type type, int64_t number)
{
	struct glint_report *report = glint_events_begin(events, type);

	glint_report_int(report, "number", number);
	glint_events_commit(events);
}

static void tell(const struct history *h, uint64_t seq)
{
	glint_events_tell(h->events, seq, record_begin());
}

static void test_an_event_is_reported_as_it_was_added(void)
{
	struct glint_report *report;
	struct history h;

	HISTORY_OPEN(&h);
	CU_ASSERT_EQUAL(glint_events_last(h.events), 0);
	CU_ASSERT_EQUAL(glint_events_first(h.events), 1);
	report = glint_events_begin(h.events, GLINT_EVENT_SETTINGS);
	glint_report_int(report, "least", INT64_MIN);
	glint_report_real(report, "rate", 59.94);
	glint_report_bool(report, "online", true);
	glint_report_text(report, "text", "a \"text\"\n");
	glint_report_null(report, "nothing");
	glint_report_object(report, "changed");
	glint_report_list(report, "list");
	glint_report_text(report, NULL, "first");
	glint_report_int(report, NULL, 2);
	glint_report_end(report);
	glint_report_end(report);
	glint_report_text(report, "after", "");
	glint_events_commit(h.events);

	tell(&h, 1);
	CU_ASSERT_EQUAL(record_int("seq"), 1);
	CU_ASSERT_STRING_EQUAL(record_text("type"), "settings");
	CU_ASSERT_TRUE(record_int("monotonic_ns") > 0);
	CU_ASSERT_TRUE(record_int("realtime_ns") > 0);
	CU_ASSERT_EQUAL(record_int("data.least"), INT64_MIN);
	CU_ASSERT_EQUAL(record_real("data.rate"), 59.94);
	CU_ASSERT_TRUE(record_boolean("data.online"));
	CU_ASSERT_PTR_NOT_NULL(strstr(record.lines, "data.text text a \"text\"\n\n"));
	CU_ASSERT_PTR_NOT_NULL(record_find("data.nothing", "null"));
	CU_ASSERT_STRING_EQUAL(record_text("data.changed.list.0"), "first");
	CU_ASSERT_EQUAL(record_int("data.changed.list.1"), 2);
	CU_ASSERT_STRING_EQUAL(record_text("data.after"), "");
	CU_ASSERT_PTR_NULL(record_find("cut", "bool"));
	history_close(&h);
}

static void test_what_does_not_fit_is_left_out_and_said_so(void)
{
	char text[GLINT_EVENT_BYTES_MAX];
	struct glint_report *report;
	struct history h;

	HISTORY_OPEN(&h);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	report = glint_events_begin(h.events, GLINT_EVENT_FAULT);
	glint_report_text(report, "long", text);
	glint_report_text(report, "fault", "stuck");
	glint_events_commit(h.events);
	tell(&h, 1);
	CU_ASSERT_PTR_NULL(record_find("data.long", "text"));
	CU_ASSERT_STRING_EQUAL(record_text("data.fault"), "stuck");
	CU_ASSERT_TRUE(record_boolean("cut"));
	history_close(&h);
}

/* With each size of what comes before, the space ends at each member once. */
static void test_containers_end_wherever_the_space_ends(void)
{
	char text[GLINT_EVENT_BYTES_MAX] = "";
	struct glint_report *report;
	struct history h;

	HISTORY_OPEN(&h);
	for (unsigned size = 0; size < sizeof(text) - 8; size++) {
		memset(text, 'x', size);
		text[size] = '\0';
		report = glint_events_begin(h.events, GLINT_EVENT_SETTINGS);
		glint_report_text(report, "text", text);
		glint_report_object(report, "outer");
		glint_report_list(report, "list");
		glint_report_text(report, NULL, "element");
		glint_report_end(report);
		glint_report_int(report, "inner", 1);
		glint_report_end(report);
		glint_report_int(report, "after", 2);
		glint_events_commit(h.events);
		tell(&h, glint_events_last(h.events)); /* asserts names in objects, none in lists */
		CU_ASSERT_EQUAL(record.depth, 0);
		CU_ASSERT_EQUAL(strlen(record_text("data.text")), size);
		if (size < 200)
			CU_ASSERT_EQUAL(record_int("data.after"), 2);
		if (!record_find("data.after", "int"))
			CU_ASSERT_TRUE(record_boolean("cut"));
		CU_ASSERT_PTR_NULL(record_find("data.outer.after", "int"));
	}
	history_close(&h);
}

static void test_the_history_is_bounded_and_keeps_the_newest(void)
{
	struct history h;

	HISTORY_OPEN(&h);
	for (int64_t i = 1; i <= GLINT_EVENTS_HELD + 10; i++)
		add(h.events, GLINT_EVENT_MARK, i);
	CU_ASSERT_EQUAL(glint_events_last(h.events), GLINT_EVENTS_HELD + 10);
	CU_ASSERT_EQUAL(glint_events_first(h.events), 11);
	for (uint64_t seq = 11; seq <= GLINT_EVENTS_HELD + 10; seq += 101) {
		tell(&h, seq);
		CU_ASSERT_EQUAL(record_int("seq"), (int64_t)seq);
		CU_ASSERT_EQUAL(record_int("data.number"), (int64_t)seq);
	}
	history_close(&h);
}

static void test_adding_needs_no_memory_and_calls_no_listener(void)
{
	unsigned before;
	struct history h;

	NEEDS_MALLOC();
	HISTORY_OPEN(&h);
	glint_events_listen(h.events, &h.listener);
	before = malloc_count;
	for (int64_t i = 0; i < 2 * GLINT_EVENTS_HELD; i++)
		add(h.events, GLINT_EVENT_SOURCE, i);
	CU_ASSERT_EQUAL(malloc_count, before);
	CU_ASSERT_EQUAL(h.told, 0);
	glint_loop_run_once(h.loop, 0);
	CU_ASSERT_EQUAL(h.told, 1);
	glint_events_unlisten(&h.listener);
	add(h.events, GLINT_EVENT_SOURCE, 1);
	glint_loop_run_once(h.loop, 0);
	CU_ASSERT_EQUAL(h.told, 1);
	history_close(&h);
}

static void test_without_a_history_events_are_dropped(void)
{
	struct glint_report *report = glint_events_begin(NULL, GLINT_EVENT_FAULT);

	glint_report_object(report, "object");
	glint_report_list(report, "list");
	glint_report_int(report, NULL, 1);
	glint_report_real(report, NULL, 1);
	glint_report_bool(report, NULL, true);
	glint_report_text(report, NULL, "text");
	glint_report_null(report, NULL);
	glint_report_end(report);
	glint_report_end(report);
	glint_events_commit(NULL);
	glint_events_limit(NULL, GLINT_LIMIT_TIME);
	glint_events_end(NULL);
	glint_events_destroy(NULL);
	CU_PASS("nothing is called");
}

static void test_a_flood_of_refusals_is_one_event_a_second(void)
{
	struct history h;

	HISTORY_OPEN(&h);
	for (unsigned i = 0; i < 10000; i++)
		glint_events_limit(h.events, GLINT_LIMIT_CONNECTIONS);
	glint_events_limit(h.events, GLINT_LIMIT_TIME);
	/* The first of each at once; a slow host may see the seconds pass meanwhile. */
	CU_ASSERT_TRUE(glint_events_last(h.events) < 100);
	tell(&h, 1);
	CU_ASSERT_STRING_EQUAL(record_text("type"), "limit");
	CU_ASSERT_STRING_EQUAL(record_text("data.limit"), "connections");
	CU_ASSERT_EQUAL(record_int("data.times"), 1);

	/* The others later, and none of them is lost. */
	for (int64_t times = 0; times < 10001;) {
		CU_ASSERT_EQUAL_FATAL(glint_loop_run_once(h.loop, UINT64_MAX), 0);
		times = 0;
		for (uint64_t seq = 1; seq <= glint_events_last(h.events); seq++) {
			tell(&h, seq);
			times += record_int("data.times");
		}
		CU_ASSERT_TRUE_FATAL(times <= 10001);
	}
	history_close(&h);
}

/* --- Clients ---------------------------------------------------------------------------- */

/* A client whose head has arrived. */
static struct peer follow(struct rig *r, const char *query, const char *fields)
{
	struct peer peer = peer_connect(r);
	char request[256];

	snprintf(request, sizeof(request), "GET /events%s HTTP/1.1\r\nHost: x\r\n%s\r\n", query,
		 fields);
	peer_say(&peer, request);
	PEER_WAIT(r, &peer, reply_body(peer.text));
	return peer;
}

static void forget(struct peer *peer)
{
	peer->used = 0;
	peer->text[0] = '\0';
}

static const char *id_of(const struct rig *r, uint64_t seq)
{
	static char id[40];

	snprintf(id, sizeof(id), "%s-%llu", glint_events_run(r->config.events),
		 (unsigned long long)seq);
	return id;
}

static void test_a_client_gets_each_event_as_it_comes(void)
{
	char wanted[160];
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	add(r.config.events, GLINT_EVENT_SOURCE, 1); /* before the client */
	peer = follow(&r, "", "");
	CU_ASSERT_EQUAL(reply_status(peer.text), 200);
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Content-Type"), "text/event-stream");
	PEER_WAIT(&r, &peer, strstr(peer.text, "id: "));
	snprintf(wanted, sizeof(wanted), "retry: 1000\nid: %s\n\n", id_of(&r, 1));
	CU_ASSERT_STRING_EQUAL(reply_body(peer.text), wanted);
	CU_ASSERT_EQUAL(rig_counters(&r).followers, 1);

	for (unsigned i = 2; i < 10; i++) {
		forget(&peer);
		add(r.config.events, GLINT_EVENT_ENCODER, i);
		PEER_WAIT(&r, &peer, strstr(peer.text, "\n\n"));
		snprintf(wanted, sizeof(wanted), "id: %s\nevent: encoder\ndata: {\"id\": \"%s\", ",
			 id_of(&r, i), id_of(&r, i));
		CU_ASSERT_NSTRING_EQUAL(peer.text, wanted, strlen(wanted));
		snprintf(wanted, sizeof(wanted), "\"data\": {\"number\": %u}}\n\n", i);
		CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, wanted));
	}
	peer_close(&peer);
	RIG_WAIT(&r, rig_counters(&r).followers == 0);
	add(r.config.events, GLINT_EVENT_ENCODER, 10);
	glint_loop_run_once(r.loop, 0);
	rig_close(&r);
}

static void test_lines_of_json(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = follow(&r, "?json=1", "");
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Content-Type"), "application/x-ndjson");
	CU_ASSERT_STRING_EQUAL(reply_body(peer.text), "");
	forget(&peer);
	add(r.config.events, GLINT_EVENT_WAIT, 7);
	PEER_WAIT(&r, &peer, strchr(peer.text, '\n'));
	CU_ASSERT_NSTRING_EQUAL(peer.text, "{\"id\": \"", 8);
	CU_ASSERT_PTR_EQUAL(strchr(peer.text, '\n'), peer.text + peer.used - 1);
	peer_close(&peer);
	rig_close(&r);
}

/* What a client gets after @last, at most up to the events that there are. */
static struct peer resume(struct rig *r, const char *last, bool by_header)
{
	char query[80] = "", fields[80] = "", end[80];
	struct peer peer;

	if (by_header)
		snprintf(fields, sizeof(fields), "Last-Event-ID: %s\r\n", last);
	else
		snprintf(query, sizeof(query), "?last_id=%s", last);
	peer = follow(r, query, fields);
	snprintf(end, sizeof(end), "\"number\": %u}}\n\n",
		 (unsigned)glint_events_last(r->config.events));
	PEER_WAIT(r, &peer, strstr(peer.text, end));
	return peer;
}

static void test_a_client_resumes_after_its_last_event(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	for (unsigned i = 1; i <= 300; i++)
		add(r.config.events, GLINT_EVENT_MARK, i);
	for (unsigned by_header = 0; by_header < 2; by_header++) {
		peer = resume(&r, id_of(&r, 100), by_header);
		CU_ASSERT_EQUAL(count_of(peer.text, "event: mark"), 200);
		CU_ASSERT_EQUAL(count_of(peer.text, "event: gap"), 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "\"number\": 101}"));
		peer_close(&peer);
	}
	peer = resume(&r, "0", false);
	CU_ASSERT_EQUAL(count_of(peer.text, "event: mark"), 300);
	CU_ASSERT_EQUAL(count_of(peer.text, "event: gap"), 0);
	peer_close(&peer);
	peer = resume(&r, "299", false);
	CU_ASSERT_EQUAL(count_of(peer.text, "event: mark"), 1);
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_gap_is_reported(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	for (unsigned i = 1; i <= GLINT_EVENTS_HELD + 50; i++)
		add(r.config.events, GLINT_EVENT_MARK, i);
	peer = resume(&r, "10", false);
	CU_ASSERT_EQUAL(count_of(peer.text, "event: gap"), 1);
	CU_ASSERT_EQUAL(count_of(peer.text, "event: mark"), GLINT_EVENTS_HELD);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(peer.text, "\"data\": {\"reason\": \"history\", \"missed\": 40}}"));
	CU_ASSERT_TRUE(strstr(peer.text, "event: gap") < strstr(peer.text, "event: mark"));
	/* After the gap's id the client goes on with the next event. */
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, id_of(&r, 50)));
	peer_close(&peer);
	rig_close(&r);
}

static void test_an_id_of_another_run_is_a_gap_of_unknown_length(void)
{
	static const char *const ids[] = { "01234567-1", "99" };
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	for (unsigned i = 1; i <= 5; i++)
		add(r.config.events, GLINT_EVENT_MARK, i);
	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++) {
		peer = resume(&r, ids[i], i == 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(
			peer.text, "\"data\": {\"reason\": \"restart\", \"missed\": null}}"));
		CU_ASSERT_EQUAL(count_of(peer.text, "event: mark"), 5);
		CU_ASSERT_TRUE(strstr(peer.text, "event: gap") < strstr(peer.text, "event: mark"));
		peer_close(&peer);
	}
	rig_close(&r);
}

static void test_a_wrong_id_is_refused(void)
{
	static const char *const ids[] = {
		"", "x", "-1", "1x", "01234567-", "01234567-1x", "99999999999999999999999"
	};
	char request[128];
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++) {
		snprintf(request, sizeof(request),
			 "GET /events?last_id=%s HTTP/1.1\r\nHost: x\r\n\r\n", ids[i]);
		peer = peer_ask(&r, request);
		CU_ASSERT_EQUAL(reply_status(peer.text), 400);
		CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "last_id"));
		peer_close(&peer);
	}
	CU_ASSERT_EQUAL(rig_counters(&r).followers, 0);
	rig_close(&r);
}

static void test_the_number_of_clients_is_bounded(void)
{
	struct peer peers[16], more;
	struct rig r;

	RIG_PREPARE(&r);
	r.config.clients_max = 64;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	for (unsigned i = 0; i < 16; i++)
		peers[i] = follow(&r, "?last_id=0", "");
	more = peer_ask(&r, GET("/events"));
	CU_ASSERT_EQUAL(reply_status(more.text), 503);
	CU_ASSERT_PTR_NOT_NULL(strstr(more.text, "too-many-followers"));
	peer_close(&more);
	/* The others are told. */
	PEER_WAIT(&r, &peers[15], strstr(peers[15].text, "\"limit\": \"events\""));
	CU_ASSERT_EQUAL(rig_counters(&r).followers, 16);
	peer_close(&peers[0]);
	RIG_WAIT(&r, rig_counters(&r).followers == 15);
	peers[0] = follow(&r, "", "");
	CU_ASSERT_EQUAL(reply_status(peers[0].text), 200);
	for (unsigned i = 0; i < 16; i++)
		peer_close(&peers[i]);
	rig_close(&r);
}

static void test_a_silent_connection_is_kept_alive(void)
{
	struct glint_connection *conn;
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = follow(&r, "", "");
	PEER_WAIT(&r, &peer, strstr(peer.text, "\n\n"));
	conn = glint_list_first(&r.server->pool.connections, struct glint_connection, link);
	RIG_WAIT(&r, conn->deadline_ns != GLINT_CONNECTION_NEVER);
	for (unsigned i = 0; i < 3; i++) {
		forget(&peer);
		RIG_WAIT(&r, !glint_connection_is_sending(conn));
		conn->deadline_ns = 1;
		glint_pool_sweep(&r.server->pool);
		PEER_WAIT(&r, &peer, peer.used > 0);
		CU_ASSERT_STRING_EQUAL(peer.text, ":\n\n");
	}
	peer_close(&peer);
	rig_close(&r);
}

/* The history passes a client that does not read; the client is told when it reads on. */
static void test_a_slow_client_gets_the_number_of_missed_events(void)
{
	struct peer peer;
	unsigned i = 0;
	struct rig r;

	RIG_OPEN(&r);
	peer = follow(&r, "", "");
	while (i < 20 * GLINT_EVENTS_HELD) {
		for (unsigned burst = 0; burst < 100; burst++)
			add(r.config.events, GLINT_EVENT_MARK, ++i);
		glint_loop_run_once(r.loop, 0);
	}
	PEER_WAIT(&r, &peer, strstr(peer.text, "\"number\": 20480}"));
	CU_ASSERT_TRUE(count_of(peer.text, "event: gap") >= 1);
	CU_ASSERT_TRUE(count_of(peer.text, "event: mark") >= GLINT_EVENTS_HELD);
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_client_that_takes_nothing_is_closed(void)
{
	struct peer peer;
	struct rig r;

	RIG_PREPARE(&r);
	r.config.timeout_ns = 50 * GLINT_NSEC_PER_MSEC;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	peer = follow(&r, "", "");
	for (unsigned i = 0; rig_counters(&r).clients > 0; i++) {
		add(r.config.events, GLINT_EVENT_MARK, i);
		CU_ASSERT_EQUAL_FATAL(
			glint_loop_run_once(r.loop, glint_now_ns() + GLINT_NSEC_PER_MSEC), 0);
	}
	CU_ASSERT_EQUAL(rig_counters(&r).timed_out, 1);
	CU_ASSERT_EQUAL(rig_counters(&r).followers, 0);
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_client_without_memory_for_its_event_is_closed(void)
{
	struct peer peer;
	struct rig r;

	NEEDS_MALLOC();
	RIG_OPEN(&r);
	peer = follow(&r, "", "");
	PEER_WAIT(&r, &peer, strstr(peer.text, "\n\n"));
	add(r.config.events, GLINT_EVENT_MARK, 1);
	malloc_fail_at = 1;
	RIG_WAIT(&r, rig_counters(&r).clients == 0);
	CU_ASSERT_EQUAL(malloc_fail_at, 0);
	peer_close(&peer);
	/* With its last id it misses nothing. */
	peer = resume(&r, id_of(&r, 0), true);
	CU_ASSERT_EQUAL(count_of(peer.text, "event: mark"), 1);
	peer_close(&peer);
	rig_close(&r);
}

/* clang-format off */
GLINT_TESTS("events",
	GLINT_TEST(test_an_event_is_reported_as_it_was_added),
	GLINT_TEST(test_what_does_not_fit_is_left_out_and_said_so),
	GLINT_TEST(test_containers_end_wherever_the_space_ends),
	GLINT_TEST(test_the_history_is_bounded_and_keeps_the_newest),
	GLINT_TEST(test_adding_needs_no_memory_and_calls_no_listener),
	GLINT_TEST(test_without_a_history_events_are_dropped),
	GLINT_TEST(test_a_flood_of_refusals_is_one_event_a_second),
	GLINT_TEST(test_a_client_gets_each_event_as_it_comes),
	GLINT_TEST(test_lines_of_json),
	GLINT_TEST(test_a_client_resumes_after_its_last_event),
	GLINT_TEST(test_a_gap_is_reported),
	GLINT_TEST(test_an_id_of_another_run_is_a_gap_of_unknown_length),
	GLINT_TEST(test_a_wrong_id_is_refused),
	GLINT_TEST(test_the_number_of_clients_is_bounded),
	GLINT_TEST(test_a_silent_connection_is_kept_alive),
	GLINT_TEST(test_a_slow_client_gets_the_number_of_missed_events),
	GLINT_TEST(test_a_client_that_takes_nothing_is_closed),
	GLINT_TEST(test_a_client_without_memory_for_its_event_is_closed),
)
