#ifndef SANDBOX_FILTER_H
#define SANDBOX_FILTER_H

#include <stdbool.h>

#include <linux/filter.h>

/*
 * Limits the calls of this process and its children, for good, to those of
 * calls.h that have one of these bits (seccomp(2), with PR_SET_NO_NEW_PRIVS). A
 * second filter can only forbid more. -1: errno says why; EOPNOTSUPP: filter.c
 * does not know this processor.
 */
int filter_calls(unsigned keeps);
bool filter_knows_processor(void);

enum { FILTER_LENGTH = 512 };
/*
 * Writes the program that does so; it reads a struct seccomp_data (bpf(4),
 * linux/seccomp.h). Returns its length in instructions; -1: it is too long.
 */
int filter_build(unsigned keeps, struct sock_filter out[FILTER_LENGTH]);

#endif
