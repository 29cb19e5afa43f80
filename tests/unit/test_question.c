#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include "base/fail.h"	/* before its name is a macro */

#include <cmocka.h>

#include <string.h>

#include "probe/load/question.h"

enum { ID = 7, LARGE = 2000 };

/* A reply while it is made, and what was asked. */
static unsigned char asked[QUESTION_ROOM], made[LARGE];
static size_t asked_length, made_length;
static struct question_reply judged;

static const struct question *
ask(const char *name, const char *host)
{
	const struct question *q = question_find(name);

	assert_non_null(q);
	memset(asked, 0xee, sizeof(asked));
	asked_length = q->request(asked, ID, host);
	assert_in_range(asked_length, 1, QUESTION_ROOM);
	made_length = 0;
	return q;
}

static void
make(const void *data, size_t length)
{
	memcpy(made + made_length, data, length);
	made_length += length;
}

/* In its own memory, so that a sanitizer sees a read beyond it. */
static enum judgement
judge(const struct question *q, size_t length)
{
	unsigned char *copy = test_malloc(length + !length);
	enum judgement result;

	memcpy(copy, made, length);
	judged = (struct question_reply){
		.data = copy, .length = length, .id = ID,
	};
	result = q->judge(&judged);
	test_free(copy);
	return result;
}

static void
is_right(const struct question *q)
{
	assert_int_equal(judge(q, made_length), REPLY_RIGHT);
}

static void
is_wrong(const struct question *q, const char *why)
{
	assert_int_equal(judge(q, made_length), REPLY_WRONG);
	assert_string_equal(judged.why, why);
}

/* Of what is left of a datagram, nothing is right, or read beyond its end. */
static void
needs_all(const struct question *q)
{
	for (size_t length = 1; length < made_length; length++)
		assert_int_equal(judge(q, length), REPLY_WRONG);
}

static void
quic_is_answered_by_its_versions(void **state)
{
	const struct question *q = ask("quic", "h");

	(void)state;
	assert_int_equal(asked_length, 1200);
	assert_int_equal(asked[0], 0xc0);
	assert_memory_equal(asked + 1, "\x1a\x2a\x3a\x4a\x08", 5);
	assert_int_equal(asked[14], 8);
	make("\x80\0\0\0\0\x08", 6);
	make(asked + 15, 8);
	make("\x08", 1);
	make(asked + 6, 8);
	make("\0\0\0\1", 4);
	is_right(q);
	needs_all(q);
	make("\x6b\x33\x43\xcf", 4);
	is_right(q);
	made[20]++;
	is_wrong(q, "QUIC with other connection IDs");
	made[20]--;
	made[4] = 1;
	is_wrong(q, "not a QUIC Version Negotiation");
}

static void
dns_answer(const char *name, unsigned char code)
{
	unsigned char length = (unsigned char)strlen(name);
	unsigned char text = length + 1;

	made_length = 0;
	make(asked, 2);
	make("\x84", 1);
	make(&code, 1);
	make(*name ? "\0\1\0\1\0\0\0\0" : "\0\1\0\0\0\0\0\0", 8);
	make(asked + 12, asked_length - 12);
	if (!*name)
		return;
	make("\xc0\x0c\0\x10\0\3\0\0\0\0\0", 11);
	make(&text, 1);
	make(&length, 1);
	make(name, length);
}

static void
dns_names_the_instance(void **state)
{
	const struct question *q = ask("dns", "h");

	(void)state;
	assert_memory_equal(asked + 2, "\0\0\0\1\0\0\0\0\0\0"
	    "\2id\6server\0\0\x10\0\3", 25);
	assert_int_equal(asked_length, 27);
	dns_answer("ns1.example", 0);
	is_right(q);
	assert_int_equal(judged.name_length, 11);
	assert_memory_equal(judged.name, "ns1.example", 11);
	/* its name is cut off, or hidden: it has answered */
	assert_int_equal(judge(q, made_length - 1), REPLY_RIGHT);
	assert_int_equal(judged.name_length, 0);
	for (size_t n = 12; n < made_length; n++)
		judge(q, n);
	dns_answer("", 5);
	is_right(q);
	assert_int_equal(judged.name_length, 0);
	dns_answer("", 2);
	is_wrong(q, "DNS code 2, SERVFAIL");
	made[1]++;
	is_wrong(q, "DNS with another ID");
	made[2] = 0;
	is_wrong(q, "not a DNS response");
}

static void
ntp_must_be_synchronized(void **state)
{
	const struct question *q = ask("ntp", "h");

	(void)state;
	assert_int_equal(asked_length, 48);
	assert_int_equal(asked[0], 0x23);
	memset(made, 0, 48);
	made_length = 48;
	made[0] = 0x24;
	made[1] = 2;
	memcpy(made + 24, asked + 40, 8);
	is_right(q);
	needs_all(q);
	made[0] = 0xe4;
	is_wrong(q, "NTP, but its clock is not synchronized");
	made[0] = 0x24;
	made[1] = 0;
	is_wrong(q, "NTP kiss-o'-death: it wants fewer requests");
	made[30]++;
	is_wrong(q, "NTP with another origin timestamp");
	made[0] = 0x23;
	is_wrong(q, "not an NTP server's answer");
}

static void
stun_tells_our_address(void **state)
{
	const struct question *q = ask("stun", "h");

	(void)state;
	assert_int_equal(asked_length, 20);
	assert_memory_equal(asked, "\0\1\0\0\x21\x12\xa4\x42", 8);
	make("\1\1\0\x14", 4);
	make(asked + 4, 16);
	make("\x80\x22\0\3abc", 7);		/* SOFTWARE, padded */
	make("\0\0\x20\0\x8\0\1\0\0\0\0\0\0", 13);
	is_right(q);
	needs_all(q);
	made[29] = 0x21;
	is_wrong(q, "STUN without our address");
	made[12]++;
	is_wrong(q, "STUN with another transaction ID");
	made_length = 0;
	make("\1\x11\0\x8", 4);
	make(asked + 4, 16);
	make("\0\x9\0\4\0\0\4\x26", 8);
	is_wrong(q, "STUN error 438");
	made[7]++;
	is_wrong(q, "not STUN");
}

static void
http_is_judged_by_its_status(void **state)
{
	const struct question *q = ask("http", "server.example");

	(void)state;
	assert_memory_equal(asked, "HEAD / HTTP/1.1\r\nHost: server.example\r\n",
	    39);
	make("HTTP/1.1 200 OK\r\n", 17);
	is_right(q);
	for (size_t n = 1; n < 12; n++)
		assert_int_equal(judge(q, n), REPLY_PART);
	made[9] = '4';
	is_right(q);
	made[9] = '5';
	is_wrong(q, "HTTP status 500");
	made[9] = 'x';
	is_wrong(q, "not HTTP/1");
	ask("http", "::1");
	assert_memory_equal(asked + 17, "Host: [::1]\r\n", 13);
}

static void
tls_begins_a_handshake(void **state)
{
	const struct question *q = ask("tls", "server.example");
	size_t named = asked_length;

	(void)state;
	assert_memory_equal(asked, "\x16\3\1", 3);
	assert_int_equal(asked[3] << 8 | asked[4], asked_length - 5);
	assert_int_equal(asked[7] << 8 | asked[8], asked_length - 9);
	make("\x16\3\3\0\x7a\2\0\0\x76", 9);
	is_right(q);
	for (size_t n = 1; n < 7; n++)
		assert_int_equal(judge(q, n), REPLY_PART);
	made[5] = 14;
	is_wrong(q, "TLS without a ServerHello");
	made_length = 0;
	make("\x15\3\3\0\2\2\x70", 7);
	is_wrong(q, "TLS alert 112");
	made_length = 0;
	make("HTTP/1.1 400", 12);
	is_wrong(q, "not TLS");
	/* an address is no server name */
	ask("tls", "127.0.0.1");
	assert_int_equal(asked_length, named - 9 - strlen("server.example"));
}

static void
each_attempt_asks_another_way(void **state)
{
	static const char *const names[] = { "quic", "dns", "ntp", "stun" };
	unsigned char other[QUESTION_ROOM];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct question *q = ask(names[i], "h");

		assert_int_equal(q->request(other, ID + 1, "h"), asked_length);
		assert_memory_not_equal(asked, other, asked_length);
		q->request(other, ID, "h");
		assert_memory_equal(asked, other, asked_length);
	}
	assert_null(question_find("smtp"));
	assert_int_equal(fail_status(), STATUS_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quic_is_answered_by_its_versions),
		cmocka_unit_test(dns_names_the_instance),
		cmocka_unit_test(ntp_must_be_synchronized),
		cmocka_unit_test(stun_tells_our_address),
		cmocka_unit_test(http_is_judged_by_its_status),
		cmocka_unit_test(tls_begins_a_handshake),
		cmocka_unit_test(each_attempt_asks_another_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
