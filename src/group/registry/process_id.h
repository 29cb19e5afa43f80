#ifndef GROUP_REGISTRY_PROCESS_ID_H
#define GROUP_REGISTRY_PROCESS_ID_H

#include <stdint.h>

/*
 * The identity of a process in the registry. A pid is not enough: members can
 * be in several PID namespaces (in each container of a pod one is PID 1).
 */

/* A random number of this process, never 0; a forked child has another. */
uint64_t process_cookie(void);
/* The PID namespace of this process; 0 without /proc. */
uint64_t process_pid_namespace(void);

#endif
