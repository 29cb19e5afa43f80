#include "group/steer.h"

#include <errno.h>
#include <linux/filter.h>

#include "base/fail.h"

enum { PROGRAM_MAX = 32 };

/* A program while it is written. */
struct program {
	struct sock_filter code[PROGRAM_MAX];
	unsigned short length;
};

static void
put(struct program *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	p->code[p->length++] = (struct sock_filter)BPF_JUMP(code, k, yes, no);
}

static int
attach(int fd, struct program *p)
{
	struct sock_fprog program = { .len = p->length, .filter = p->code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program,
	    sizeof(program)) == 0)
		return 0;
	return fail("steering");
}

int
steer_exclude(int fd, int n, int index)
{
	struct program p = { .length = 0 };

	put(&p, BPF_LD + BPF_W + BPF_ABS, (uint32_t)(SKF_AD_OFF +
	    SKF_AD_RANDOM), 0, 0);
	put(&p, BPF_ALU + BPF_MOD + BPF_K, (uint32_t)n - 1, 0, 0);
	put(&p, BPF_JMP + BPF_JGE + BPF_K, (uint32_t)index, 0, 1);
	put(&p, BPF_ALU + BPF_ADD + BPF_K, 1, 0, 0);
	put(&p, BPF_RET + BPF_A, 0, 0, 0);
	return attach(fd, &p);
}

/* Offsets from the network header; the payload, which a SYN lacks, is at 0. */
int
steer_one_flow(int fd, const struct addr *from, int index)
{
	bool v6 = from->sa.sa_family == AF_INET6;
	const uint32_t *words = v6 ? from->in6.sin6_addr.s6_addr32 :
	    &from->in.sin_addr.s_addr;
	uint32_t at = (uint32_t)SKF_NET_OFF + (v6 ? 8 : 12);
	uint8_t left = v6 ? 4 : 1;
	struct program p = { .length = 0 };

	for (int i = 0; left > 0; i++, left--) {
		put(&p, BPF_LD + BPF_W + BPF_ABS, at + 4 * (uint32_t)i, 0, 0);
		put(&p, BPF_JMP + BPF_JEQ + BPF_K, ntohl(words[i]), 0,
		    (uint8_t)(2 * left + 1));
	}
	put(&p, BPF_LD + BPF_H + BPF_ABS, (uint32_t)SKF_NET_OFF +
	    (v6 ? 40 : 20), 0, 0);
	put(&p, BPF_JMP + BPF_JEQ + BPF_K, addr_port(from), 0, 1);
	put(&p, BPF_RET + BPF_K, (uint32_t)index, 0, 0);
	put(&p, BPF_RET + BPF_K, UINT32_MAX, 0, 0);
	return attach(fd, &p);
}

int
steer_detach(int fd)
{
	int none = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &none,
	    sizeof(none)) == 0 || errno == ENOENT)
		return 0;
	return fail("steering");
}
