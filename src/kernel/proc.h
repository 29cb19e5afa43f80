#ifndef KERNEL_PROC_H
#define KERNEL_PROC_H

#include <stdio.h>
#include <sys/types.h>

/* Reading /proc: proc(5). */

enum { PROC_STAT = 1024 };

/* Opens /proc/PID/NAME to read; NULL: see errno. */
FILE *proc_open(pid_t, const char *name);
/* Reads the beginning of it into a text; returns its length, or -1. */
ssize_t proc_read(pid_t, const char *name, char *text, size_t room);
/*
 * /proc/PID/stat from a field on, by proc(5)'s number: 3 or more. NULL: there
 * is no such process.
 */
const char *proc_stat(pid_t, int field, char text[static PROC_STAT]);
/* The number that a file of /proc/sys begins with, or otherwise. */
int proc_sys(const char *path, int otherwise);

#endif
