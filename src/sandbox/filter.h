#ifndef SANDBOX_FILTER_H
#define SANDBOX_FILTER_H

#include <stdbool.h>

#include <linux/filter.h>

/*
 * Limits the calls of this process and of its children, for good, to those of
 * calls.h that have one of these bits (seccomp(2), with PR_SET_NO_NEW_PRIVS). A
 * second filter can only take calls away. -1: errno says why; EOPNOTSUPP: the
 * processor is none of those that filter.c knows.
 */
int filter_calls(unsigned keeps);
bool filter_knows_processor(void);

enum { FILTER_LENGTH = 512 };
/*
 * The program for that, which sees a struct seccomp_data (bpf(4), and
 * linux/seccomp.h). Returns its length; -1: it is too long.
 */
int filter_build(unsigned keeps, struct sock_filter out[FILTER_LENGTH]);

#endif
