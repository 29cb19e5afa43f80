/*
 * The table of --sockopt. All are set between socket(2) and bind(2) or
 * connect(2), because later is too late for some of them: a TCP receive buffer
 * decides the window scale in the SYN. An accepted socket has its listener's
 * options, except those marked NOT_INHERITED, which are set after accept(2). A
 * Unix socket has none of its listener's. They are set in the table's order,
 * because IP_TOS also sets SO_PRIORITY.
 */
#include "net/sockopts.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/num.h"
#include "net/sockopt.h"

enum sockopt_kind {
	SOCKOPT_FLAG,		/* 0 or 1; alone: 1 */
	SOCKOPT_NUMBER,		/* decimal, or 0x... */
	SOCKOPT_DSCP,		/* a number, or a name such as af41 */
	SOCKOPT_BYTES,		/* K, M, G */
	SOCKOPT_BUFFER,		/* the kernel doubles it */
	SOCKOPT_MS,		/* a time */
	SOCKOPT_US,
	SOCKOPT_KEEPALIVE,	/* IDLE:INTERVAL:COUNT */
	SOCKOPT_RATE,		/* bytes a second, 64 bits */
};

struct sockopt_row {
	const char *name;
	enum sockopt_kind kind;
	int64_t min, max;
	int level, option;
	int level6, option6;	/* of IPv6, if it has another; else 0 */
	unsigned use;		/* enum sockopt_use */
	bool not_inherited;	/* by an accepted socket */
	const char *needs;	/* the capability, on EPERM */
	const char *limit;	/* what changes the value */
};

#define SERVERS (SOCKOPT_SERVER | SOCKOPT_MEMBER)
#define SIDES (SERVERS | SOCKOPT_CLIENT)
#define TCP (SIDES | SOCKOPT_TCP)
#define UDP (SIDES | SOCKOPT_UDP)
#define INET (SIDES | SOCKOPT_TCP | SOCKOPT_UDP)
#define ANY (INET | SOCKOPT_UNIX)
#define SERVER (SERVERS | SOCKOPT_TCP | SOCKOPT_UDP)
#define TCP_SERVER (SERVERS | SOCKOPT_TCP)
#define ALONE (SOCKOPT_CLIENT | SOCKOPT_SERVER | SOCKOPT_TCP)
#define FOR(sockets) .use = (sockets)
#define IP(option) IPPROTO_IP, option
#define IPV6(option) IPPROTO_IPV6, option
#define SOCKET(option) SOL_SOCKET, option, 0, 0
#define OF_TCP(option) IPPROTO_TCP, option, 0, 0
#define NOT_INHERITED .not_inherited = true
#define NEEDS(capability) .needs = capability
#define LIMIT(what) .limit = what
#define NET_ADMIN NEEDS("CAP_NET_ADMIN")
#define NET_RAW NEEDS("CAP_NET_RAW or CAP_NET_ADMIN")

static const struct sockopt_row rows[] = {
	{ "tos", SOCKOPT_DSCP, 0, 255, IP(IP_TOS), IPV6(IPV6_TCLASS), FOR(INET),
	    LIMIT("TCP sets the two low bits itself (ECN)") },
	{ "ttl", SOCKOPT_NUMBER, 1, 255, IP(IP_TTL), IPV6(IPV6_UNICAST_HOPS),
	    FOR(INET) },
	/* with -r rpnc itself uses it, to leave and to find its place */
	{ "min-ttl", SOCKOPT_NUMBER, 1, 255, IP(IP_MINTTL),
	    IPV6(IPV6_MINHOPCOUNT), FOR(ALONE) },
	{ "mark", SOCKOPT_NUMBER, 0, UINT_MAX, SOCKET(SO_MARK), FOR(INET),
	    NET_RAW },
	{ "priority", SOCKOPT_NUMBER, 0, INT_MAX, SOCKET(SO_PRIORITY), FOR(INET),
	    NOT_INHERITED, NEEDS("CAP_NET_RAW or CAP_NET_ADMIN (over 6)") },
	{ "nodelay", SOCKOPT_FLAG, 0, 1, OF_TCP(TCP_NODELAY), FOR(TCP) },
	{ "keepalive", SOCKOPT_KEEPALIVE, 1, SHRT_MAX, SOCKET(SO_KEEPALIVE),
	    FOR(TCP) },
	{ "user-timeout", SOCKOPT_MS, 1, INT_MAX, OF_TCP(TCP_USER_TIMEOUT),
	    FOR(TCP) },
	{ "rcvbuf", SOCKOPT_BUFFER, 1, INT_MAX / 2, SOCKET(SO_RCVBUF), FOR(ANY),
	    LIMIT("net.core.rmem_max") },
	{ "sndbuf", SOCKOPT_BUFFER, 1, INT_MAX / 2, SOCKET(SO_SNDBUF), FOR(ANY),
	    LIMIT("net.core.wmem_max") },
	{ "notsent-lowat", SOCKOPT_BYTES, 1, INT_MAX,
	    OF_TCP(TCP_NOTSENT_LOWAT), FOR(TCP) },
	{ "mss", SOCKOPT_NUMBER, 88, 32767, OF_TCP(TCP_MAXSEG), FOR(TCP),
	    LIMIT("the path or the peer allows no more") },
	{ "fastopen", SOCKOPT_NUMBER, 1, INT_MAX, OF_TCP(TCP_FASTOPEN),
	    FOR(TCP_SERVER), LIMIT("net.core.somaxconn") },
	{ "freebind", SOCKOPT_FLAG, 0, 1, IP(IP_FREEBIND),
	    IPV6(IPV6_FREEBIND), FOR(INET) },
	{ "transparent", SOCKOPT_FLAG, 0, 1, IP(IP_TRANSPARENT),
	    IPV6(IPV6_TRANSPARENT), FOR(INET), NET_RAW },
	{ "busy-poll", SOCKOPT_US, 0, INT_MAX, SOCKET(SO_BUSY_POLL), FOR(INET),
	    NET_ADMIN },
	{ "incoming-cpu", SOCKOPT_NUMBER, 0, INT_MAX,
	    SOCKET(SO_INCOMING_CPU), FOR(SERVER) },
	{ "multicast-ttl", SOCKOPT_NUMBER, 0, 255, IP(IP_MULTICAST_TTL),
	    IPV6(IPV6_MULTICAST_HOPS), FOR(UDP) },
	{ "multicast-loop", SOCKOPT_FLAG, 0, 1, IP(IP_MULTICAST_LOOP),
	    IPV6(IPV6_MULTICAST_LOOP), FOR(UDP) },
	{ "broadcast", SOCKOPT_FLAG, 0, 1, SOCKET(SO_BROADCAST), FOR(UDP) },
	{ "limit-rate", SOCKOPT_RATE, 1, INT64_MAX,
	    SOCKET(SO_MAX_PACING_RATE), FOR(TCP) },
};
enum { ROWS = sizeof(rows) / sizeof(*rows) };

const char *
sockopts_word(int i, char word[static SOCKOPT_WORD])
{
	if (i >= ROWS)
		return NULL;
	snprintf(word, SOCKOPT_WORD, "%s%s", rows[i].name,
	    rows[i].kind == SOCKOPT_FLAG ? "" : "=");
	return word;
}

static const struct sockopt_row *
row_find(const char *name, size_t length)
{
	for (int i = 0; i < ROWS; i++)
		if (strlen(rows[i].name) == length &&
		    memcmp(rows[i].name, name, length) == 0)
			return &rows[i];
	return NULL;
}

/* Names the options that there are, or the one that was meant. */
static int
unknown(const char *name, size_t length)
{
	char word[40], list[400] = "";
	size_t used = 0, best = 3;
	const char *near = NULL;

	snprintf(word, sizeof(word), "%.*s", (int)length, name);
	for (int i = 0; i < ROWS; i++) {
		size_t d = edit_distance(word, rows[i].name);

		if (d < best && d * 2 <= length) {
			best = d;
			near = rows[i].name;
		}
		used += (size_t)snprintf(list + used, sizeof(list) - used,
		    " %s", rows[i].name);
	}
	if (near)
		return fail_as(STATUS_USAGE, "%s: no such socket option; did "
		    "you mean %s?", word, near);
	return fail_as(STATUS_USAGE, "'%s': no such socket option; want one "
	    "of:%s", word, list);
}

/* RFC 2474, 2597, 3246, 8622, and the names of RFC 1349 that nc has. */
static int
dscp_parse(const char *text, int64_t *value)
{
	static const struct {
		const char *name;
		int value;
	} names[] = {
		{ "ef", 46 << 2 }, { "va", 44 << 2 }, { "le", 1 << 2 },
		{ "lowdelay", 16 }, { "throughput", 8 }, { "reliability", 4 },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i].name, text) == 0) {
			*value = names[i].value;
			return 0;
		}
	if (strncmp(text, "cs", 2) == 0 && strlen(text) == 3 &&
	    text[2] >= '0' && text[2] <= '7') {
		*value = (text[2] - '0') << 5;
		return 0;
	}
	if (strncmp(text, "af", 2) != 0 || strlen(text) != 4 ||
	    text[2] < '1' || text[2] > '4' || text[3] < '1' || text[3] > '3')
		return -1;
	*value = (text[2] - '0') << 5 | (text[3] - '0') << 3;
	return 0;
}

static int
number_parse(const char *text, int64_t *value)
{
	char *end;

	if (strncmp(text, "0x", 2) != 0)
		return num_parse(text, 0, INT64_MAX, value);
	*value = (int64_t)strtoull(text + 2, &end, 16);
	return text[2] && strspn(text + 2, "0123456789abcdefABCDEF") ==
	    strlen(text + 2) && !*end && *value >= 0 ? 0 : -1;
}

/* IDLE, IDLE:INTERVAL or IDLE:INTERVAL:COUNT; what is left out is 0. */
static int
keepalive_parse(const char *text, int64_t value[static SOCKOPT_VALUES])
{
	static const int64_t max[] = { SHRT_MAX, SHRT_MAX, SCHAR_MAX };
	char part[16];

	for (int i = 0; i < SOCKOPT_VALUES; i++) {
		size_t span = strcspn(text, ":");

		if (span >= sizeof(part))
			return -1;
		memcpy(part, text, span);
		part[span] = '\0';
		if (num_parse(part, 1, max[i], &value[i]) < 0)
			return -1;
		if (!text[span])
			return 0;
		text += span + 1;
	}
	return -1;
}

static int
time_parse(const char *text, int64_t unit, int64_t *value)
{
	if (duration_parse(text, value) < 0 || *value % unit)
		return -1;
	*value /= unit;
	return 0;
}

static int
value_parse(const struct sockopt_row *row, const char *text,
    int64_t value[static SOCKOPT_VALUES])
{
	switch (row->kind) {
	case SOCKOPT_FLAG:
	case SOCKOPT_NUMBER:
		return number_parse(text, value);
	case SOCKOPT_DSCP:
		return dscp_parse(text, value) == 0 ? 0 :
		    number_parse(text, value);
	case SOCKOPT_BYTES:
	case SOCKOPT_BUFFER:
	case SOCKOPT_RATE:
		return size_parse(text, value);
	case SOCKOPT_MS:
		return time_parse(text, 1000, value);
	case SOCKOPT_US:
		return time_parse(text, 1, value);
	case SOCKOPT_KEEPALIVE:
		return keepalive_parse(text, value);
	}
	return -1;
}

static const char *
kind_unit(enum sockopt_kind kind)
{
	return kind == SOCKOPT_MS ? "ms" : kind == SOCKOPT_US ? "us" : "";
}

/*
 * The values that a row takes, for the fault. A value that can be read is out of
 * range.
 */
static const char *
value_wanted(const struct sockopt_row *row, bool is_read,
    char text[static SOCKOPT_TEXT])
{
	static const char *const words[] = {
		[SOCKOPT_FLAG] = "0 or 1",
		[SOCKOPT_DSCP] = "0 to 255, 0xb8, or a DSCP such as ef, af41 "
		    "or cs5",
		[SOCKOPT_BUFFER] = "bytes, such as 65536 or 4M",
		[SOCKOPT_BYTES] = "bytes, such as 65536 or 4M",
		[SOCKOPT_RATE] = "bytes a second, such as 65536 or 4M",
		[SOCKOPT_MS] = "a time such as 30 or 250ms",
		[SOCKOPT_US] = "a time such as 50us",
		[SOCKOPT_KEEPALIVE] = "seconds and a count, as "
		    "IDLE:INTERVAL:COUNT, at most 32767:32767:127",
	};
	const char *unit = kind_unit(row->kind);
	bool has_range = row->kind == SOCKOPT_BYTES || *unit ||
	    row->kind == SOCKOPT_BUFFER;

	if (row->kind != SOCKOPT_NUMBER && !(is_read && has_range))
		return words[row->kind];
	snprintf(text, SOCKOPT_TEXT, "%lld%s to %lld%s", (long long)row->min,
	    unit, (long long)row->max, unit);
	return text;
}

/* The kernel takes any number for a processor. */
static bool
is_cpu(const struct sockopt_row *row, int64_t value)
{
	return row->level != SOL_SOCKET || row->option != SO_INCOMING_CPU ||
	    value < sysconf(_SC_NPROCESSORS_CONF);
}

static int
sockopt_read(struct sockopt *o, const struct sockopt_row *row,
    const char *text)
{
	char wanted[SOCKOPT_TEXT];
	bool is_read;

	*o = (struct sockopt){ .row = row };
	snprintf(o->asked, sizeof(o->asked), "%s", text);
	is_read = value_parse(row, text, o->value) == 0;
	if (is_read && o->value[0] >= row->min && o->value[0] <= row->max)
		return is_cpu(row, o->value[0]) ? 0 :
		    fail_as(STATUS_USAGE, "%s=%s: want processor 0 to %ld",
		    row->name, o->asked, sysconf(_SC_NPROCESSORS_CONF) - 1);
	return fail_as(STATUS_USAGE, "%s%s%.40s: want %s", row->name,
	    *text ? "=" : "", text, value_wanted(row, is_read, wanted));
}

/* Keeps the table's order. */
static int
sockopts_insert(struct sockopts *all, const struct sockopt_row *row,
    const char *text)
{
	int place = 0;

	while (place < all->count && all->at[place].row < row)
		place++;
	if (place < all->count && all->at[place].row == row)
		return fail_as(STATUS_USAGE, "%s: given twice", row->name);
	memmove(&all->at[place + 1], &all->at[place],
	    (size_t)(all->count - place) * sizeof(*all->at));
	all->count++;
	return sockopt_read(&all->at[place], row, text);
}

int
sockopts_add(struct sockopts *all, const char *name, const char *value)
{
	return sockopts_insert(all, row_find(name, strlen(name)), value);
}

int
sockopts_read(struct sockopts *all, const char *text)
{
	const struct sockopt_row *row;
	const char *all_text = text;
	char value[SOCKOPT_TEXT];
	size_t name, span;

	for (;; text += span + 1) {
		span = strcspn(text, ",");
		if (!span && *all_text)
			return fail_as(STATUS_USAGE, "%.200s: empty item",
			    all_text);
		name = strcspn(text, "=,");
		row = row_find(text, name);
		if (!row)
			return unknown(text, name);
		if (name < span)
			snprintf(value, sizeof(value), "%.*s",
			    (int)(span - name - 1), text + name + 1);
		else
			snprintf(value, sizeof(value), "%s",
			    row->kind == SOCKOPT_FLAG ? "1" : "");
		if (sockopts_insert(all, row, value) < 0)
			return -1;
		if (!text[span])
			return 0;
	}
}

/* Says which sockets the option is for. */
static int
use_fail(const struct sockopt_row *row, unsigned use)
{
	if (!(row->use & use & SIDES))
		return fail_as(STATUS_USAGE, "%s: %s", row->name,
		    use & SOCKOPT_CLIENT ? "for listen and echo only" :
		    "not in a group, whose members use it to leave");
	return fail_as(STATUS_USAGE, "%s: for %s only", row->name,
	    row->use & SOCKOPT_UDP ? row->use & SOCKOPT_TCP ? "TCP and UDP" :
	    "UDP" : "TCP");
}

int
sockopts_check(const struct sockopts *all, unsigned use, int family)
{
	int fd, result;

	for (int i = 0; i < all->count; i++) {
		unsigned both = all->at[i].row->use & use;

		if (!(both & SIDES) || !(both & ~SIDES))
			return use_fail(all->at[i].row, use);
	}
	if (!all->count)
		return 0;
	fd = socket(family, (use & SOCKOPT_UDP ? SOCK_DGRAM : SOCK_STREAM) |
	    SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;	/* whoever opens the real one says it */
	result = sockopts_set(all, fd);
	close(fd);
	return result;
}

static bool
is_ipv6(int fd)
{
	return sock_get_int(fd, SOL_SOCKET, SO_DOMAIN, AF_INET) == AF_INET6;
}

static bool
is_unix(int fd)
{
	return sock_get_int(fd, SOL_SOCKET, SO_DOMAIN, AF_INET) == AF_UNIX;
}

static int
row_level(const struct sockopt_row *row, bool ipv6)
{
	return ipv6 && row->level6 ? row->level6 : row->level;
}

static int
row_option(const struct sockopt_row *row, bool ipv6)
{
	return ipv6 && row->level6 ? row->option6 : row->option;
}

static const int keepalive_options[SOCKOPT_VALUES] = {
	TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT,
};

static int
keepalive_set(const struct sockopt *o, int fd)
{
	if (sock_set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1) < 0)
		return -1;
	for (int i = 0; i < SOCKOPT_VALUES; i++)
		if (o->value[i] && sock_set_int(fd, IPPROTO_TCP,
		    keepalive_options[i], (int)o->value[i]) < 0)
			return -1;
	return 0;
}

/* With CAP_NET_ADMIN a buffer may exceed the sysctl. */
static int
buffer_set(const struct sockopt *o, int fd)
{
	int option = o->row->option, value = (int)o->value[0];

	if (sock_set_int(fd, SOL_SOCKET, option == SO_RCVBUF ?
	    SO_RCVBUFFORCE : SO_SNDBUFFORCE, value) == 0)
		return 0;
	return sock_set_int(fd, SOL_SOCKET, option, value);
}

static int
sockopt_set(const struct sockopt *o, int fd)
{
	bool ipv6 = is_ipv6(fd);

	if (o->row->kind == SOCKOPT_KEEPALIVE)
		return keepalive_set(o, fd);
	if (o->row->kind == SOCKOPT_BUFFER)
		return buffer_set(o, fd);
	if (o->row->kind == SOCKOPT_RATE)
		return setsockopt(fd, o->row->level, o->row->option, o->value,
		    sizeof(*o->value));
	return sock_set_int(fd, row_level(o->row, ipv6),
	    row_option(o->row, ipv6), (int)o->value[0]);
}

static bool
is_mptcp(int fd)
{
	return sock_get_int(fd, SOL_SOCKET, SO_PROTOCOL, 0) == IPPROTO_MPTCP;
}

int
sockopts_set(const struct sockopts *all, int fd)
{
	for (int i = 0; all && i < all->count; i++) {
		const struct sockopt *o = &all->at[i];

		if (sockopt_set(o, fd) == 0)
			continue;
		fail("%s=%s", o->row->name, o->asked);
		if (errno == EPERM && o->row->needs)
			fail_add("it needs %s", o->row->needs);
		if ((errno == EOPNOTSUPP || errno == ENOPROTOOPT) &&
		    is_mptcp(fd))
			fail_add("this kernel has it for TCP, not for MPTCP");
		return fail_status_set(STATUS_USAGE);
	}
	return 0;
}

void
sockopts_set_accepted(const struct sockopts *all, int fd)
{
	for (int i = 0; all && i < all->count; i++)
		if (all->at[i].row->not_inherited || is_unix(fd))
			sockopt_set(&all->at[i], fd);
}

/* Reads the value back; -1: see errno. */
static int
sockopt_value(const struct sockopt *o, int fd,
    int64_t value[static SOCKOPT_VALUES])
{
	bool ipv6 = is_ipv6(fd);
	socklen_t size = sizeof(*value);
	int one;

	if (o->row->kind == SOCKOPT_RATE)
		return getsockopt(fd, o->row->level, o->row->option, value,
		    &size);
	if (o->row->kind == SOCKOPT_KEEPALIVE) {
		for (int i = 0; i < SOCKOPT_VALUES; i++)
			value[i] = sock_get_int(fd, IPPROTO_TCP,
			    keepalive_options[i], 0);
		return value[0] ? 0 : -1;
	}
	size = sizeof(one);
	if (getsockopt(fd, row_level(o->row, ipv6), row_option(o->row, ipv6),
	    &one, &size) < 0)
		return -1;
	*value = o->row->max > INT_MAX ? (int64_t)(uint32_t)one : one;
	if (o->row->kind == SOCKOPT_BUFFER)
		*value /= 2;	/* the kernel has doubled it */
	return 0;
}

/* Whether sysctl net.ipv4.tcp_fastopen lets servers have it. */
static bool
fastopen_works(void)
{
	FILE *f = fopen("/proc/sys/net/ipv4/tcp_fastopen", "re");
	unsigned mask = 2;

	if (f && fscanf(f, "%u", &mask) != 1)
		mask = 2;
	if (f)
		fclose(f);
	return mask & 2;
}

/* Why the kernel's value is not what was asked for; NULL: it is. */
static const char *
sockopt_why(const struct sockopt *o, const int64_t got[static SOCKOPT_VALUES])
{
	enum { OPTIONS = 40 };		/* TCP's own, in a segment: less mss */
	const struct sockopt_row *row = o->row;
	int64_t want = o->value[0];

	if (row->option == TCP_FASTOPEN && row->level == IPPROTO_TCP &&
	    !fastopen_works())
		return "no effect: net.ipv4.tcp_fastopen lacks 2";
	for (int i = 1; i < SOCKOPT_VALUES; i++)
		if (o->value[i] && o->value[i] != got[i])
			return "the kernel's own choice";
	if (got[0] == want || (row->option == TCP_MAXSEG &&
	    row->level == IPPROTO_TCP && got[0] < want &&
	    got[0] + OPTIONS >= want))
		return NULL;
	if (row->kind == SOCKOPT_BUFFER && got[0] > want)
		return "the least that the kernel gives";
	return row->limit ? row->limit : "the kernel's own choice";
}

bool
sockopts_get(const struct sockopts *all, int i, int fd,
    struct sockopt_state *out)
{
	const struct sockopt *o = &all->at[i];
	int64_t got[SOCKOPT_VALUES] = { 0 };

	if (sockopt_value(o, fd, got) < 0)
		return false;
	*out = (struct sockopt_state){
		.name = o->row->name, .asked = o->asked,
		.why = sockopt_why(o, got),
	};
	if (o->row->kind == SOCKOPT_KEEPALIVE)
		snprintf(out->value, sizeof(out->value), "%lld:%lld:%lld",
		    (long long)got[0], (long long)got[1], (long long)got[2]);
	else
		snprintf(out->value, sizeof(out->value), "%lld%s",
		    (long long)got[0], kind_unit(o->row->kind));
	return true;
}
