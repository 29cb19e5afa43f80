#ifndef SERVE_PROGRAM_ENVIRONMENT_H
#define SERVE_PROGRAM_ENVIRONMENT_H

#include "base/child.h"
#include "net/conn.h"

/* The variables that tell a program of its connection: see the .c file. */
enum {
	ENV_PROTO, ENV_LOCAL_IP, ENV_LOCAL_PORT, ENV_REMOTE_IP,
	ENV_REMOTE_PORT, ENV_LOCAL_PATH, ENV_REMOTE_PID, ENV_REMOTE_UID,
	ENV_REMOTE_GID, ENV_SYSTEMD_ADDR, ENV_SYSTEMD_PORT, ENV_CONN,
	ENV_NAME, ENV_COUNT,
};
enum { ENV_NUMBER = 16 };
struct program_environment {
	struct child_variable variables[ENV_COUNT + 1];
	char local[ADDR_TEXT], remote[ADDR_TEXT];
	char numbers[ENV_COUNT][ENV_NUMBER];
};

/* member: this member's name, or NULL. c's socket is open, and its id set. */
void program_environment_make(struct program_environment *,
    const struct conn *c, const char *member);

#endif
