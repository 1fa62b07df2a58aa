/**
 * Who may open a loopback node: the parameter allowed_gid.
 *
 * @module
 */
import { type Outcome, run } from "../../harness/processes.ts";
import { expectEqual, type Suite } from "../../harness/suite.ts";
import { loop, loopNode } from "../../harness/nodes.ts";

const GROUP = 4242;
const USER = 4343;
const NONE = -1;

/** What a program runs as, in words and as options of setpriv(1). */
const WHO = {
  "root": [],
  "root without CAP_SYS_ADMIN": ["--bounding-set=-sys_admin", "--inh-caps=-sys_admin"],
  "a user of the group": [`--reuid=${USER}`, `--regid=${GROUP}`, "--clear-groups"],
  "a user with the group among others": [
    ...[`--reuid=${USER}`, `--regid=${USER}`, `--groups=${USER},${GROUP}`],
  ],
  "another user": [`--reuid=${USER}`, `--regid=${USER}`, "--clear-groups"],
} as const;

type Who = keyof typeof WHO;

function open(node: string, who: Who): Promise<Outcome> {
  return run("setpriv", [...WHO[who], "sh", "-c", 'exec <"$1"', "sh", node]);
}

async function expectOpens(node: string, who: Who, may: boolean): Promise<void> {
  const { status, stderr } = await open(node, who);
  const refused = status !== 0 && stderr.includes("Permission denied");
  const result = status === 0 ? "opens it" : refused ? "is refused" : stderr.trim();
  expectEqual(who, result, may ? "opens it" : "is refused");
}

export async function loopAccessChecks(suite: Suite): Promise<void> {
  await suite.check("loop: allowed_gid", async () => {
    const node = loopNode();
    const { mode } = Deno.statSync(node);
    Deno.chmodSync(node, 0o666);
    try {
      await expectOpens(node, "another user", true);
      loop.setParameter("allowed_gid", GROUP);
      for (const who of Object.keys(WHO) as Who[]) {
        await expectOpens(
          node,
          who,
          who !== "root without CAP_SYS_ADMIN" && who !== "another user",
        );
      }
      loop.setParameter("allowed_gid", USER);
      await expectOpens(node, "a user of the group", false);
      await expectOpens(node, "another user", true);
      loop.setParameter("allowed_gid", -2);
      await expectOpens(node, "another user", false);
      loop.setParameter("allowed_gid", NONE);
      await expectOpens(node, "a user of the group", true);
      await expectOpens(node, "root without CAP_SYS_ADMIN", true);
    } finally {
      loop.setParameter("allowed_gid", NONE);
      Deno.chmodSync(node, mode! & 0o7777);
    }
    return `primary and supplementary group and CAP_SYS_ADMIN open it, others get EACCES; ${NONE}: all`;
  });
}
