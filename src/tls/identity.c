#include "tls/identity.h"

#include <stdint.h>

#include "base/fail.h"

enum {
	VERSION_3 = 2,			/* X.509 counts from 0 */
	BEFORE_S = -24 * 60 * 60,	/* a clock may be wrong by a day */
	AFTER_S = 365 * 24 * 60 * 60,
};

/* Fills in a certificate for that key; 0: it can't. */
static int
certificate_fill(const struct openssl *ssl, X509 *x, EVP_PKEY *key)
{
	X509_NAME *name = ssl->X509_get_subject_name(x);
	uint64_t serial;

	return ssl->RAND_bytes((unsigned char *)&serial, sizeof(serial)) > 0 &&
	    ssl->X509_set_version(x, VERSION_3) &&
	    ssl->ASN1_INTEGER_set_uint64(ssl->X509_get_serialNumber(x),
		serial >> 1) &&
	    ssl->X509_gmtime_adj(ssl->X509_getm_notBefore(x), BEFORE_S) &&
	    ssl->X509_gmtime_adj(ssl->X509_getm_notAfter(x), AFTER_S) &&
	    ssl->X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		(const unsigned char *)"rpnc", -1, -1, 0) &&
	    ssl->X509_set_issuer_name(x, name) &&
	    ssl->X509_set_pubkey(x, key) &&
	    ssl->X509_sign(x, key, ssl->EVP_sha256());
}

int
identity_make(const struct openssl *ssl, SSL_CTX *context, struct pin *pin)
{
	EVP_PKEY *key = ssl->EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *x = ssl->X509_new();
	int done = key && x && certificate_fill(ssl, x, key) &&
	    ssl->SSL_CTX_use_certificate(context, x) &&
	    ssl->SSL_CTX_use_PrivateKey(context, key) &&
	    pin_of(ssl, x, pin) == 0;

	ssl->X509_free(x);
	ssl->EVP_PKEY_free(key);
	return done ? 0 : fail_as(STATUS_NETWORK,
	    "OpenSSL can't make a certificate");
}
