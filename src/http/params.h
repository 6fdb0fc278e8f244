/* SPDX-License-Identifier: MIT */
/*
 * The parameters of a request, by a table that an endpoint names (http/route.h). One function
 * reads a query against the table. The description in /openapi.json and the test of docs/HTTP.md
 * use the same table, so that they cannot differ from what the service does. Pure.
 *
 *	enum { PARAM_REGION, PARAM_TIMEOUT, PARAMS };
 *	static const struct glint_param params[] = {
 *		[PARAM_REGION] = { "region", GLINT_PARAM_REGION, .help = "The part to look at." },
 *		[PARAM_TIMEOUT] = { "timeout", GLINT_PARAM_DURATION, .max = 3600, .fallback = "10",
 *				    .help = "How long to wait." },
 *		{ NULL },
 *	};
 *	...
 *	struct glint_param_value values[PARAMS];
 *
 *	if (!glint_json_query(client, values))
 *		return;	(answered with 400)
 *	if (values[PARAM_REGION].count > 0)
 *		use(values[PARAM_REGION].region);
 */
#ifndef GLINT_HTTP_PARAMS_H
#define GLINT_HTTP_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/moment.h"
#include "core/region.h"

#define GLINT_PARAM_TEXT_MAX 255u /* bytes of a text, without the end */

enum glint_param_kind {
	GLINT_PARAM_FLAG,     /* 1, true, yes, 0, false, no in any case */
	GLINT_PARAM_INTEGER,  /* decimal, in @unit */
	GLINT_PARAM_NUMBER,   /* decimal, perhaps with a fraction, in @unit */
	GLINT_PARAM_DURATION, /* decimal, in seconds, or followed by ns, us, ms or s */
	GLINT_PARAM_MOMENT,   /* see core/moment.h */
	GLINT_PARAM_REGION,   /* WxH+X+Y in pixels, see core/region.h */
	GLINT_PARAM_WORD,     /* one of @words */
	GLINT_PARAM_TEXT,     /* at most @max bytes of UTF-8 */
};

struct glint_param {
	const char *name; /* NULL: the end of the table */
	enum glint_param_kind kind;
	const char *unit;	  /* of an integer or a number: "pixels"; NULL: none */
	double min, max;	  /* of an integer, a number, or a duration in seconds; of a text
				   * @max only: bytes; 0: GLINT_PARAM_TEXT_MAX */
	const char *const *words; /* ends with NULL */
	const char *fallback;	  /* the value without the parameter, as text; NULL: none */
	const char *help;	  /* one line for /openapi.json: "How long to wait." */
	unsigned most;		  /* how often a request may give it; 0: once */
	/*
	 * Never refused: a flag that cannot be read is off, another value counts as not given, a
	 * long text is cut, and the first of several values holds. For ustreamer's parameters.
	 */
	bool lenient;
};

/* The table of an endpoint without parameters: the service refuses them before it calls handle(). */
extern const struct glint_param glint_no_params[1];

struct glint_param_value {
	unsigned count; /* how often it was given; 0: the value is the fallback, or zero */
	union {
		bool flag;
		int64_t integer;
		double number;
		uint64_t ns; /* of a duration */
		struct glint_moment moment;
		struct glint_region region;
		unsigned word; /* index in @words */
		char text[GLINT_PARAM_TEXT_MAX + 1];
	};
};

/* Why a query was refused; texts are cut. */
struct glint_param_fault {
	enum {
		GLINT_PARAM_UNKNOWN,  /* the endpoint has no such parameter */
		GLINT_PARAM_BAD,      /* a value that cannot be read, or is out of range */
		GLINT_PARAM_REPEATED, /* more often than @most */
	} kind;
	const struct glint_param *param; /* NULL: unknown */
	char name[64], value[64];	 /* the client's, the value decoded */
	char allowed[256];		 /* the possible values, or the endpoint's parameters */
};

/*
 * Read @query into @values, which has one element for each line of @params. Parameters that are
 * not in the table are ignored if @others, else refused. -EINVAL: @fault says why.
 */
int glint_params_read(const struct glint_param *params, bool others, const char *query,
		      struct glint_param_value *values, struct glint_param_fault *fault);

/*
 * Read the value at place @nth of a parameter that may be given several times: 0 is the value that
 * glint_params_read() has stored. @query was read before. False: there is none.
 */
bool glint_params_nth(const struct glint_param *param, const char *query, unsigned nth,
		      struct glint_param_value *value);

/* Fill @values with the fallbacks. */
void glint_params_begin(const struct glint_param *params, struct glint_param_value *values);

/*
 * Take one more value, such as a member of a JSON body. The results are those of
 * glint_params_read(). Call glint_params_begin() on @values first.
 */
int glint_params_take(const struct glint_param *params, const char *name, const char *text,
		      struct glint_param_value *values, struct glint_param_fault *fault);

/* Read one value; @value->count is not changed. -EINVAL: cannot be read, or is out of range. */
int glint_param_parse(const struct glint_param *param, const char *text,
		      struct glint_param_value *value);

/* Which values the parameter takes, for people: "an integer from 0 to 255, in pixels". */
void glint_param_allowed(const struct glint_param *param, char *out, size_t size);

/* Read "500ms", "2s", "1.5". -EINVAL: no duration, or one above 292 years. */
int glint_duration_parse(const char *text, uint64_t *ns);
#endif
