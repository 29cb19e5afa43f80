#ifndef BASE_FAIL_H
#define BASE_FAIL_H

/*
 * The record of the last fault. Below the commands a function calls fail*() and
 * returns its -1. The command prints fail_text() in one line and exits with
 * fail_status().
 */

enum { FAIL_TEXT = 1024 };	/* room for the longest text and its 0 */

/* Exit statuses, as the manual lists them. */
enum status {
	STATUS_OK = 0,
	STATUS_NETWORK = 1,	/* refused, reset, unreachable, closed stdout */
	STATUS_USAGE = 2,
	STATUS_RESOLVE = 3,
	STATUS_TIMEOUT = 4,
	STATUS_BIND = 5,
	STATUS_SOME = 6,	/* probe: some attempts failed */
	STATUS_EXPECT = 7,	/* probe: an expectation was not met */
};

/* Records "FORMAT: strerror(errno)" as a network failure; keeps errno. */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Records FORMAT alone, with this status; keeps errno. */
int fail_as(enum status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds ": FORMAT" to the text of the last fault; keeps errno. */
void fail_add(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Remedies for a fault; a command puts them into words. */
enum advice {
	ADVICE_JOIN,		/* join the group that has the address */
	ADVICE_JOIN_IF,		/* the same, if it shares its sockets */
	ADVICE_RESTART_SHARED,	/* restart the rpnc that does not share it */
	ADVICE_JOIN_TOO,	/* join: the sockets to adopt are a member's */
	ADVICE_REPLACE,		/* the same, if its sockets are unusable */
	ADVICE_DONT_JOIN,
	ADVICE_NO_PROMPT,
	ADVICE_FORCE,		/* replace a program that may be foreign */
	ADVICE_ONE_HOST,	/* name one host: fewer sockets */
	ADVICE_JSON_REPORT,
	ADVICE_PROXY_LOGIN,	/* give the proxy a user and a password */
	ADVICE_TLS_PIN,		/* trust this key */
	ADVICE_TLS_NAME,	/* say which name to expect */
	ADVICE_INTERFACE,	/* name one */
	ADVICE_BROADCAST,	/* allow sending to all */
	ADVICE_SOCKET_TYPE,	/* say that of the Unix socket */
	ADVICE_IDENTIFY,	/* have the server greet */
	ADVICE_CHOOSE_CLIENTS,	/* or listen where only this host comes */
	ADVICES
};

/*
 * Adds ": " and the words for it to the text of the last fault; returns -1.
 * Only the commands have the words, because these name options.
 */
int fail_advise(enum advice);
void fail_advise_with(const char *const words[ADVICES]);

/* Puts "OPTION " before the text of the last fault; returns -1. */
int fail_option(const char *option);

/* Gives the last fault another status; returns -1. */
int fail_status_set(enum status status);

/* Save and restore the record around calls that may fail themselves. */
struct fault {
	char text[FAIL_TEXT];
	enum status status;
};
void fail_save(struct fault *);
void fail_restore(const struct fault *);

const char *fail_text(void);
enum status fail_status(void);

#endif
