/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef VPIPE_META_H
#define VPIPE_META_H

#include "../uapi/vpipe.h"

struct vpipe_meta;

/**
 * vpipe_meta_register() - Create the ring and /dev/vpipe-meta
 *
 * Return: the ring, or an ERR_PTR().
 */
struct vpipe_meta *vpipe_meta_register(void);

/**
 * vpipe_meta_unregister() - Remove /dev/vpipe-meta
 * @meta:	the ring
 *
 * Files still open may read what they have not read yet, and then the end of
 * the file. The caller keeps its reference until vpipe_meta_put().
 */
void vpipe_meta_unregister(struct vpipe_meta *meta);

/**
 * vpipe_meta_put() - Drop the reference that vpipe_meta_register() returned
 * @meta:	the ring
 */
void vpipe_meta_put(struct vpipe_meta *meta);

/**
 * vpipe_meta_publish() - Append an entry and wake the readers
 * @meta:	the ring
 * @entry:	complete but for version and entry_size, which each reader chooses
 *
 * Context: Any context that may take a spin lock without disabling interrupts.
 */
void vpipe_meta_publish(struct vpipe_meta *meta, const struct vpipe_meta_entry_v2 *entry);

#endif /* VPIPE_META_H */
