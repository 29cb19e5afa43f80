/*
 * Writes and attaches the programs of bpf.h. A program loads a number (random,
 * the processor, the port, the address, a hash of both, or a byte of the
 * payload), takes it modulo the members or the sum of their weights, and
 * returns the index of a member.
 */
#include "group/steer/bpf.h"

#include <errno.h>
#include <linux/filter.h>

#include "base/fail.h"
#include "net/sockopt.h"

enum {
	IPV4_SOURCE = 12, IPV4_END = 20,	/* bytes of the header */
	IPV6_SOURCE = 8, IPV6_END = 40,
};

/* A program while it is written. */
struct program {
	struct sock_filter code[BPF_MAXINSNS];
	unsigned short length;
};

/* The source of the number that decides. */
struct number {
	bool v6;
	uint32_t offset;		/* of STEER_BYTE */
};

static void
bpf_put(struct program *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	p->code[p->length++] = (struct sock_filter)BPF_JUMP(code, k, yes, no);
}

/* Offsets from the network header; the payload, which a SYN lacks, is at 0. */
static void
bpf_load(struct program *p, uint16_t size, int offset)
{
	bpf_put(p, BPF_LD + BPF_ABS + size, (uint32_t)(SKF_NET_OFF + offset),
	    0, 0);
}

static void
load_extra(struct program *p, int what)
{
	bpf_put(p, BPF_LD + BPF_W + BPF_ABS, (uint32_t)(SKF_AD_OFF + what), 0,
	    0);
}

static void
put_random(struct program *p, const struct number *n)
{
	(void)n;
	load_extra(p, SKF_AD_RANDOM);
}

static void
put_cpu(struct program *p, const struct number *n)
{
	(void)n;
	load_extra(p, SKF_AD_CPU);
}

/* connect(2) takes even ports only, and bind(2) odd ones (KERNEL, 8). */
static void
put_port(struct program *p, const struct number *n)
{
	bpf_load(p, BPF_H, n->v6 ? IPV6_END : IPV4_END);
	bpf_put(p, BPF_ALU + BPF_RSH + BPF_K, 1, 0, 0);
}

/* The address as a number: for IPv6 the exclusive or of its four words. */
static void
put_address(struct program *p, const struct number *n)
{
	bpf_load(p, BPF_W, n->v6 ? IPV6_SOURCE : IPV4_SOURCE);
	for (int word = 1; n->v6 && word < 4; word++) {
		bpf_put(p, BPF_MISC + BPF_TAX, 0, 0, 0);
		bpf_load(p, BPF_W, IPV6_SOURCE + 4 * word);
		bpf_put(p, BPF_ALU + BPF_XOR + BPF_X, 0, 0, 0);
	}
}

/*
 * A hash of a sender's address and port, so that its datagrams stay together. A
 * program can't get the kernel's own hash.
 */
static void
put_flow(struct program *p, const struct number *n)
{
	put_address(p, n);
	bpf_put(p, BPF_MISC + BPF_TAX, 0, 0, 0);
	bpf_load(p, BPF_H, n->v6 ? IPV6_END : IPV4_END);
	bpf_put(p, BPF_ALU + BPF_MUL + BPF_K, 0x9e3779b1, 0, 0);
	bpf_put(p, BPF_ALU + BPF_XOR + BPF_X, 0, 0, 0);
	bpf_put(p, BPF_ALU + BPF_MUL + BPF_K, 0x85ebca6b, 0, 0);
	bpf_put(p, BPF_ALU + BPF_RSH + BPF_K, 8, 0, 0);
}

/*
 * A byte of a datagram's payload, which is all that the kernel has left of it
 * here (net/core/sock_reuseport.c, run_bpf_filter()). A load beyond its end
 * would end the program with 0, the first member: so a shorter datagram goes by
 * its sender, as by the hash.
 */
static void
put_byte(struct program *p, const struct number *n)
{
	unsigned short jump, end;

	bpf_put(p, BPF_LD + BPF_W + BPF_LEN, 0, 0, 0);
	bpf_put(p, BPF_JMP + BPF_JGT + BPF_K, n->offset, 0, 2);
	bpf_put(p, BPF_LD + BPF_B + BPF_ABS, n->offset, 0, 0);
	jump = p->length;
	bpf_put(p, BPF_JMP + BPF_JA, 0, 0, 0);
	put_flow(p, n);
	end = p->length;
	p->code[jump].k = (uint32_t)(end - jump - 1);
}

static bool
is_datagram(int fd)
{
	return sock_get_int(fd, SOL_SOCKET, SO_TYPE, 0) == SOCK_DGRAM;
}

const struct steer_type steer_types[STEER_MODES] = {
	[STEER_HASH] = { "hash", "the kernel's own: by addresses and ports",
	    STEER_HASH },
	[STEER_RANDOM] = { "random", "at random, each time anew",
	    STEER_RANDOM },
	[STEER_CPU] = { "cpu", "by the processor that got the packet",
	    STEER_CPU },
	[STEER_WEIGHTS] = { "weights", "at random, by weights: A=70,B=20",
	    STEER_WEIGHTS },
	[STEER_PORT] = { "source-port", "by the client's port, halved",
	    STEER_PORT },
	[STEER_ADDRESS] = { "source-address", "by the client's address",
	    STEER_ADDRESS },
	[STEER_LEAST] = { "least", "the fewest open connections",
	    STEER_RANDOM },
	[STEER_BYTE] = { "byte", "by a byte of the datagram: byte=OFFSET",
	    STEER_ADDRESS },
};

/* Loads the number that decides. */
static void (*const numbers[STEER_MODES])(struct program *,
    const struct number *) = {
	[STEER_HASH] = put_random, [STEER_RANDOM] = put_random,
	[STEER_CPU] = put_cpu, [STEER_WEIGHTS] = put_random,
	[STEER_PORT] = put_port, [STEER_ADDRESS] = put_address,
	[STEER_LEAST] = put_random, [STEER_BYTE] = put_byte,
};

static int
bpf_attach_program(int fd, struct program *p)
{
	struct sock_fprog program = { .len = p->length, .filter = p->code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program,
	    sizeof(program)) == 0)
		return 0;
	return fail("steering");
}

/* Takes the number modulo the sum of weights: each member owns a range. */
static void
put_parts(struct program *p, const uint32_t *weights, int n, uint32_t sum)
{
	uint32_t end = 0;

	bpf_put(p, BPF_ALU + BPF_MOD + BPF_K, sum, 0, 0);
	for (int i = 0; i < n; i++) {
		if (!weights[i])
			continue;
		end += weights[i];
		if (end < sum)
			bpf_put(p, BPF_JMP + BPF_JGE + BPF_K, end, 1, 0);
		bpf_put(p, BPF_RET + BPF_K, (uint32_t)i, 0, 0);
	}
}

/*
 * Takes the number modulo the members whose weight is not 0, and skips the
 * others.
 */
static void
put_even(struct program *p, const uint32_t *weights, int n, int takers)
{
	bpf_put(p, BPF_ALU + BPF_MOD + BPF_K, (uint32_t)takers, 0, 0);
	for (int i = 0; i < n; i++) {
		if (weights[i])
			continue;
		bpf_put(p, BPF_JMP + BPF_JGE + BPF_K, (uint32_t)i, 0, 1);
		bpf_put(p, BPF_ALU + BPF_ADD + BPF_K, 1, 0, 0);
	}
	bpf_put(p, BPF_RET + BPF_A, 0, 0, 0);
}

int
bpf_attach(int fd, bool v6, enum steer_mode mode, uint32_t offset,
    const uint32_t *weights, int n)
{
	struct number number = { .v6 = v6, .offset = offset };
	struct program p = { .length = 0 };
	uint32_t sum = 0;
	int takers = 0;

	for (int i = 0; i < n; i++) {
		sum += weights[i];
		takers += weights[i] > 0;
	}
	/* if all weights are 0, leave the choice to the kernel */
	if (!takers || (mode == STEER_HASH && takers == n))
		return bpf_detach(fd);
	if (mode == STEER_HASH && is_datagram(fd))
		put_flow(&p, &number);
	else
		numbers[mode](&p, &number);
	if (mode == STEER_WEIGHTS || mode == STEER_LEAST)
		put_parts(&p, weights, n, sum);
	else
		put_even(&p, weights, n, takers);
	return bpf_attach_program(fd, &p);
}

int
bpf_flows(int fd, const struct addr *from, int count, int index)
{
	bool v6 = from->sa.sa_family == AF_INET6;
	const uint32_t *words = v6 ? from->in6.sin6_addr.s6_addr32 :
	    &from->in.sin_addr.s_addr;
	int left = v6 ? 4 : 1, at = v6 ? IPV6_SOURCE : IPV4_SOURCE;
	struct program p = { .length = 0 };

	for (int i = 0; left > 0; i++, left--) {
		bpf_load(&p, BPF_W, at + 4 * i);
		bpf_put(&p, BPF_JMP + BPF_JEQ + BPF_K, ntohl(words[i]), 1, 0);
		bpf_put(&p, BPF_RET + BPF_K, UINT32_MAX, 0, 0);
	}
	bpf_load(&p, BPF_H, v6 ? IPV6_END : IPV4_END);
	for (int i = 0; i < count; i++) {
		bpf_put(&p, BPF_JMP + BPF_JEQ + BPF_K, addr_port(&from[i]), 0,
		    1);
		bpf_put(&p, BPF_RET + BPF_K, (uint32_t)index, 0, 0);
	}
	bpf_put(&p, BPF_RET + BPF_K, UINT32_MAX, 0, 0);
	return bpf_attach_program(fd, &p);
}

int
bpf_detach(int fd)
{
	int none = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &none,
	    sizeof(none)) == 0 || errno == ENOENT)
		return 0;
	return fail("steering");
}
