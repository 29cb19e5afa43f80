#ifndef KERNEL_PROC_H
#define KERNEL_PROC_H

#include <stdio.h>
#include <sys/types.h>

/* Reading /proc: proc(5). */

enum { PROC_STAT = 1024 };

/* Opens /proc/PID/NAME for reading; NULL: see errno. */
FILE *proc_open(pid_t, const char *name);
/* Reads the beginning of /proc/PID/NAME; returns the text's length, or -1. */
ssize_t proc_read(pid_t, const char *name, char *text, size_t room);
/*
 * The text of /proc/PID/stat from a field on; proc(5) numbers the fields, and
 * field is 3 or more. NULL: there is no such process.
 */
const char *proc_stat(pid_t, int field, char text[static PROC_STAT]);
/* The number at the beginning of a file of /proc/sys; on error, otherwise. */
int proc_sys(const char *path, int otherwise);

#endif
