#ifndef TLS_OPENSSL_H
#define TLS_OPENSSL_H

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#if OPENSSL_VERSION_MAJOR < 3
#error "rpnc needs OpenSSL 3"
#endif

/*
 * libssl and libcrypto, loaded only for --tls, because to link them would make
 * every start twice as slow. ssl->SSL_new() is SSL_new(3ssl). What OpenSSL has
 * as a macro goes by the function that is below it: SSL_ctrl(3ssl).
 */
#define OPENSSL_SYMBOLS(X) \
	X(ASN1_INTEGER_set_uint64) X(BIO_get_data) X(BIO_meth_new) \
	X(BIO_meth_set_ctrl) X(BIO_meth_set_write) X(BIO_new) \
	X(BIO_number_read) X(BIO_number_written) X(BIO_set_data) \
	X(BIO_set_init) \
	X(CRYPTO_free) \
	X(ERR_clear_error) X(ERR_peek_error) X(ERR_peek_last_error) \
	X(ERR_reason_error_string) X(EVP_Digest) X(EVP_PKEY_Q_keygen) \
	X(OpenSSL_version) \
	X(EVP_PKEY_free) X(EVP_sha256) X(RAND_bytes) X(SSL_CIPHER_get_name) \
	X(SSL_CTX_ctrl) X(SSL_CTX_free) X(SSL_CTX_load_verify_locations) \
	X(SSL_CTX_new) X(SSL_CTX_set_alpn_protos) \
	X(SSL_CTX_set_alpn_select_cb) X(SSL_CTX_set_cert_verify_callback) \
	X(SSL_CTX_set_client_CA_list) X(SSL_CTX_set_default_verify_paths) \
	X(SSL_CTX_set_default_passwd_cb) \
	X(SSL_CTX_set_default_passwd_cb_userdata) \
	X(SSL_CTX_set_default_read_buffer_len) \
	X(SSL_CTX_set_keylog_callback) X(SSL_CTX_set_options) \
	X(SSL_CTX_set_session_id_context) X(SSL_CTX_set_verify) \
	X(SSL_CTX_use_PrivateKey) X(SSL_CTX_use_PrivateKey_file) \
	X(SSL_CTX_use_certificate) X(SSL_CTX_use_certificate_chain_file) \
	X(SSL_SESSION_free) X(SSL_SESSION_is_resumable) \
	X(SSL_ctrl) X(SSL_do_handshake) X(SSL_free) X(SSL_get0_alpn_selected) \
	X(SSL_get0_param) X(SSL_get1_peer_certificate) X(SSL_get1_session) \
	X(SSL_get_current_cipher) X(SSL_get_error) X(SSL_get_rbio) \
	X(SSL_get_servername) \
	X(SSL_get_verify_result) X(SSL_get_version) X(SSL_get_wbio) \
	X(SSL_has_pending) X(SSL_load_client_CA_file) X(SSL_new) \
	X(SSL_read_ex) X(SSL_select_next_proto) X(SSL_session_reused) \
	X(SSL_set0_wbio) X(SSL_set1_host) X(SSL_set_accept_state) \
	X(SSL_set_connect_state) \
	X(SSL_set_rfd) X(SSL_set_session) X(SSL_shutdown) X(SSL_write_ex) \
	X(TLS_client_method) \
	X(TLS_server_method) X(X509_NAME_add_entry_by_txt) \
	X(X509_STORE_CTX_get0_cert) X(X509_VERIFY_PARAM_set1_ip_asc) \
	X(X509_free) X(X509_get_X509_PUBKEY) X(X509_get_serialNumber) \
	X(X509_get_subject_name) X(X509_getm_notAfter) X(X509_getm_notBefore) \
	X(X509_gmtime_adj) X(X509_new) X(X509_set_issuer_name) \
	X(X509_set_pubkey) X(X509_set_version) X(X509_sign) \
	X(X509_verify_cert) X(X509_verify_cert_error_string) \
	X(i2d_X509_PUBKEY)

struct openssl {
#define OPENSSL_POINTER(name) __typeof__(name) *(name);
	OPENSSL_SYMBOLS(OPENSSL_POINTER)
};

/* NULL: it can't be loaded. */
const struct openssl *openssl_load(void);
extern const char openssl_library[];	/* the name of its file */

#endif
