// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What whatever a daemon writes has to look like.
 */
#include <linux/uaccess.h>

#include "dec.h"

/* What a daemon writes, into VPDEC_MAX_WRITE bytes; EINVAL: no message of this version. */
int vpdec_copy_message(void *to, const char __user *from, size_t count)
{
	const struct vpipe_dec_header *header = to;

	if (count < sizeof(*header))
		return -EINVAL;
	if (count > VPDEC_MAX_WRITE)
		return -E2BIG;
	if (copy_from_user(to, from, count))
		return -EFAULT;
	if (header->version != VPIPE_DEC_VERSION || header->size != count || header->reserved)
		return -EINVAL;

	return 0;
}

/* What there is has to suffice, and no more to be said: 0, EINVAL or E2BIG. */
int vpdec_message_size(const void *message, size_t count, size_t size)
{
	if (count < size)
		return -EINVAL;

	return memchr_inv(message + size, 0, count - size) ? -E2BIG : 0;
}
