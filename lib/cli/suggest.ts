/**
 * Which word a mistyped one may have meant.
 *
 * @module
 */

/** Letters to put in, leave out or change, or neighbours to swap, until `a` is `b`. */
function distance(a: string, b: string): number {
  let [before, last]: number[][] = [[], Array.from({ length: b.length + 1 }, (_, i) => i)];
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let k = 1; k <= b.length; k++) {
      const changed = last[k - 1] + (a[i - 1] === b[k - 1] ? 0 : 1);
      next[k] = Math.min(last[k] + 1, next[k - 1] + 1, changed);
      if (i > 1 && k > 1 && a[i - 1] === b[k - 2] && a[i - 2] === b[k - 1]) {
        next[k] = Math.min(next[k], before[k - 2] + 1);
      }
    }
    [before, last] = [last, next];
  }
  return last[b.length];
}

/** The nearest of these words, or one that `word` begins; undefined where none is near. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const begun = words.filter((candidate) => word.length > 1 && candidate.startsWith(word));
  if (begun.length === 1) return begun[0];
  const most = Math.max(1, Math.floor(word.length / 3));
  const [best] = words
    .map((candidate) => [candidate, distance(word, candidate)] as const)
    .filter(([, far]) => far <= most)
    .sort(([, a], [, b]) => a - b);
  return best?.[0];
}

/** `; did you mean --warm-up?`, or nothing. */
export function suggestion(word: string, words: readonly string[], prefix = ""): string {
  const found = nearest(word, words);
  return found === undefined ? "" : `; did you mean ${prefix}${found}?`;
}
