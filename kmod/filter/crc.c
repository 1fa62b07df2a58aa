// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * CRC-32, by whichever implementation is the fastest on this machine.
 *
 * Which one that is depends on the kernel and on the processor: crc32_le() may
 * use vector or CRC instructions (arm64, and x86 from Linux 6.14 on) or walk
 * tables one word after the other; on x86 before 6.14 the instructions are
 * behind the crypto API; user-mode Linux never has them, and an emulator that
 * offers them may run them slowly. So, as lib/raid6 and crypto/xor do, time
 * the candidates once and keep the winner.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/crc32.h>
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "../compat.h"
#include "crc.h"

#if VPIPE_CRC32_SHASH
#include <crypto/hash.h>
#endif

/*
 * Braided CRC: a table-driven CRC is bound by the latency of its lookups, as
 * each word needs the CRC of the one before. Deal the words out to BRAIDS
 * independent CRCs instead, word i going to CRC i % BRAIDS, and all their
 * lookups overlap. The table moves a CRC BRAIDS words ahead at once, so that a
 * CRC is ready for its own next word; the last round merges them.
 *
 * Kadatch and Jenkins, "Everything we know about CRC but afraid to forget"
 * (2010), section 4; zlib does the same. Four was the fastest of two to six
 * where this was measured (2.9 times crc32_le(), against 2.0 for two).
 */
#define BRAIDS		4
#define WORD		8
#define ROUND		(BRAIDS * WORD)

/* [i][b]: the CRC of byte b at place i of a word, BRAIDS words later. */
static u32 braid_table[WORD][256] __ro_after_init ____cacheline_aligned;

static void __init braid_init(void)
{
	u8 round[ROUND] = { 0 };
	int i, b;

	for (i = 0; i < WORD; i++) {
		for (b = 0; b < 256; b++) {
			round[i] = b;
			braid_table[i][b] = crc32_le(0, round, ROUND);
		}
		round[i] = 0;
	}
}

static inline u32 braid_word(u64 w)
{
	return braid_table[0][w & 0xff] ^
	       braid_table[1][(w >> 8) & 0xff] ^
	       braid_table[2][(w >> 16) & 0xff] ^
	       braid_table[3][(w >> 24) & 0xff] ^
	       braid_table[4][(w >> 32) & 0xff] ^
	       braid_table[5][(w >> 40) & 0xff] ^
	       braid_table[6][(w >> 48) & 0xff] ^
	       braid_table[7][w >> 56];
}

static u32 crc32_braid(u32 crc, const u8 *p, size_t len)
{
	u32 c1 = 0, c2 = 0, c3 = 0;

	if (len < 2 * ROUND)
		return crc32_le(crc, p, len);

	do {
		u64 w0 = get_unaligned_le64(p) ^ crc;
		u64 w1 = get_unaligned_le64(p + WORD) ^ c1;
		u64 w2 = get_unaligned_le64(p + 2 * WORD) ^ c2;
		u64 w3 = get_unaligned_le64(p + 3 * WORD) ^ c3;

		crc = braid_word(w0);
		c1 = braid_word(w1);
		c2 = braid_word(w2);
		c3 = braid_word(w3);
		p += ROUND;
		len -= ROUND;
	} while (len >= 2 * ROUND);

	/* A CRC waits at its next word; there it is just another CRC so far. */
	crc = crc32_le(crc, p, WORD);
	crc = crc32_le(crc ^ c1, p + WORD, WORD);
	crc = crc32_le(crc ^ c2, p + 2 * WORD, WORD);
	crc = crc32_le(crc ^ c3, p + 3 * WORD, WORD);

	return crc32_le(crc, p + ROUND, len - ROUND);
}

/* crc32_le() itself may be an inline function, and its prototype changed. */
static u32 crc32_lib(u32 crc, const u8 *p, size_t len)
{
	return crc32_le(crc, p, len);
}

#if VPIPE_CRC32_SHASH
static struct crypto_shash *shash;

/*
 * All that "crc32" keeps in its descriptor is the CRC, not inverted. Setting it
 * there, as ext4 does with "crc32c", continues from any CRC; the seed that the
 * algorithm knows belongs to the tfm, which is shared.
 */
static u32 crc32_shash(u32 crc, const u8 *p, size_t len)
{
	SHASH_DESC_ON_STACK(desc, shash);
	u32 *state = shash_desc_ctx(desc);

	desc->tfm = shash;
	*state = crc;
	if (crypto_shash_update(desc, p, len))
		return crc32_le(crc, p, len);

	return *state;
}

static bool __init shash_init(void)
{
	shash = crypto_alloc_shash("crc32", 0, 0);
	if (!IS_ERR(shash) && crypto_shash_descsize(shash) == sizeof(u32))
		return true;

	if (!IS_ERR(shash))
		crypto_free_shash(shash);
	shash = NULL;

	return false;
}

static const char *__init shash_name(void)
{
	return crypto_shash_driver_name(shash);
}

static void shash_exit(void)
{
	if (shash)
		crypto_free_shash(shash);
	shash = NULL;
}
#else
static u32 crc32_shash(u32 crc, const u8 *p, size_t len)
{
	return crc32_le(crc, p, len);
}

static bool __init shash_init(void)
{
	return false;
}

static const char *__init shash_name(void)
{
	return "";
}

static void shash_exit(void)
{
}
#endif

static u32 (*crc32_best)(u32 crc, const u8 *p, size_t len) __ro_after_init = crc32_lib;

u32 vpipe_crc32(u32 crc, const void *p, size_t len)
{
	return crc32_best(crc, p, len);
}

#define SAMPLE_SIZE	SZ_16K

/* Odd lengths and alignments, and a CRC carried from one call to the next. */
static bool __init crc32_agrees(u32 (*fn)(u32 crc, const u8 *p, size_t len), const u8 *sample)
{
	u32 want = ~0, got = ~0;
	size_t at, len;

	for (at = 0, len = 0; at + len <= SAMPLE_SIZE; at += len++) {
		want = crc32_le(want, sample + at, len);
		got = fn(got, sample + at, len);
		if (got != want)
			return false;
	}

	return fn(~0, sample, SAMPLE_SIZE) == crc32_le(~0, sample, SAMPLE_SIZE);
}

/* The best of a few: an interrupt makes a run longer, nothing makes one shorter. */
static u64 __init crc32_time(u32 (*fn)(u32 crc, const u8 *p, size_t len), const u8 *sample)
{
	u64 best = U64_MAX;
	int i;

	for (i = 0; i < 5; i++) {
		u64 start = ktime_get_ns();

		fn(~0, sample, SAMPLE_SIZE);
		best = min(best, ktime_get_ns() - start);
	}

	return max(best, 1ULL);
}

void __init vpipe_crc32_init(void)
{
	struct {
		u32 (*fn)(u32 crc, const u8 *p, size_t len);
		const char *name;
	} candidates[] = {
		{ crc32_lib, "crc32_le" },
		{ crc32_braid, "braided" },
		{ crc32_shash, NULL },
	};
	const char *name = candidates[0].name;
	u64 best = U64_MAX;
	u8 *sample;
	int i;

	/* Without a sample to time: crc32_le() is always right. */
	sample = kmalloc(SAMPLE_SIZE, GFP_KERNEL);
	if (!sample)
		return;
	for (i = 0; i < SAMPLE_SIZE; i++)
		sample[i] = (i * GOLDEN_RATIO_32) >> 24;

	braid_init();
	if (shash_init())
		candidates[2].name = shash_name();

	for (i = 0; i < ARRAY_SIZE(candidates) && candidates[i].name; i++) {
		u64 ns;

		if (!crc32_agrees(candidates[i].fn, sample)) {
			pr_err("CRC-32 by %s is wrong, not used\n", candidates[i].name);
			continue;
		}

		ns = crc32_time(candidates[i].fn, sample);
		if (ns < best) {
			best = ns;
			name = candidates[i].name;
			crc32_best = candidates[i].fn;
		}
	}
	kfree(sample);

	pr_info("CRC-32 by %s, %llu MB/s\n", name, div64_u64(SAMPLE_SIZE * 1000ULL, best));

	if (crc32_best != crc32_shash)
		shash_exit();
}

void vpipe_crc32_exit(void)
{
	shash_exit();
}
