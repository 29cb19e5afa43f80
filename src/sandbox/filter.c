/*
 * Makes the table of calls into a program of classic BPF, and installs it.
 *
 * While the kernel installs a program, it runs the program once for each number
 * of a call, and remembers which calls are always allowed (kernel/seccomp.c,
 * seccomp_cache_prepare, Linux 5.11). That costs time at the start, so the
 * program is a binary search over ranges of numbers: the start took 0.4 ms
 * longer with the program that libseccomp made.
 */
#include "sandbox/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/calls.h"

#if defined(__x86_64__) && !defined(__ILP32__)
#define PROCESSOR AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define PROCESSOR AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define PROCESSOR AUDIT_ARCH_RISCV64
#else
#define PROCESSOR 0	/* other calls, or another order of bytes */
#endif

/*
 * LeakSanitizer traces the process when it ends, and makes calls of its own. So
 * a build with it allows all calls.
 */
#ifdef __SANITIZE_ADDRESS__
#define ALL_ELSE SECCOMP_RET_ALLOW
#define KILL SECCOMP_RET_ALLOW
#else
#define ALL_ELSE (SECCOMP_RET_ERRNO | ENOSYS)
#define KILL SECCOMP_RET_KILL_PROCESS
#endif

enum { NUMBERS = 512, JUMP_MAX = 255 };

/* The result of the program for each number of a call. */
struct verdicts {
	uint32_t result[NUMBERS];	/* SECCOMP_RET_* */
	/* the first row that compares an argument; NULL: result holds */
	const struct sandbox_call *row[NUMBERS];
	unsigned keeps;
};

/* The program so far. */
struct program {
	struct sock_filter *code;
	int length;
};

static void
emit(struct program *p, uint16_t code, uint32_t k, int if_true, int if_false)
{
	if (p->length < FILTER_LENGTH)
		p->code[p->length] = (struct sock_filter){
			.code = code, .k = k,
			.jt = (uint8_t)if_true, .jf = (uint8_t)if_false,
		};
	p->length++;
}

static void
emit_load(struct program *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void
emit_return(struct program *p, uint32_t result)
{
	emit(p, BPF_RET | BPF_K, result, 0, 0);
}

/*
 * Only the lower half of an argument is compared: the kernel uses no more of
 * these. On the processors that filter.c knows it comes first.
 */
static void
emit_comparisons(struct program *p, const struct verdicts *v, int number)
{
	for (const struct sandbox_call *c = v->row[number];
	    c->number == number; c++) {
		if (!(c->keeps & v->keeps))
			continue;
		emit_load(p, offsetof(struct seccomp_data, args) +
		    c->argument.index * sizeof(uint64_t));
		emit(p, BPF_ALU | BPF_AND | BPF_K,
		    (uint32_t)c->argument.mask, 0, 0);
		emit(p, BPF_JMP | BPF_JEQ | BPF_K,
		    (uint32_t)c->argument.value, 0, 1);
		emit_return(p, SECCOMP_RET_ALLOW);
	}
	emit_return(p, ALL_ELSE);
}

static bool
same_verdict(const struct verdicts *v, int a, int b)
{
	return !v->row[a] && !v->row[b] && v->result[a] == v->result[b];
}

/* The first number after from that has another verdict. */
static int
range_end(const struct verdicts *v, int from)
{
	int to = from + 1;

	while (to < NUMBERS && same_verdict(v, from, to))
		to++;
	return to;
}

/*
 * Makes the comparison at index jump continue here if it is true. If that is
 * too far, the program counts as too long.
 */
static void
set_jump(struct program *p, int jump)
{
	int distance = p->length - jump - 1;

	if (distance > JUMP_MAX || p->length >= FILTER_LENGTH)
		p->length = FILTER_LENGTH;
	else
		p->code[jump].jt = (uint8_t)distance;
}

/* Emits a search among the ranges that begin at starts[0 .. count - 1]. */
static void
emit_search(struct program *p, const struct verdicts *v, const int *starts,
    int count)
{
	int half = count / 2, jump = p->length;

	if (count == 1 && v->row[starts[0]]) {
		emit_comparisons(p, v, starts[0]);
	} else if (count == 1) {
		emit_return(p, v->result[starts[0]]);
	} else {
		emit(p, BPF_JMP | BPF_JGE | BPF_K, (uint32_t)starts[half], 0,
		    0);
		emit_search(p, v, starts, half);
		set_jump(p, jump);
		emit_search(p, v, starts + half, count - half);
	}
}

static void
verdicts_fill(struct verdicts *v)
{
	for (int i = 0; i < NUMBERS; i++)
		v->result[i] = ALL_ELSE;
	for (const struct sandbox_call *c = sandbox_calls; c->name; c++) {
		int n = c->number;

		if (n < 0 || n >= NUMBERS || !(c->keeps & v->keeps))
			continue;
		if (!c->argument.compared)
			v->result[n] = SECCOMP_RET_ALLOW;
		else if (!v->row[n])
			v->row[n] = c;
	}
	for (const struct sandbox_deadly *d = sandbox_deadly; d->name; d++)
		if (d->number >= 0 && d->number < NUMBERS)
			v->result[d->number] = KILL;
	for (int i = 0; i < NUMBERS; i++)
		if (v->result[i] == SECCOMP_RET_ALLOW)
			v->row[i] = NULL;	/* with all arguments */
}

int
filter_build(unsigned keeps, struct sock_filter out[FILTER_LENGTH])
{
	struct verdicts v = { .keeps = keeps };
	struct program p = { .code = out };
	int starts[NUMBERS], count = 0;

	verdicts_fill(&v);
	emit_load(&p, offsetof(struct seccomp_data, arch));
	emit(&p, BPF_JMP | BPF_JEQ | BPF_K, PROCESSOR, 1, 0);
	emit_return(&p, KILL);
	emit_load(&p, offsetof(struct seccomp_data, nr));
	/* higher numbers are unknown, or those of x32 (linux/seccomp.h) */
	emit(&p, BPF_JMP | BPF_JGE | BPF_K, NUMBERS, 0, 1);
	emit_return(&p, ALL_ELSE);
	for (int i = 0; i < NUMBERS; i = range_end(&v, i))
		starts[count++] = i;
	emit_search(&p, &v, starts, count);
	return p.length < FILTER_LENGTH ? p.length : -1;
}

bool
filter_knows_processor(void)
{
	return PROCESSOR != 0;
}

int
filter_calls(unsigned keeps)
{
	struct sock_filter code[FILTER_LENGTH];
	int length = filter_build(keeps, code);
	struct sock_fprog program = {
		.len = (unsigned short)length, .filter = code,
	};

	if (!PROCESSOR || length < 0) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}
