/* The handshake with proxies, whose replies come a byte at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sys/socket.h>
#include <unistd.h>

#include "base/fail.h"
#include "net/proxy_handshake.h"

#include <cmocka.h>

/* A route through these proxies to server.example:9, and its socket. */
struct way {
	struct proxy_chain chain;
	struct proxy_route route;
	struct endpoint server;
	struct proxy_handshake handshake;
	int ends[2];			/* ours, the proxy's */
};

static void
way_open(struct way *w, int count, const char *const *urls, const char *login)
{
	char host[] = "server.example", port[] = "9";
	char *words[] = { host, port };

	*w = (struct way){ .chain = { .count = count } };
	for (int i = 0; i < count; i++)
		assert_int_equal(proxy_hop_parse(&w->chain.hop[i], urls[i]), 0);
	if (login)
		assert_int_equal(proxy_hop_set_login(&w->chain.hop[0], login,
		    strlen(login)), 0);
	assert_int_equal(endpoint_parse(&w->server, 2, words), 0);
	assert_int_equal(proxy_route_resolve(&w->route, &w->chain, &w->server,
	    0, 0), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    w->ends), 0);
	assert_int_equal(proxy_handshake_begin(&w->handshake, &w->route,
	    &w->server, NULL), 0);
}

static void
way_close(struct way *w)
{
	proxy_handshake_end(&w->handshake);
	proxy_route_free(&w->route);
	close(w->ends[0]);
	close(w->ends[1]);
}

static enum proxy_step
way_step(struct way *w)
{
	return proxy_handshake(&w->handshake, w->ends[0]);
}

/* The proxy has got exactly this. */
static void
is_asked(struct way *w, const void *wanted, size_t length)
{
	char got[4096];

	assert_int_equal(way_step(w), HANDSHAKE_WANTS_READ);
	assert_int_equal(recv(w->ends[1], got, sizeof(got), MSG_DONTWAIT),
	    length);
	assert_memory_equal(got, wanted, length);
}

/* The proxy replies; the handshake waits for each byte but the last. */
static void
replies(struct way *w, const void *data, size_t length)
{
	const char *bytes = data;

	for (size_t i = 0; i < length; i++) {
		assert_int_equal(way_step(w), HANDSHAKE_WANTS_READ);
		assert_int_equal(send(w->ends[1], bytes + i, 1, 0), 1);
	}
}

#define ASKED(w, text) is_asked(w, text, sizeof(text) - 1)
#define REPLIES(w, text) replies(w, text, sizeof(text) - 1)

static void
a_chain_is_asked_one_proxy_after_the_other(void **state)
{
	struct way w;
	char rest[8];

	(void)state;
	way_open(&w, 2, (const char *[]){ "socks5h://first.example:1",
	    "http://second.example:2" }, "me:pw");
	ASKED(&w, "\5\2\0\2");
	REPLIES(&w, "\5\2");
	ASKED(&w, "\1\2me\2pw");
	REPLIES(&w, "\1\0");
	ASKED(&w, "\5\1\0\3\16second.example\0\2");
	REPLIES(&w, "\5\0\0\3\4name\0\1");
	ASKED(&w, "CONNECT server.example:9 HTTP/1.1\r\n"
	    "Host: server.example:9\r\n\r\n");
	REPLIES(&w, "HTTP/1.1 200 OK\r\nA: b\r\n\r");
	assert_int_equal(way_step(&w), HANDSHAKE_WANTS_READ);
	assert_int_equal(send(w.ends[1], "\nhello", 6, 0), 6);
	assert_int_equal(way_step(&w), HANDSHAKE_DONE);
	assert_int_equal(recv(w.ends[0], rest, sizeof(rest), MSG_DONTWAIT), 5);
	assert_memory_equal(rest, "hello", 5);
	way_close(&w);
}

static void
a_refusal_names_its_proxy_and_may_pass(void **state)
{
	struct way w;

	(void)state;
	way_open(&w, 1, (const char *[]){ "socks5h://first.example:1" },
	    NULL);
	ASKED(&w, "\5\1\0");
	REPLIES(&w, "\5\0");
	ASKED(&w, "\5\1\0\3\16server.example\0\11");
	REPLIES(&w, "\5\4");
	assert_int_equal(way_step(&w), HANDSHAKE_FAILED);
	assert_true(w.handshake.may_pass);
	assert_string_equal(fail_text(), "proxy socks5h://first.example:1: "
	    "server.example:9: host unreachable (SOCKS reply 4)");
	way_close(&w);
}

static void
a_long_head_is_kept_whole(void **state)
{
	struct way w;
	char *head = malloc(40000);
	size_t at = 0;

	(void)state;
	assert_non_null(head);
	memset(head, 'x', 40000);
	memcpy(head, "HTTP/1.1 200 ", 13);
	memcpy(head + 39996, "\r\n\r\n", 4);
	way_open(&w, 1, (const char *[]){ "http://first.example:1" }, NULL);
	assert_int_equal(way_step(&w), HANDSHAKE_WANTS_READ);
	for (; at < 40000; at += 1000) {
		assert_int_equal(way_step(&w), HANDSHAKE_WANTS_READ);
		assert_int_equal(send(w.ends[1], head + at, 1000, 0), 1000);
	}
	assert_int_equal(way_step(&w), HANDSHAKE_DONE);
	free(head);
	way_close(&w);
}

static void
an_end_within_a_reply_is_said(void **state)
{
	struct way w;

	(void)state;
	way_open(&w, 1, (const char *[]){ "http://first.example:1" }, NULL);
	assert_int_equal(way_step(&w), HANDSHAKE_WANTS_READ);
	REPLIES(&w, "HTTP/1.1 200");
	shutdown(w.ends[1], SHUT_WR);
	assert_int_equal(way_step(&w), HANDSHAKE_FAILED);
	assert_string_equal(fail_text(), "proxy http://first.example:1: it "
	    "closed the connection within its reply");
	way_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_is_asked_one_proxy_after_the_other),
		cmocka_unit_test(a_refusal_names_its_proxy_and_may_pass),
		cmocka_unit_test(a_long_head_is_kept_whole),
		cmocka_unit_test(an_end_within_a_reply_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
