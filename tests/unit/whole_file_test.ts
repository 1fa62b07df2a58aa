import { assertEquals, assertThrows } from "@std/assert";
import { WholeFile, writeFile } from "../../lib/files/whole_file.ts";
import { EDQUOT, EOPNOTSUPP, SysError } from "../../lib/sys/errno.ts";
import { File, O_TMPFILE, O_WRONLY } from "../../lib/sys/file.ts";
import { libc } from "../../lib/sys/libc.ts";
import { returned } from "./fake_ioctl.ts";
import { inNewFolder } from "./shell.ts";

/** In a folder of its own, of a file system that has files without names and of one that has none. */
function eachWay(body: (folder: string, names: () => string[]) => void): void {
  const { open } = libc;
  for (const hasNameless of [true, false]) {
    const folder = Deno.makeTempDirSync();
    libc.open = (path, flags, mode) =>
      !hasNameless && (flags & O_TMPFILE) === O_TMPFILE
        ? returned(-EOPNOTSUPP)
        : open(path, flags, mode);
    try {
      body(folder, () => [...Deno.readDirSync(folder)].map(({ name }) => name).sort());
    } finally {
      libc.open = open;
      Deno.removeSync(folder, { recursive: true });
    }
  }
}

Deno.test("whole files: until one is finished there is what was there before", () => {
  eachWay((folder, names) => {
    const path = `${folder}/page.html`;
    const text = () => Deno.readTextFileSync(path);
    writeFile(path, "before");
    {
      using file = new WholeFile(path);
      file.append("half");
      assertEquals(text(), "before");
    }
    assertEquals([text(), names()], ["before", ["page.html"]]);
    {
      using file = new WholeFile(path);
      file.append("af");
      file.append(Uint8Array.from([..."ter"], (letter) => letter.charCodeAt(0)));
      file.finish();
    }
    assertEquals([text(), names()], ["after", ["page.html"]]);
    {
      using file = new WholeFile(`${folder}/new/page.html`);
      file.append("half");
    }
    assertEquals(names(), ["page.html"]);
  });
});

Deno.test("whole files: two of one folder at once are two", () => {
  eachWay((folder, names) => {
    using one = new WholeFile(`${folder}/one`);
    using other = new WholeFile(`${folder}/other`);
    one.append("1");
    other.append("2");
    one.finish();
    other.finish();
    assertEquals(names(), ["one", "other"]);
    assertEquals(names().map((name) => Deno.readTextFileSync(`${folder}/${name}`)), ["1", "2"]);
  });
});

Deno.test("whole files: a full disk leaves what was there before", () => {
  const { writev } = libc;
  using full = File.open("/dev/full", O_WRONLY);
  eachWay((folder, names) => {
    const path = `${folder}/page.html`;
    writeFile(path, "before");
    libc.writev = (_, vector, count) => writev(full.fd, vector, count);
    try {
      const message = `${path}: write: No space left on device (ENOSPC)`;
      assertThrows(() => writeFile(path, "after"), SysError, message);
    } finally {
      libc.writev = writev;
    }
    assertEquals([Deno.readTextFileSync(path), names()], ["before", ["page.html"]]);
  });
});

Deno.test("whole files: one that close(2) says is not there leaves what was there before", () => {
  eachWay((folder, names) => {
    const path = `${folder}/page.html`;
    writeFile(path, "before");
    const { close } = libc;
    libc.close = (fd) => {
      const result = close(fd);
      return isHalf ? returned(-EDQUOT) : result;
    };
    let isHalf = false;
    try {
      using file = new WholeFile(path);
      file.append("after");
      isHalf = true;
      const message = `${path}: close: Disk quota exceeded (EDQUOT)`;
      assertThrows(() => file.finish(), SysError, message);
    } finally {
      libc.close = close;
    }
    assertEquals([Deno.readTextFileSync(path), names()], ["before", ["page.html"]]);
  });
});

Deno.test("whole files: links and permissions stay, and what may not be written is not replaced", () => {
  eachWay((folder, names) => {
    const [path, link] = [`${folder}/page.html`, `${folder}/link.html`];
    writeFile(path, "before");
    const owner = Deno.uid() === 0 ? 1234 : Deno.uid()!;
    Deno.chownSync(path, owner, null);
    Deno.chmodSync(path, 0o640);
    Deno.symlinkSync("page.html", link);
    writeFile(link, "after");
    assertEquals(Deno.readTextFileSync(path), "after");
    assertEquals([Deno.statSync(path).mode! & 0o777, Deno.lstatSync(link).isSymlink], [
      0o640,
      true,
    ]);
    assertEquals(Deno.statSync(path).uid, owner);
    assertEquals(names(), ["link.html", "page.html"]);
    assertThrows(
      () => writeFile(folder, "after"),
      SysError,
      `${folder}: open: Is a directory (EISDIR)`,
    );
  });
});

Deno.test("whole files: other names of a file, and a link to one that is yet to be made, stay", () => {
  eachWay((folder) => {
    const [path, other, link, target] = ["page", "other", "link", "target"].map((name) =>
      `${folder}/${name}`
    );
    writeFile(path, "before");
    Deno.linkSync(path, other);
    Deno.symlinkSync("target", link);
    for (const name of [path, link]) writeFile(name, "after");
    assertEquals([other, target].map((name) => Deno.readTextFileSync(name)), ["after", "after"]);
    assertEquals(Deno.lstatSync(link).isSymlink, true);
  });
});

Deno.test("whole files: a pipe that is read slowly gets all of it", async () => {
  const { stdout } = await inNewFolder(`cat >write.ts <<'END'
    import { WholeFile } from "${
    new URL("../../lib/files/whole_file.ts", import.meta.url).pathname
  }";
    using file = new WholeFile("-");
    const part = new Uint8Array(1 << 20);
    for (let i = 0; i < 100; i++) file.append(part);
    file.finish();
    const { deliver } = await import("${
    new URL("../../lib/cli/say.ts", import.meta.url).pathname
  }");
    const lost = await deliver({ status: 0 });
    if (lost) console.error(lost.message);
END
    '${Deno.execPath()}' run --quiet --no-check --allow-all write.ts | { sleep 1; wc -c; }`);
  assertEquals(stdout, `${100 << 20}\n`);
});

Deno.test("whole files: of a program that is killed while it writes there is nothing", async () => {
  const { stdout } = await inNewFolder(`cat >write.ts <<'END'
    import { WholeFile } from "${
    new URL("../../lib/files/whole_file.ts", import.meta.url).pathname
  }";
    using file = new WholeFile("out.json");
    file.append("half");
    Deno.kill(Deno.pid, "SIGKILL");
    await new Promise(() => {});
END
    '${Deno.execPath()}' run --quiet --no-check --allow-all write.ts 2>/dev/null; echo $?; ls`);
  assertEquals(stdout, "137\nwrite.ts\n");
});
