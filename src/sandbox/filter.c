/*
 * The table of calls, as a program of classic BPF.
 *
 * The kernel runs the program for each number that a call can have when it is
 * installed, so as not to run it later for those that it always allows
 * (kernel/seccomp.c, seccomp_cache_prepare, Linux 5.11). So a search in a tree
 * of ranges makes the start faster: with libseccomp it took 0.4 ms longer.
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
 * At the end of a process LeakSanitizer traces it, with calls of its own. So a
 * build with it allows all.
 */
#ifdef __SANITIZE_ADDRESS__
#define ALL_ELSE SECCOMP_RET_ALLOW
#define DEATH SECCOMP_RET_ALLOW
#else
#define ALL_ELSE (SECCOMP_RET_ERRNO | ENOSYS)
#define DEATH SECCOMP_RET_KILL_PROCESS
#endif

enum { NUMBERS = 512, JUMP_MAX = 255 };

/* What becomes of each number. */
struct verdicts {
	uint32_t result[NUMBERS];	/* SECCOMP_RET_* */
	/* the first row of a call that compares arguments; NULL: by result */
	const struct sandbox_call *row[NUMBERS];
	unsigned keeps;
};

/* The program so far. */
struct program {
	struct sock_filter *at;
	int length;
};

static void
emit(struct program *p, uint16_t code, uint32_t k, int if_true, int if_false)
{
	if (p->length < FILTER_LENGTH)
		p->at[p->length] = (struct sock_filter){
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

/* A processor of 64 bits has the lower half of an argument first. */
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
same_fate(const struct verdicts *v, int a, int b)
{
	return !v->row[a] && !v->row[b] && v->result[a] == v->result[b];
}

/* The first number after from that has another fate. */
static int
range_end(const struct verdicts *v, int from)
{
	int to = from + 1;

	while (to < NUMBERS && same_fate(v, from, to))
		to++;
	return to;
}

/* Lets the comparison at `jump` go on here; else the program is too long. */
static void
set_jump(struct program *p, int jump)
{
	int over = p->length - jump - 1;

	if (over > JUMP_MAX || p->length >= FILTER_LENGTH)
		p->length = FILTER_LENGTH;
	else
		p->at[jump].jt = (uint8_t)over;
}

/* A search for the ranges that begin at starts[0] to starts[count - 1]. */
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
			v->result[d->number] = DEATH;
	for (int i = 0; i < NUMBERS; i++)
		if (v->result[i] == SECCOMP_RET_ALLOW)
			v->row[i] = NULL;	/* allowed whatever they are */
}

int
filter_build(unsigned keeps, struct sock_filter out[FILTER_LENGTH])
{
	struct verdicts v = { .keeps = keeps };
	struct program p = { .at = out };
	int starts[NUMBERS], count = 0;

	verdicts_fill(&v);
	emit_load(&p, offsetof(struct seccomp_data, arch));
	emit(&p, BPF_JMP | BPF_JEQ | BPF_K, PROCESSOR, 1, 0);
	emit_return(&p, DEATH);
	emit_load(&p, offsetof(struct seccomp_data, nr));
	/* and those of x32 (linux/seccomp.h) */
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
