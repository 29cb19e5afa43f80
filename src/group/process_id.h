#ifndef GROUP_PROCESS_ID_H
#define GROUP_PROCESS_ID_H

#include <stdint.h>

/*
 * What a process is called in the registry. A pid does not do: members can be
 * in several PID namespaces (the containers of a pod: both are PID 1).
 */

/* A random number of this process, never 0; a forked child has another. */
uint64_t process_cookie(void);
/* The PID namespace of this process; 0 if /proc does not tell. */
uint64_t process_pid_namespace(void);

#endif
