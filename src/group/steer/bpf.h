#ifndef GROUP_STEER_BPF_H
#define GROUP_STEER_BPF_H

#include <stdbool.h>

#include "net/addr.h"

/*
 * Programs that choose a group's member for a new connection: classic BPF,
 * attached through any member's socket, without privilege (socket(7),
 * SO_ATTACH_REUSEPORT_CBPF). A group has one program, which cannot be read
 * back. If the result is no index, the kernel's hash chooses.
 */

enum steer_mode {
	STEER_HASH,
	STEER_RANDOM,
	STEER_CPU,
	STEER_WEIGHTS,
	STEER_PORT,
	STEER_ADDRESS,
	STEER_LEAST,
	STEER_BYTE,
	STEER_MODES,
};

enum { STEER_MAX = 1024 };	/* members of a group */

struct steer_type {
	const char *name, *help;
	/* The mode that members of an older version take for this one. */
	enum steer_mode older;
};
extern const struct steer_type steer_types[STEER_MODES];

/*
 * Attaches the program of a mode to the group of fd, whose n members have these
 * weights, by index. A member of weight 0 gets nothing; other differences count
 * only for STEER_WEIGHTS and STEER_LEAST. offset: for STEER_BYTE, of the byte in
 * the payload. Detaches the program if the kernel's own hash gives the same.
 */
int bpf_attach(int fd, bool v6, enum steer_mode mode, uint32_t offset,
    const uint32_t *weights, int n);

/*
 * Sends packets from these sockets' addresses (same host, several ports) to
 * index; the hash chooses for all others.
 */
int bpf_flows(int fd, const struct addr *from, int count, int index);

/* Detaches the group's program; without one it does nothing. */
int bpf_detach(int fd);

#endif
