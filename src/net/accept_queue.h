#ifndef NET_ACCEPT_QUEUE_H
#define NET_ACCEPT_QUEUE_H

#include <stdint.h>

#include "net/addr.h"

/* The queue and the options of a listening TCP socket. */

/*
 * How many connections the listener has, half-open or queued: the `ref` of
 * /proc/net/tcp less the socket's own (proc(5); kernel net/ipv4/tcp_ipv4.c,
 * get_openreq4). An MPTCP socket has a TCP socket that listens for it; that
 * reference is not counted either. -1: not found.
 */
int listener_pending(int fd);

/*
 * That `ref` of n sockets of one family, given by inode, of any process; -1:
 * not all were found.
 */
int listener_references(int family, const uint64_t *inodes, int n, int *out);

/*
 * The index of the only socket of these that has half-open connections; -1:
 * none or several have. own: the references of each when idle: 1, or 2 with
 * MPTCP.
 */
int listener_half_open(int family, const uint64_t *inodes, const int *own,
    int n);

/* The length of the accept queue (TCP_INFO). */
int listener_queue(int fd);

/*
 * Sets the gate: the kernel drops packets with a smaller TTL (hop limit; ip(7),
 * IP_MINTTL). With 255 it drops every SYN silently, and the client sends it
 * again a second later; handshakes in flight go on. 0 opens the gate. Accepted
 * sockets inherit it.
 */
int listener_gate(int fd, int ttl);

/* SK_MEMINFO_DROPS of the socket, modulo 2^32. */
uint32_t listener_drops(int fd);

/*
 * Waits until the kernel has processed all packets that it is processing now
 * (an RCU grace period: 8 to 30 ms).
 */
void listener_barrier(void);

#endif
