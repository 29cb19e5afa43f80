#include "cmd/advice.h"

const char *const advice_words[ADVICES] = {
	[ADVICE_JOIN] = "-r joins it",
	[ADVICE_JOIN_IF] = "-r joins it if it has SO_REUSEPORT",
	[ADVICE_RESTART_SHARED] = "restart it with -r, or take another port",
	[ADVICE_JOIN_TOO] = "say -r, too",
	[ADVICE_REPLACE] = "say -r --replace with its pid",
	[ADVICE_DONT_JOIN] = "leave out -r",
	[ADVICE_NO_PROMPT] = "--prompt=never goes without",
	[ADVICE_FORCE] = "--force replaces it",
	[ADVICE_ONE_HOST] = "say a host, -4 or -6",
	[ADVICE_JSON_REPORT] = "want what 'rpnc probe --json' writes",
	[ADVICE_PROXY_LOGIN] = "give USER:PASSWORD with --proxy-auth-file",
	[ADVICE_TLS_PIN] = "--tls-pin with it trusts exactly this key",
	[ADVICE_TLS_NAME] = "--tls-name says which name to expect",
	[ADVICE_INTERFACE] = "--interface says it",
	[ADVICE_BROADCAST] = "--sockopt broadcast allows it",
	[ADVICE_SOCKET_TYPE] = ("-u is for datagrams, --seqpacket for records, "
	    "and neither for a stream"),
	[ADVICE_IDENTIFY] = "'rpnc echo --identify' does",
	[ADVICE_CHOOSE_CLIENTS] = ("choose the clients by --allow, --tls-ca "
	    "or --tls-pin, or listen on 127.0.0.1"),
};
