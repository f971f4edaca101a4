/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results of checks in a row, see health.h. */
#include "health.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

bool health_result(struct health *health, const struct lvs_check *check, bool good)
{
	if (good != health->down) {
		health->streak = 0;
		return false;
	}
	if (++health->streak < (good ? check->rise : check->fall))
		return false;
	health->down = !good;
	health->streak = 0;
	return true;
}

/* RFC 9112, 4: HTTP-version SP status-code SP ... Versions before 1.0 have no status. */
int health_http(const char *answer, size_t length)
{
	static const char version[] = "HTTP/1.";
	const size_t version_bytes = sizeof(version) - 1;
	int status = 0;

	if (memcmp(answer, version, length < version_bytes ? length : version_bytes))
		return EPROTO;
	if (length < HEALTH_ANSWER_BYTES)
		return -EAGAIN;
	if (!isdigit((unsigned char)answer[version_bytes]) || answer[version_bytes + 1] != ' ')
		return EPROTO;
	for (size_t i = version_bytes + 2; i < HEALTH_ANSWER_BYTES; i++) {
		if (!isdigit((unsigned char)answer[i]))
			return EPROTO;
		status = status * 10 + (answer[i] - '0');
	}
	return status >= 200 && status < 400 ? 0 : LVS_DOWN_HTTP + status;
}

const char *health_why(uint16_t why, char text[static HEALTH_WHY_BYTES])
{
	if (why >= LVS_DOWN_HTTP)
		snprintf(text, HEALTH_WHY_BYTES, "HTTP status %d", why - LVS_DOWN_HTTP);
	else if (why == EPROTO)
		snprintf(text, HEALTH_WHY_BYTES, "the answer is not HTTP");
	else if (why == ETIMEDOUT)
		snprintf(text, HEALTH_WHY_BYTES, "no answer in time");
	else
		snprintf(text, HEALTH_WHY_BYTES, "%s", strerror(why));
	return text;
}
