/*
 * load: what tests/bench drives servers with, and measures tools by.
 *
 *	load echo -c N -t SEC HOST PORT		messages on N connections
 *	load hold -c N HOST PORT		the same, one message on each
 *	load connect -c N -t SEC HOST PORT	connect, a message, close
 *	load sink HOST PORT			listen, read one to its end
 *	load source -b BYTES HOST PORT		connect, send so much
 *	load both -b BYTES HOST PORT		send so much, read as much back
 *	load produce -b BYTES			the same, to standard output
 *	load consume				standard input, to nowhere
 *	load scan HOST FIRST LAST		connect to each of these ports
 *	load spawn -c N -t SEC COMMAND...	start it, up to N times
 *	load blast -u -t SEC HOST PORT		datagrams, as fast as it goes
 *	load bounce -u -c N -t SEC HOST PORT	N datagrams, and N that come back
 *
 * The first two say when all are open, and then wait for a line of input.
 * For HOST PORT there may be one word with a slash, a Unix socket. Each prints
 * one JSON object. Simple on purpose, and knows nothing of rpnc but how it
 * keeps a histogram.
 */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const struct {
	const char *name;
	int (*run)(const struct args *a);
} loads[] = {
	{ "echo", load_echo }, { "hold", load_hold },
	{ "connect", load_connect }, { "sink", load_sink },
	{ "source", load_source }, { "both", load_both },
	{ "produce", load_produce }, { "consume", load_consume },
	{ "scan", load_scan }, { "spawn", load_spawn }, { "blast", load_blast },
	{ "bounce", load_bounce },
};
enum { LOADS = sizeof(loads) / sizeof(loads[0]) };

char chunk[CHUNK];

uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

double
now(void)
{
	return (double)now_ns() / 1e9;
}

void
die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

void
port_set(struct args *a, int port)
{
	((struct sockaddr_in *)&a->addr)->sin_port = htons((uint16_t)port);
}

int
source_socket(const struct args *a, unsigned i, int flags)
{
	int fd = socket(a->addr.ss_family, a->type | flags, 0), on = 1;
	struct sockaddr_in from = { .sin_family = AF_INET };

	if (fd < 0)
		die("socket");
	if (!a->sources || a->addr.ss_family != AF_INET)
		return fd;
	i %= a->sources;
	from.sin_addr.s_addr = htonl(0x7f000001 + (i / 250 << 8) + i % 250);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		die("bind");
	return fd;
}

static void
address(struct args *a, int argc, char **argv)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&a->addr;
	struct sockaddr_in *in = (struct sockaddr_in *)&a->addr;

	if (argc && strchr(argv[0], '/')) {
		un->sun_family = AF_UNIX;
		snprintf(un->sun_path, sizeof(un->sun_path), "%s", argv[0]);
		a->len = sizeof(*un);
		return;
	}
	if (argc < 2)
		return;
	in->sin_family = AF_INET;
	if (inet_pton(AF_INET, argv[0], &in->sin_addr) != 1)
		die(argv[0]);
	port_set(a, atoi(argv[1]));
	a->len = sizeof(*in);
	a->last = argc > 2 ? atoi(argv[2]) : 0;
}

static void
options(struct args *a, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+c:j:m:t:s:b:gGu")) != -1) {
		switch (c) {
		case 'c': a->conns = (unsigned)atoi(optarg); break;
		case 'j': a->jobs = (unsigned)atoi(optarg); break;
		case 'm': a->sources = (unsigned)atoi(optarg); break;
		case 't': a->seconds = atof(optarg); break;
		case 's': a->size = (size_t)atol(optarg); break;
		case 'b': a->bytes = strtoull(optarg, NULL, 10); break;
		case 'g': a->web = true; break;
		case 'G': a->joined = true; break;
		case 'u': a->type = SOCK_DGRAM; break;
		default: exit(2);
		}
	}
	if (!a->conns || !a->jobs || !a->size || a->size > CHUNK)
		exit(2);
}

int
main(int argc, char **argv)
{
	struct args a = {
		.conns = 1, .jobs = 1, .seconds = 1, .size = 64,
		.type = SOCK_STREAM,
	};
	struct rlimit files;

	if (argc < 2)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	options(&a, argc - 1, argv + 1);
	a.command = argv + 1 + optind;
	if (strcmp(argv[1], "spawn") != 0)
		address(&a, argc - 1 - optind, a.command);
	memset(chunk, 'x', sizeof(chunk));
	for (size_t i = 0; i < LOADS; i++)
		if (strcmp(argv[1], loads[i].name) == 0)
			return loads[i].run(&a);
	fprintf(stderr, "load: no such load: %s\n", argv[1]);
	return 2;
}
