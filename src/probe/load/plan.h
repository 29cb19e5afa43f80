#ifndef PROBE_LOAD_PLAN_H
#define PROBE_LOAD_PLAN_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/proxy_header.h"

struct member_choice;
struct proxy_chain;
struct question;
struct sources;
struct tls_context;

/* The load that the user asks for. Times are microseconds. */

/*
 * Attempts that an open loop never starts. SKIP_ABSENT: attempts that were due
 * while rpnc did not run. SKIP_LATE: all attempts that are late, also because
 * -c others were in flight.
 */
enum skip { SKIP_NOTHING, SKIP_ABSENT, SKIP_LATE };

enum by { BY_AUTO, BY_DIAG, BY_BANNER, BY_REPLY, BY_REGISTRY, BY_NONE };

struct plan {
	bool datagram, local;		/* local: a Unix socket */
	enum by by;
	uint64_t count;			/* 0: no limit */
	int concurrency;
	int64_t duration;
	double rate;			/* per second; 0: closed loop */
	int64_t connect_timeout;
	int64_t timeout;		/* an attempt's, once connected */
	int64_t patience;		/* until it is accepted, or greeted */
	int64_t hold;			/* connected, until it sends */
	int64_t pause;			/* closed loop: between attempts */
	int64_t wait;			/* --wait, for a server to start */
	bool give_up;			/* if no attempt was answered */
	bool losses;			/* tell losses from slow ends */
	enum skip skip;
	const char *interface;
	const struct sockopts *sockopts;	/* NULL: none */
	struct sources *sources;	/* source addresses, in turn */
	const struct proxy_chain *proxies;	/* on the way; NULL: none */
	struct tls_context *tls;	/* NULL: no TLS */
	const char *tls_name;		/* the server's, or NULL */
	enum proxy_version proxy;	/* the header before all else */
	const char *send;		/* NULL: nothing */
	size_t send_length;
	size_t echo;			/* bytes; 0: none */
	const struct member_choice *to;	/* the only member; NULL: any */
	const char *to_text;		/* the same, as the user typed it */
	uint64_t each;			/* attempts for each socket; 0: any */
	const regex_t *expect, *match;	/* NULL: none */
	const struct question *question;	/* NULL: none */
	const char *host;		/* for it: as the user gave it */
};

#endif
