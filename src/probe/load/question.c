/*
 * The questions of --ask, each a row of the table at the end:
 *
 *	name	request			right answer
 *	quic	a long header of a	Version Negotiation, with our connection
 *		version that nobody	IDs swapped (RFC 9000, sections 6 and
 *		has, 1200 bytes		17.2.1); no TLS is needed for it
 *	dns	id.server CH TXT	any answer to it but an error of the
 *		(RFC 4892)		server; a TXT record names the instance
 *	ntp	mode 3, version 4	mode 4 with our timestamp, of a clock
 *		(RFC 5905)		that is synchronized
 *	stun	Binding request		success, with our address (RFC 8489)
 *	http	HEAD / (RFC 9110)	a status line below 500
 *	tls	ClientHello (RFC 8446)	ServerHello; the handshake ends there
 *
 * An answer repeats something of its request. It is made from the number of the
 * attempt, so that a late answer to another attempt is not taken for it.
 */
#include "probe/load/question.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"

/* A request while it is written. */
struct writer {
	unsigned char *at;
};

static void
put_bytes(struct writer *w, const void *data, size_t length)
{
	memcpy(w->at, data, length);
	w->at += length;
}

static void
put_number(struct writer *w, uint64_t number, int bytes)
{
	while (bytes--)
		*w->at++ = (unsigned char)(number >> bytes * 8);
}

static uint64_t
number_at(const struct question_reply *r, size_t at, int bytes)
{
	uint64_t number = 0;

	while (bytes--)
		number = number << 8 | r->data[at++];
	return number;
}

/* Eight bytes that differ from attempt to attempt (as in exchange.c). */
static uint64_t
question_token(uint64_t id)
{
	id = (id + 1) * 0xff51afd7ed558ccd;
	id = (id ^ id >> 33) * 0xc4ceb9fe1a85ec53;
	return id ^ id >> 33;
}

static enum judgement
answer_is_wrong(struct question_reply *r, const char *why)
{
	snprintf(r->why, sizeof(r->why), "%s", why);
	return REPLY_WRONG;
}

static enum judgement
answer_has_code(struct question_reply *r, const char *what, unsigned code,
    const char *name)
{
	snprintf(r->why, sizeof(r->why), "%s %u%s%s", what, code,
	    name ? ", " : "", name ? name : "");
	return REPLY_WRONG;
}

enum {
	QUIC_LONG = 0xc0,		/* RFC 9000, 17.2: long header */
	QUIC_ID = 8,			/* bytes of a connection ID */
	/*
	 * Section 15: versions of the form 0x?a?a?a?a are reserved, so that
	 * every server answers one with those that it has.
	 */
	QUIC_VERSION = 0x1a2a3a4a,
	QUIC_HEADER = 7 + 2 * QUIC_ID,
};

/* Section 14.1: a server ignores a shorter first datagram. */
static size_t
quic_request(unsigned char *room, uint64_t id, const char *host)
{
	struct writer w = { room };

	(void)host;
	memset(room, 0, QUESTION_ROOM);
	put_number(&w, QUIC_LONG, 1);
	put_number(&w, QUIC_VERSION, 4);
	put_number(&w, QUIC_ID, 1);
	put_number(&w, question_token(id), QUIC_ID);
	put_number(&w, QUIC_ID, 1);
	put_number(&w, ~question_token(id), QUIC_ID);
	return QUESTION_ROOM;
}

/* RFC 8999, section 6: version 0, the IDs swapped, then 32-bit versions. */
static enum judgement
quic_judge(struct question_reply *r)
{
	if (r->length < QUIC_HEADER + 4 || !(r->data[0] & 0x80) ||
	    number_at(r, 1, 4) != 0 || (r->length - QUIC_HEADER) % 4)
		return answer_is_wrong(r, "not a QUIC Version Negotiation");
	if (r->data[5] != QUIC_ID || r->data[6 + QUIC_ID] != QUIC_ID ||
	    number_at(r, 6, QUIC_ID) != ~question_token(r->id) ||
	    number_at(r, 7 + QUIC_ID, QUIC_ID) != question_token(r->id))
		return answer_is_wrong(r, "QUIC with other connection IDs");
	return REPLY_RIGHT;
}

enum { DNS_HEADER = 12, DNS_TXT = 16, DNS_CHAOS = 3, DNS_RECORD = 10 };

static const char dns_name[] = "\2id\6server";	/* and a root label */

/* RFC 1035, section 4.1; RFC 4892, section 2: the name id.server. */
static size_t
dns_request(unsigned char *room, uint64_t id, const char *host)
{
	struct writer w = { room };

	(void)host;
	put_number(&w, question_token(id) & 0xffff, 2);
	put_number(&w, 0, 2);			/* a query, no recursion */
	put_number(&w, 1, 2);			/* one question */
	put_number(&w, 0, 6);
	put_bytes(&w, dns_name, sizeof(dns_name));
	put_number(&w, DNS_TXT, 2);
	put_number(&w, DNS_CHAOS, 2);
	return (size_t)(w.at - room);
}

/* Where a name ends (RFC 1035, 4.1.4); 0: not in the reply. */
static size_t
dns_name_end(const struct question_reply *r, size_t at)
{
	while (at < r->length && r->data[at]) {
		if (r->data[at] >= 0xc0)
			return at + 2 <= r->length ? at + 2 : 0;
		at += r->data[at] + 1u;
	}
	return at < r->length ? at + 1 : 0;
}

/* Takes the first string of the first answer, if that is a TXT record. */
static void
dns_take_name(struct question_reply *r)
{
	size_t at = dns_name_end(r, DNS_HEADER), length;

	at = at ? dns_name_end(r, at + 4) : 0;
	if (!at || !number_at(r, 6, 2) || at + DNS_RECORD >= r->length ||
	    number_at(r, at, 2) != DNS_TXT)
		return;
	at += DNS_RECORD;
	length = r->data[at++];
	if (length > r->length - at)
		return;
	r->name_length = length < QUESTION_NAME ? length : QUESTION_NAME;
	memcpy(r->name, r->data + at, r->name_length);
}

/*
 * A server that hides its name refuses (5), or knows no such name (3, 4): it is
 * there, and answers. Format error (1) and server failure (2) are its faults.
 */
static enum judgement
dns_judge(struct question_reply *r)
{
	static const char *const codes[] = { NULL, "FORMERR", "SERVFAIL" };
	unsigned code;

	if (r->length < DNS_HEADER || !(r->data[2] & 0x80))
		return answer_is_wrong(r, "not a DNS response");
	if (number_at(r, 0, 2) != (question_token(r->id) & 0xffff))
		return answer_is_wrong(r, "DNS with another ID");
	code = r->data[3] & 0x0f;
	if (code == 1 || code == 2)
		return answer_has_code(r, "DNS code", code, codes[code]);
	if (!code)
		dns_take_name(r);
	return REPLY_RIGHT;
}

enum {
	NTP_LENGTH = 48,
	NTP_CLIENT = 0x23,		/* RFC 5905, 7.3: version 4, mode 3 */
	NTP_SERVER = 4,
	NTP_ALARM = 3,			/* leap indicator: not synchronized */
	NTP_ORIGIN = 24, NTP_TRANSMIT = 40,	/* offsets */
};

/* Only the time of sending is given, and it may be any number (9109, 4.4). */
static size_t
ntp_request(unsigned char *room, uint64_t id, const char *host)
{
	struct writer w = { room + NTP_TRANSMIT };

	(void)host;
	memset(room, 0, NTP_LENGTH);
	room[0] = NTP_CLIENT;
	put_number(&w, question_token(id), 8);
	return NTP_LENGTH;
}

/* Section 7.4: stratum 0 is a kiss-o'-death, with a code of four letters. */
static enum judgement
ntp_judge(struct question_reply *r)
{
	if (r->length < NTP_LENGTH || (r->data[0] & 7) != NTP_SERVER)
		return answer_is_wrong(r, "not an NTP server's answer");
	if (number_at(r, NTP_ORIGIN, 8) != question_token(r->id))
		return answer_is_wrong(r, "NTP with another origin timestamp");
	if (r->data[0] >> 6 == NTP_ALARM)
		return answer_is_wrong(r, "NTP, but its clock is not "
		    "synchronized");
	if (!r->data[1])
		return answer_is_wrong(r, "NTP kiss-o'-death: it wants fewer "
		    "requests");
	return REPLY_RIGHT;
}

enum {
	STUN_HEADER = 20, STUN_COOKIE = 0x2112a442,	/* RFC 8489, 5 */
	STUN_REQUEST = 0x0001, STUN_SUCCESS = 0x0101, STUN_ERROR = 0x0111,
	STUN_MAPPED = 0x0001, STUN_ERROR_CODE = 0x0009,
	STUN_XOR_MAPPED = 0x0020,
};

static size_t
stun_request(unsigned char *room, uint64_t id, const char *host)
{
	struct writer w = { room };

	(void)host;
	put_number(&w, STUN_REQUEST, 2);
	put_number(&w, 0, 2);			/* no attributes */
	put_number(&w, STUN_COOKIE, 4);
	put_number(&w, question_token(id), 8);	/* transaction ID: 96 bits */
	put_number(&w, id, 4);
	return (size_t)(w.at - room);
}

/* Where an attribute's value is (section 14); 0: there is none with room. */
static size_t
stun_attribute(const struct question_reply *r, unsigned type, size_t room)
{
	size_t at = STUN_HEADER;

	while (at + 4 <= r->length) {
		size_t length = number_at(r, at + 2, 2);

		if (number_at(r, at, 2) == type)
			return length >= room && at + 4 + length <= r->length ?
			    at + 4 : 0;
		at += 4 + (length + 3) / 4 * 4;
	}
	return 0;
}

/* Section 14.8: the error code's hundreds, then the rest. */
static enum judgement
stun_error(struct question_reply *r)
{
	size_t at = stun_attribute(r, STUN_ERROR_CODE, 4);

	return at ? answer_has_code(r, "STUN error",
	    (r->data[at + 2] & 7) * 100u + r->data[at + 3], NULL) :
	    answer_is_wrong(r, "a STUN error");
}

static enum judgement
stun_judge(struct question_reply *r)
{
	if (r->length < STUN_HEADER || number_at(r, 4, 4) != STUN_COOKIE ||
	    number_at(r, 2, 2) != r->length - STUN_HEADER)
		return answer_is_wrong(r, "not STUN");
	if (number_at(r, 8, 8) != question_token(r->id) ||
	    number_at(r, 16, 4) != (uint32_t)r->id)
		return answer_is_wrong(r, "STUN with another transaction ID");
	if (number_at(r, 0, 2) == STUN_ERROR)
		return stun_error(r);
	if (number_at(r, 0, 2) != STUN_SUCCESS ||
	    (!stun_attribute(r, STUN_XOR_MAPPED, 8) &&
	    !stun_attribute(r, STUN_MAPPED, 8)))
		return answer_is_wrong(r, "STUN without our address");
	return REPLY_RIGHT;
}

/* RFC 9112, 3.2: an IPv6 address stands in brackets. */
static size_t
http_request(unsigned char *room, uint64_t id, const char *host)
{
	bool v6 = strchr(host, ':') != NULL;

	(void)id;
	return (size_t)snprintf((char *)room, QUESTION_ROOM, "HEAD / HTTP/1.1"
	    "\r\nHost: %s%.255s%s\r\nUser-Agent: rpnc\r\nConnection: close"
	    "\r\n\r\n", v6 ? "[" : "", host, v6 ? "]" : "");
}

/* RFC 9112, section 4: "HTTP/1.1 200 OK"; the reason may be missing. */
static enum judgement
http_judge(struct question_reply *r)
{
	static const char form[] = "HTTP/1.# ###";
	size_t at;

	for (at = 0; at < r->length && at < sizeof(form) - 1; at++)
		if (form[at] == '#' ? r->data[at] < '0' || r->data[at] > '9' :
		    r->data[at] != (unsigned char)form[at])
			return answer_is_wrong(r, "not HTTP/1");
	if (at < sizeof(form) - 1)
		return REPLY_PART;
	if (r->data[9] >= '5') {
		snprintf(r->why, sizeof(r->why), "HTTP status %.3s",
		    (const char *)r->data + 9);
		return REPLY_WRONG;
	}
	return REPLY_RIGHT;
}

enum {
	TLS_ALERT = 21, TLS_HANDSHAKE = 22,	/* RFC 8446, 5.1 */
	TLS_RECORD = 5, TLS_SERVER_HELLO = 2,
};

/* A length before what w has since then; bytes: how long it is. */
static void
put_length(const struct writer *w, unsigned char *at, int bytes)
{
	struct writer before = { at };

	put_number(&before, (uint64_t)(w->at - at) - (uint64_t)bytes, bytes);
}

static void
put_extension(struct writer *w, unsigned type, const void *data, size_t length)
{
	put_number(w, type, 2);
	put_number(w, length, 2);
	put_bytes(w, data, length);
}

/* RFC 6066, section 3: a name, never an address. */
static void
put_server_name(struct writer *w, const char *host)
{
	size_t length = strlen(host);

	if (strchr(host, ':') || !host[strspn(host, "0123456789.")] ||
	    length > 255)
		return;
	put_number(w, 0, 2);
	put_number(w, length + 5, 2);
	put_number(w, length + 3, 2);
	put_number(w, 0, 1);			/* host_name */
	put_number(w, length, 2);
	put_bytes(w, host, length);
}

/*
 * Sections 4.2.1, 4.2.3, 4.2.7, 4.2.8: TLS 1.3 or 1.2, usual algorithms, and as
 * the key share of x25519 any 32 bytes, since no key is ever derived.
 */
static void
put_extensions(struct writer *w, uint64_t id, const char *host)
{
	static const unsigned char versions[] = { 4, 3, 4, 3, 3 };
	static const unsigned char groups[] = { 0, 6, 0, 29, 0, 23, 0, 24 };
	static const unsigned char points[] = { 1, 0 };
	static const unsigned char signatures[] = { 0, 18, 4, 3, 5, 3, 6, 3,
	    8, 7, 8, 4, 8, 5, 8, 6, 4, 1, 5, 1 };
	unsigned char share[38] = { 0, 36, 0, 29, 0, 32 };
	struct writer key = { share + 6 };

	for (int i = 0; i < 4; i++)
		put_number(&key, question_token(id + (uint64_t)i), 8);
	put_server_name(w, host);
	put_extension(w, 10, groups, sizeof(groups));
	put_extension(w, 11, points, sizeof(points));
	put_extension(w, 13, signatures, sizeof(signatures));
	put_extension(w, 43, versions, sizeof(versions));
	put_extension(w, 51, share, sizeof(share));
}

/* Section 4.1.2, in one record. */
static size_t
tls_request(unsigned char *room, uint64_t id, const char *host)
{
	static const unsigned char ciphers[] = { 0x13, 1, 0x13, 2, 0x13, 3,
	    0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x2c, 0xc0, 0x30, 0xcc, 0xa9,
	    0xcc, 0xa8, 0, 0x9c, 0, 0x9d };
	struct writer w = { room };
	unsigned char *extensions;

	put_bytes(&w, "\x16\3\1\0\0", TLS_RECORD);
	put_bytes(&w, "\1\0\0\0\3\3", 6);	/* ClientHello, TLS 1.2 */
	for (int i = 0; i < 4; i++)		/* random */
		put_number(&w, question_token(~id + (uint64_t)i), 8);
	put_number(&w, 0, 1);			/* no session */
	put_number(&w, sizeof(ciphers), 2);
	put_bytes(&w, ciphers, sizeof(ciphers));
	put_bytes(&w, "\1\0", 2);			/* no compression */
	extensions = w.at;
	put_number(&w, 0, 2);
	put_extensions(&w, id, host);
	put_length(&w, extensions, 2);
	put_length(&w, room + TLS_RECORD + 1, 3);
	put_length(&w, room + 3, 2);
	return (size_t)(w.at - room);
}

/* Sections 5.1 and 6: a handshake record with a ServerHello, or an alert. */
static enum judgement
tls_judge(struct question_reply *r)
{
	if (r->data[0] != TLS_HANDSHAKE && r->data[0] != TLS_ALERT)
		return answer_is_wrong(r, "not TLS");
	if (r->length > 1 && r->data[1] != 3)
		return answer_is_wrong(r, "not TLS");
	if (r->length < TLS_RECORD + 2)
		return REPLY_PART;
	if (r->data[0] == TLS_ALERT)
		return answer_has_code(r, "TLS alert", r->data[TLS_RECORD + 1],
		    NULL);
	return r->data[TLS_RECORD] == TLS_SERVER_HELLO ? REPLY_RIGHT :
	    answer_is_wrong(r, "TLS without a ServerHello");
}

static const struct question questions[] = {
	{ "quic", true, false, quic_request, quic_judge },
	{ "dns", true, true, dns_request, dns_judge },
	{ "ntp", true, false, ntp_request, ntp_judge },
	{ "stun", true, false, stun_request, stun_judge },
	{ "http", false, false, http_request, http_judge },
	{ "tls", false, false, tls_request, tls_judge },
};

const struct question *
question_find(const char *name)
{
	for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++)
		if (strcmp(questions[i].name, name) == 0)
			return &questions[i];
	fail_as(STATUS_USAGE, "'%.40s': want quic, dns, ntp or stun by UDP, "
	    "http or tls by TCP", name);
	return NULL;
}
