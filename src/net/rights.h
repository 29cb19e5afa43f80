#ifndef NET_RIGHTS_H
#define NET_RIGHTS_H

/* Passes descriptors over a Unix socket, each with one byte of data. */

/* Sends a copy of fd to the other end; -1: see errno (EAGAIN: no room). */
int rights_send(int end, int fd);

/*
 * The next descriptor; -1: errno EAGAIN: none yet; EPIPE: the other end is
 * closed; ENOMSG: the message came without one (fail_text()).
 */
int rights_receive(int end);

#endif
