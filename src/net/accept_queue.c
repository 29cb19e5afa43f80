/*
 * Reads the queue of a listening TCP socket. TCP_INFO has the accept queue. The
 * half-open connections stand nowhere: each holds a reference to the listener,
 * so they are the `ref` of /proc/net/tcp less the socket's own and the queued.
 */
#include "net/accept_queue.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "net/sock.h"

enum {
	BARRIER_NS = 30 * 1000 * 1000,
	TCP_LINE = 150,			/* TMPSZ of net/ipv4/tcp_ipv4.c */
};

/*
 * Takes the references of one line, and if wanted the queue, if the line is one
 * of these sockets'. Returns 1 or 0; -1: no listeners follow.
 */
static int
take_references(const char *line, const uint64_t *inodes, int n, int *out,
    int *queues)
{
	unsigned long inode;
	unsigned state, queue;
	int references;

	if (sscanf(line, "%*s %*s %*s %x %*[^:]:%x %*s %*s %*s %*s %lu %d",
	    &state, &queue, &inode, &references) != 4)
		return 0;
	if (state != TCP_LISTEN)
		return -1;
	for (int i = 0; i < n; i++)
		if (inodes[i] == inode) {
			out[i] = references;
			if (queues)
				queues[i] = (int)queue;
			return 1;
		}
	return 0;
}

static int
read_references(int family, const uint64_t *inodes, int n, int *out,
    int *queues)
{
	FILE *list = fopen(family == AF_INET6 ? "/proc/self/net/tcp6" :
	    "/proc/self/net/tcp", "re");
	char line[512], buffer[TCP_LINE];
	int found = 0, one = 0;

	/*
	 * Listeners come first. For more than it is asked for, the kernel looks
	 * through the whole table of connections (tcp_seq_next()).
	 */
	if (list)
		setvbuf(list, buffer, _IOFBF, sizeof(buffer));
	while (list && found < n && one >= 0 &&
	    fgets(line, sizeof(line), list)) {
		one = take_references(line, inodes, n, out, queues);
		found += one > 0;
	}
	if (list)
		fclose(list);
	return found == n ? 0 : -1;
}

int
listener_references(int family, const uint64_t *inodes, int n, int *out)
{
	return read_references(family, inodes, n, out, NULL);
}

int
listener_half_open(int family, const uint64_t *inodes, const int *own, int n)
{
	int *references = calloc((size_t)n, 2 * sizeof(*references));
	int found = -1;

	if (references && read_references(family, inodes, n, references,
	    references + n) == 0)
		for (int i = 0; i < n; i++) {
			if (references[i] - own[i] <= references[n + i])
				continue;
			if (found >= 0) {
				found = -1;
				break;
			}
			found = i;
		}
	free(references);
	return found;
}

static int
listener_family(int fd)
{
	return sock_get_int(fd, SOL_SOCKET, SO_DOMAIN, AF_INET);
}

int
listener_pending(int fd)
{
	uint64_t inode = sock_inode(fd);
	int references;

	if (!inode || listener_references(listener_family(fd), &inode, 1,
	    &references) < 0)
		return -1;
	return references - (sock_get_int(fd, SOL_SOCKET, SO_PROTOCOL, 0) ==
	    IPPROTO_MPTCP ? 2 : 1);
}

int
listener_queue(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		return 0;
	return (int)info.tcpi_unacked;	/* a listener's: sk_ack_backlog */
}

int
listener_gate(int fd, int ttl)
{
	/* an IPv6 socket may accept IPv4, too */
	if (sock_set_int(fd, IPPROTO_IP, IP_MINTTL, ttl) == 0 &&
	    (listener_family(fd) != AF_INET6 ||
	    sock_set_int(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, ttl) == 0))
		return 0;
	return fail("minimal TTL");
}

uint32_t
listener_drops(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t size = sizeof(info);

	getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &size);
	return info[SK_MEMINFO_DROPS];
}

void
listener_barrier(void)
{
	const struct timespec wait = { .tv_nsec = BARRIER_NS };

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
		nanosleep(&wait, NULL);
}
