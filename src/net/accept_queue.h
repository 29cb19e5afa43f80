#ifndef NET_ACCEPT_QUEUE_H
#define NET_ACCEPT_QUEUE_H

#include <stdint.h>

#include "net/addr.h"

/* Questions to a listening TCP socket, and options of it. */

/*
 * How many connections the listener has, half-open or queued: the `ref` of
 * /proc/net/tcp less the socket's own (proc(5); kernel net/ipv4/tcp_ipv4.c,
 * get_openreq4). An MPTCP socket has a TCP socket that listens for it; that
 * reference is not counted either. -1: not found.
 */
int listener_pending(int fd, int family);

/*
 * That `ref` of n sockets of one family, of whatever process, by their
 * inodes; -1: not all were found.
 */
int listener_references(int family, const uint64_t *inodes, int n, int *out);

/*
 * The index of the only one that has half-open connections; else -1. Each
 * line of that list also has its queue. own: the references of each while it
 * is idle: 1, or 2 with MPTCP.
 */
int listener_half_open(int family, const uint64_t *inodes, const int *own,
    int n);

/* How many of those wait in the accept queue (TCP_INFO). */
int listener_queue(int fd);

/*
 * The gate: packets with a smaller TTL (hop limit) are dropped, so 255 lets
 * nothing in from over a network or loopback: a SYN is silently dropped, to
 * be sent again in a second; handshakes in flight go on. 0 opens it again.
 * Accepted sockets inherit it (ip(7), IP_MINTTL).
 */
int listener_gate(int fd, int family, int ttl);

/* SK_MEMINFO_DROPS of the socket, modulo 2^32. */
uint32_t listener_drops(int fd);

/*
 * Waits until every packet that the network had in hand has been dealt with
 * (an RCU grace period: 8 to 30 ms).
 */
void listener_barrier(void);

#endif
