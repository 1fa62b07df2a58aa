// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * /dev/vpipe-dec: the daemon with the codec, one at a time. Here it says what it
 * can do, hears of new streams and is pinged; frames go through the files of the
 * streams. When it closes this file, or dies, all its streams are over.
 */
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "../message.h"
#include "dec.h"

#define VPDEC_PING_TIMEOUT	(1 * HZ)

/* All bits up to the last codec's. */
#define VPDEC_ALL_CODECS	(2 * VPIPE_DEC_CODEC_H263 - 1)

/* Of the protocol, beyond its version. */
#define VPDEC_FEATURES		0

static int vpdec_session_open(struct inode *inode, struct file *file)
{
	struct vpdec_dev *dev = container_of(file->private_data, struct vpdec_dev, misc);
	struct vpdec_session *session;
	int ret = 0;

	session = kzalloc(sizeof(*session), GFP_KERNEL);
	if (!session)
		return -ENOMEM;

	session->dev = dev;
	INIT_LIST_HEAD(&session->streams);
	init_waitqueue_head(&session->wait);
	mutex_init(&session->read_lock);

	spin_lock(&dev->lock);
	if (dev->session)
		ret = -EBUSY;
	else
		dev->session = session;
	spin_unlock(&dev->lock);
	if (ret) {
		mutex_destroy(&session->read_lock);
		kfree(session);
		return ret;
	}

	v4l2_device_get(&dev->media.v4l2_dev);
	file->private_data = session;

	return stream_open(inode, file);
}

static void vpdec_end_streams(struct vpdec_session *session)
{
	struct vpdec_stream *stream, *next;

	lockdep_assert_held(&session->dev->lock);
	list_for_each_entry_safe(stream, next, &session->streams, served) {
		list_del_init(&stream->served);
		vpdec_stream_stop(stream);
	}
}

static int vpdec_session_release(struct inode *inode, struct file *file)
{
	struct vpdec_session *session = file->private_data;
	struct vpdec_dev *dev = session->dev;

	spin_lock(&dev->lock);
	dev->session = NULL;
	vpdec_end_streams(session);
	wake_up_interruptible_all(&dev->ponged);
	spin_unlock(&dev->lock);

	mutex_destroy(&session->read_lock);
	kfree(session);
	v4l2_device_put(&dev->media.v4l2_dev);

	return 0;
}

static struct vpdec_stream *vpdec_find_stream(const struct vpdec_session *session, u32 id)
{
	struct vpdec_stream *stream;

	list_for_each_entry(stream, &session->streams, served)
		if (stream->id == id)
			return stream;

	return NULL;
}

static struct vpdec_stream *vpdec_first_unannounced(const struct vpdec_session *session)
{
	struct vpdec_stream *stream;

	list_for_each_entry(stream, &session->streams, served)
		if (!stream->announced)
			return stream;

	return NULL;
}

/* A message to the daemon; all of them begin with a header. */
union vpdec_session_message {
	struct vpipe_dec_header header;
	struct vpipe_dec_opened opened;
};

static bool vpdec_session_peek(struct vpdec_session *session,
			       union vpdec_session_message *msg)
{
	struct vpipe_dec_header header = { .version = VPIPE_DEC_VERSION };
	struct vpdec_stream *stream;

	lockdep_assert_held(&session->dev->lock);
	if (session->ping) {
		header.type = VPIPE_DEC_MSG_PING;
		header.size = sizeof(msg->header);
		header.cookie = session->ping;
		msg->header = header;
		return true;
	}

	stream = vpdec_first_unannounced(session);
	if (!stream)
		return false;
	header.type = VPIPE_DEC_MSG_OPENED;
	header.size = sizeof(msg->opened);
	header.stream = stream->id;
	msg->opened = (struct vpipe_dec_opened) { .header = header, .codec = stream->codec };

	return true;
}

static void vpdec_session_taken(struct vpdec_session *session,
				const union vpdec_session_message *msg)
{
	struct vpdec_stream *stream;

	spin_lock(&session->dev->lock);
	if (msg->header.type == VPIPE_DEC_MSG_PING) {
		if (session->ping == msg->header.cookie)
			session->ping = 0;
	} else {
		stream = vpdec_find_stream(session, msg->header.stream);
		if (stream)
			stream->announced = true;
	}
	spin_unlock(&session->dev->lock);
}

static ssize_t vpdec_session_take(void *reader, char __user *to, size_t count)
{
	struct vpdec_session *session = reader;
	union vpdec_session_message msg;
	bool ended, found;

	spin_lock(&session->dev->lock);
	ended = session->ended;
	found = !ended && vpdec_session_peek(session, &msg);
	spin_unlock(&session->dev->lock);

	if (ended)
		return 0;
	if (!found)
		return -EAGAIN;
	if (msg.header.size > count)
		return -EMSGSIZE;
	if (copy_to_user(to, &msg, msg.header.size))
		return -EFAULT;
	vpdec_session_taken(session, &msg);

	return msg.header.size;
}

static bool vpdec_session_readable(void *reader)
{
	struct vpdec_session *session = reader;
	bool readable;

	spin_lock(&session->dev->lock);
	readable = session->ended || session->ping || vpdec_first_unannounced(session);
	spin_unlock(&session->dev->lock);

	return readable;
}

static ssize_t vpdec_session_read(struct file *file, char __user *to, size_t count, loff_t *ppos)
{
	struct vpdec_session *session = file->private_data;

	vpdec_daemon_lives(session->dev);

	return vpipe_read_messages(file, to, count, &session->read_lock, &session->wait,
				   vpdec_session_take, vpdec_session_readable);
}

static int vpdec_hello(struct vpdec_session *session, const struct vpipe_dec_hello *hello)
{
	u32 codecs = hello->codecs & VPDEC_ALL_CODECS;

	if (hello->header.stream || hello->header.cookie || !codecs || !hello->streams ||
	    hello->reserved || session->codecs)
		return -EINVAL;
	if (hello->features & ~VPDEC_FEATURES)
		return -EOPNOTSUPP;

	session->max_streams = min(hello->streams, VPDEC_MAX_STREAMS);
	session->memory = hello->memory;
	session->codecs = codecs;

	return 0;
}

static int vpdec_pong(struct vpdec_session *session, const struct vpipe_dec_header *pong)
{
	/* A ping that nobody waits for any more is answered in vain, and no error. */
	if (pong->stream || !pong->cookie || pong->cookie > session->dev->pings)
		return -EINVAL;
	if (pong->cookie <= session->pong)
		return -ESTALE;

	session->pong = pong->cookie;
	session->pong_ns = ktime_get_ns();
	wake_up_interruptible_all(&session->dev->ponged);

	return 0;
}

static ssize_t vpdec_session_write(struct file *file, const char __user *from, size_t count,
				   loff_t *ppos)
{
	struct vpdec_session *session = file->private_data;
	union {
		struct vpipe_dec_header header;
		struct vpipe_dec_hello hello;
		u8 bytes[VPDEC_MAX_WRITE];
	} msg = {};
	int ret;

	ret = vpdec_copy_message(&msg, from, count);
	if (ret)
		return ret;
	switch (msg.header.type) {
	case VPIPE_DEC_MSG_HELLO:
		ret = vpdec_message_size(&msg, count, sizeof(msg.hello));
		break;
	case VPIPE_DEC_MSG_PONG:
		ret = vpdec_message_size(&msg, count, sizeof(msg.header));
		break;
	default:
		ret = -EINVAL;
	}
	if (ret)
		return ret;

	spin_lock(&session->dev->lock);
	if (session->ended)
		ret = -EPIPE;
	else if (msg.header.type == VPIPE_DEC_MSG_HELLO)
		ret = vpdec_hello(session, &msg.hello);
	else
		ret = vpdec_pong(session, &msg.header);
	spin_unlock(&session->dev->lock);
	if (!ret)
		vpdec_daemon_lives(session->dev);

	return ret ?: count;
}

static __poll_t vpdec_session_poll(struct file *file, struct poll_table_struct *wait)
{
	struct vpdec_session *session = file->private_data;
	__poll_t events = EPOLLOUT | EPOLLWRNORM;

	vpdec_daemon_lives(session->dev);
	poll_wait(file, &session->wait, wait);
	if (vpdec_session_readable(session))
		events |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(session->ended))
		events |= EPOLLHUP;

	return events;
}

static int vpdec_open_stream(struct vpdec_session *session, struct vpipe_dec_stream *arg)
{
	struct vpdec_dev *dev = session->dev;
	struct vpdec_stream *stream;
	int fd, ret = 0;

	spin_lock(&dev->lock);
	stream = vpdec_find_stream(session, arg->stream);
	if (!stream)
		ret = -ENOENT;
	else if (stream->opened)
		ret = -EBUSY;
	else if (!kref_get_unless_zero(&stream->kref))
		ret = -ENOENT;
	else
		stream->opened = true;
	spin_unlock(&dev->lock);
	if (ret)
		return ret;

	fd = vpdec_stream_open_file(stream);
	if (fd < 0) {
		spin_lock(&dev->lock);
		stream->opened = false;
		/* Its end has left it to who has the file. */
		if (READ_ONCE(stream->over))
			list_del_init(&stream->served);
		spin_unlock(&dev->lock);
		vpdec_stream_put(stream);
		return fd;
	}
	arg->fd = fd;

	return 0;
}

static long vpdec_session_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vpipe_dec_stream stream;
	int ret;

	if (cmd != VPIPE_DEC_IOC_STREAM)
		return -ENOTTY;
	if (copy_from_user(&stream, (void __user *)arg, sizeof(stream)))
		return -EFAULT;

	ret = vpdec_open_stream(file->private_data, &stream);
	if (ret)
		return ret;

	/* The descriptor is the caller's already: it goes with the process. */
	return copy_to_user((void __user *)arg, &stream, sizeof(stream)) ? -EFAULT : 0;
}

static const struct file_operations vpdec_session_fops = {
	.owner = THIS_MODULE,
	.open = vpdec_session_open,
	.release = vpdec_session_release,
	.read = vpdec_session_read,
	.write = vpdec_session_write,
	.poll = vpdec_session_poll,
	.unlocked_ioctl = vpdec_session_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/* Whether there is nothing to wait for any more. */
static bool vpdec_ping_over(struct vpdec_dev *dev, const struct vpdec_session *session, u64 cookie)
{
	bool over;

	spin_lock(&dev->lock);
	over = dev->session != session || session->pong >= cookie;
	spin_unlock(&dev->lock);

	return over;
}

/*
 * ENOTCONN: there is no daemon, or it went. ETIMEDOUT: it does not answer.
 */
int vpdec_session_ping(struct vpdec_dev *dev, u64 *round_trip_ns)
{
	struct vpdec_session *session;
	u64 cookie, begun_ns;
	long left;
	int ret = 0;

	spin_lock(&dev->lock);
	session = dev->session;
	if (!session || !session->codecs) {
		spin_unlock(&dev->lock);
		return -ENOTCONN;
	}
	cookie = ++dev->pings;
	session->ping = cookie;
	begun_ns = ktime_get_ns();
	wake_up_interruptible(&session->wait);
	spin_unlock(&dev->lock);

	left = wait_event_interruptible_timeout(dev->ponged,
						vpdec_ping_over(dev, session, cookie),
						VPDEC_PING_TIMEOUT);
	if (left < 0)
		return left;

	spin_lock(&dev->lock);
	if (dev->session != session)
		ret = -ENOTCONN;
	else if (session->pong < cookie)
		ret = -ETIMEDOUT;
	else
		*round_trip_ns = session->pong_ns - begun_ns;
	spin_unlock(&dev->lock);

	return ret;
}

int vpdec_session_register(struct vpdec_dev *dev)
{
	dev->misc.minor = MISC_DYNAMIC_MINOR;
	dev->misc.name = VPDEC_NAME;
	dev->misc.fops = &vpdec_session_fops;
	dev->misc.mode = 0600;

	return misc_register(&dev->misc);
}

/* Nobody can open it from here on; who has it open learns that it is over. */
void vpdec_session_unregister(struct vpdec_dev *dev)
{
	struct vpdec_session *session;

	misc_deregister(&dev->misc);

	spin_lock(&dev->lock);
	session = dev->session;
	if (session) {
		WRITE_ONCE(session->ended, true);
		session->codecs = 0;
		vpdec_end_streams(session);
		wake_up_interruptible_all(&session->wait);
	}
	spin_unlock(&dev->lock);
}
