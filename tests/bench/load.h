#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* What a load is told: the options of load.c. */
struct args {
	unsigned conns;		/* -c: at a time */
	unsigned jobs;		/* -j: processes that share them */
	unsigned sources;	/* -m: addresses to connect from, 0: as it comes */
	double seconds;		/* -t */
	size_t size;		/* -s: bytes of a message */
	uint64_t bytes;		/* -b: bytes in all */
	bool web;		/* -g: a message is an HTTP request */
	bool joined;		/* -G: datagrams that the kernel parts and joins */
	int type;		/* SOCK_STREAM, or -u SOCK_DGRAM */
	int last;		/* scan: the last port */
	struct sockaddr_storage addr;
	socklen_t len;
	char **command;		/* spawn */
};

/* A chunk of bytes to send, and a place for what comes. */
enum { CHUNK = 256 << 10 };
extern char chunk[CHUNK];

double now(void);
uint64_t now_ns(void);

/* Say why and end: a load that cannot run has nothing to report. */
void die(const char *what) __attribute__((noreturn));

/* A socket, bound to the i-th source if there are several. */
int source_socket(const struct args *a, unsigned i, int flags);
void port_set(struct args *a, int port);

/* Each is one load; it prints one JSON object and returns the exit status. */
int load_echo(const struct args *a);
int load_hold(const struct args *a);
int load_connect(const struct args *a);
int load_sink(const struct args *a);
int load_source(const struct args *a);
int load_both(const struct args *a);
int load_produce(const struct args *a);
int load_consume(const struct args *a);
int load_scan(const struct args *a);
int load_spawn(const struct args *a);
int load_blast(const struct args *a);
int load_bounce(const struct args *a);

#endif
