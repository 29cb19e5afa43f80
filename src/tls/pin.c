#include "tls/pin.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "tls/openssl.h"

static const char prefix[] = "sha256//";
static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789+/";

enum { DIGITS = (PIN_SIZE * 8 + 5) / 6, DIGIT_BITS = 6 };

/*
 * 43 digits and one "=" (RFC 4648, section 4). The last digit has four bits of
 * the pin, and two that are 0. Without OpenSSL, so that a bad pin is found
 * before anything is loaded.
 */
static int
pin_decode(const char *text, unsigned char out[static PIN_SIZE])
{
	uint32_t bits = 0;
	int have = 0;

	for (int i = 0; i < DIGITS; i++) {
		const char *digit = text[i] ? strchr(digits, text[i]) : NULL;

		if (!digit)
			return -1;
		bits = bits << DIGIT_BITS | (uint32_t)(digit - digits);
		have += DIGIT_BITS;
		if (have < 8)
			continue;
		have -= 8;
		*out++ = (unsigned char)(bits >> have);
	}
	return bits & ((1u << have) - 1) || strcmp(text + DIGITS, "=") != 0 ?
	    -1 : 0;
}

int
pin_read(struct pin *pin, const char *text)
{
	size_t length = sizeof(prefix) - 1;

	if (strncmp(text, prefix, length) == 0 &&
	    pin_decode(text + length, pin->sha256) == 0)
		return 0;
	return fail_as(STATUS_USAGE, "%.64s: want sha256// and 44 characters, "
	    "as a listener prints them", text);
}

int
pin_of(const struct openssl *ssl, X509 *certificate, struct pin *pin)
{
	unsigned char *key = NULL;
	int length = ssl->i2d_X509_PUBKEY(
	    ssl->X509_get_X509_PUBKEY(certificate), &key);
	int done = length > 0 && ssl->EVP_Digest(key, (size_t)length,
	    pin->sha256, NULL, ssl->EVP_sha256(), NULL);

	ssl->CRYPTO_free(key, __FILE__, __LINE__);
	return done ? 0 : fail_as(STATUS_NETWORK, "certificate: its public key "
	    "can't be read");
}

const char *
pin_text(const struct pin *pin, char text[static PIN_TEXT])
{
	char *at = text + sprintf(text, "%s", prefix);
	uint32_t bits = 0;
	int have = 0;

	for (int i = 0; i < PIN_SIZE; i++) {
		bits = bits << 8 | pin->sha256[i];
		for (have += 8; have >= DIGIT_BITS; have -= DIGIT_BITS)
			*at++ = digits[bits >> (have - DIGIT_BITS) & 63];
	}
	*at++ = digits[bits << (DIGIT_BITS - have) & 63];
	memcpy(at, "=", 2);
	return text;
}
