#ifndef SANDBOX_FILTER_H
#define SANDBOX_FILTER_H

/*
 * Limits the calls of this process and of its children, for good, to those of
 * calls.h that have one of these bits (seccomp(2), with PR_SET_NO_NEW_PRIVS). A
 * second filter can only take calls away. -1: errno says why.
 */
int filter_calls(unsigned keeps);

#endif
