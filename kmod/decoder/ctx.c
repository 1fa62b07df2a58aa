// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * An open file of a node, which the streams that were begun on it may outlive.
 */
#include <linux/cred.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "dec.h"

/*
 * One user has the ids of others in a namespace of its own, as many as it likes: they count as
 * that user. But root hands out namespaces to others.
 */
static kuid_t vpdec_owner(void)
{
	const struct user_namespace *ns = current_user_ns();
	kuid_t owner = current_euid();

	for (; ns != &init_user_ns; ns = ns->parent)
		owner = ns->owner;

	return uid_eq(owner, GLOBAL_ROOT_UID) ? current_euid() : owner;
}

/* Of the calling process; it lasts until vpdec_ctx_put(). */
struct vpdec_ctx *vpdec_ctx_alloc(const struct vpdec_node *node)
{
	struct vpdec_ctx *ctx;

	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);
	if (!ctx)
		return NULL;

	kref_init(&ctx->kref);
	ctx->dev = node->dev;
	ctx->node = node;
	ctx->owner = vpdec_owner();
	ctx->unlimited = capable(CAP_SYS_RESOURCE);
	v4l2_device_get(&ctx->dev->media.v4l2_dev);
	mutex_init(&ctx->waiting);
	mutex_init(&ctx->lock);

	return ctx;
}

static void vpdec_ctx_free(struct kref *kref)
{
	struct vpdec_ctx *ctx = container_of(kref, struct vpdec_ctx, kref);
	struct vpdec_dev *dev = ctx->dev;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ctx->controls); i++)
		kvfree(ctx->controls[i]);
	mutex_destroy(&ctx->lock);
	mutex_destroy(&ctx->waiting);
	kfree(ctx->ctrls);
	kfree(ctx);
	v4l2_device_put(&dev->media.v4l2_dev);
}

void vpdec_ctx_put(struct vpdec_ctx *ctx)
{
	kref_put(&ctx->kref, vpdec_ctx_free);
}
