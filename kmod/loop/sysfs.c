// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * /sys/class/video4linux/videoN: what ../uapi/vpipe-loop-ctl.h says, one value a file.
 */
#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/sysfs.h>

#include "loop.h"

static struct vloop_dev *vloop_of_device(struct device *device)
{
	return container_of(to_video_device(device), struct vloop_dev, vfd);
}

static ssize_t format_show(struct device *device, struct device_attribute *attr, char *text)
{
	return vloop_format_text(vloop_of_device(device), text);
}

/* Of "@N" or "@N/D", N frames in D seconds. More digits would be cut to 32 bits. */
static int vloop_read_interval(const char *text, struct v4l2_fract *interval)
{
	int end = 0;

	if (sscanf(text, "@%9u/%9u %n", &interval->denominator, &interval->numerator, &end) == 2)
		return text[end] ? -EINVAL : 0;
	interval->numerator = 1;
	if (sscanf(text, "@%9u %n", &interval->denominator, &end) == 1)
		return text[end] ? -EINVAL : 0;

	return -EINVAL;
}

static ssize_t format_store(struct device *device, struct device_attribute *attr, const char *text,
			    size_t size)
{
	struct v4l2_fract interval;
	int ret;

	ret = vloop_read_interval(text, &interval) ?:
	      vloop_set_interval(vloop_of_device(device), &interval);

	return ret ?: size;
}
static DEVICE_ATTR_RW(format);

static ssize_t buffers_show(struct device *device, struct device_attribute *attr, char *text)
{
	return sysfs_emit(text, "%u\n", READ_ONCE(vloop_of_device(device)->buffers));
}
static DEVICE_ATTR_RO(buffers);

static ssize_t max_openers_show(struct device *device, struct device_attribute *attr, char *text)
{
	return sysfs_emit(text, "%u\n", READ_ONCE(vloop_of_device(device)->config.max_openers));
}

static ssize_t max_openers_store(struct device *device, struct device_attribute *attr,
				 const char *text, size_t size)
{
	unsigned int most;
	int ret;

	ret = kstrtouint(text, 0, &most);
	if (!ret && most > INT_MAX)
		ret = -EINVAL;
	ret = ret ?: vloop_set_max_openers(vloop_of_device(device), most);

	return ret ?: size;
}
static DEVICE_ATTR_RW(max_openers);

static ssize_t state_show(struct device *device, struct device_attribute *attr, char *text)
{
	return sysfs_emit(text, "%s\n",
			  vloop_is_camera(vloop_of_device(device)) ? "capture" : "output");
}
static DEVICE_ATTR_RO(state);

#define VLOOP_COUNTER(name, counter)								\
static ssize_t name##_show(struct device *device, struct device_attribute *attr, char *text)	\
{												\
	return sysfs_emit(text, "%llu\n",							\
			  (u64)vloop_read_stats(vloop_of_device(device)).counter);		\
}												\
static DEVICE_ATTR_RO(name)

VLOOP_COUNTER(frames, frames);
VLOOP_COUNTER(lost, lost);
VLOOP_COUNTER(copied, copies);
VLOOP_COUNTER(readers, readers);

static struct attribute *vloop_attributes[] = {
	&dev_attr_format.attr,
	&dev_attr_buffers.attr,
	&dev_attr_max_openers.attr,
	&dev_attr_state.attr,
	&dev_attr_frames.attr,
	&dev_attr_lost.attr,
	&dev_attr_copied.attr,
	&dev_attr_readers.attr,
	NULL
};

static const struct attribute_group vloop_attribute_group = {
	.attrs = vloop_attributes,
};

const struct attribute_group *vloop_attribute_groups[] = {
	&vloop_attribute_group,
	NULL
};
