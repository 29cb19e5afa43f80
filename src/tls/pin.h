#ifndef TLS_PIN_H
#define TLS_PIN_H

struct openssl;
struct x509_st;			/* an X509 of OpenSSL */

/*
 * A pin: the SHA-256 of a certificate's public key (SubjectPublicKeyInfo), in
 * curl's form: "sha256//BASE64" (curl(1), --pinnedpubkey; RFC 7469, 2.4).
 */

enum { PIN_SIZE = 32, PIN_TEXT = sizeof("sha256//") + 44 };

struct pin {
	unsigned char sha256[PIN_SIZE];
};

/* Reads a pin of the form above; -1: usage. */
int pin_read(struct pin *, const char *text);
/* The pin of a certificate; -1: no memory. */
int pin_of(const struct openssl *, struct x509_st *, struct pin *);
/* Returns text. */
const char *pin_text(const struct pin *, char text[static PIN_TEXT]);

#endif
