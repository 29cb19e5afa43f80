#ifndef NET_SOCKOPT_H
#define NET_SOCKOPT_H

/* Sets an int option of a socket; -1: see errno. */
int sock_set_int(int fd, int level, int option, int value);
/* Its value, or, if it can't be had, otherwise. */
int sock_get_int(int fd, int level, int option, int otherwise);
/* close(2) will then send a RST, and drop what is queued. */
void sock_reset_at_close(int fd);

#endif
