/**
 * A graphics driver and the decoder: its dumb buffers take pictures, and it imports CAPTURE buffers.
 * The driver is vgem, which has no screen and is everywhere.
 *
 * @module
 */
import { Dmabuf, READING } from "../../../lib/dmabuf/dma_buf.ts";
import { File, O_CLOEXEC, O_RDWR } from "../../../lib/sys/file.ts";
import { ioctl } from "../../../lib/sys/ioctl.ts";
import {
  drm_gem_close,
  DRM_IOCTL_GEM_CLOSE,
  DRM_IOCTL_PRIME_HANDLE_TO_FD,
  drm_prime_handle,
} from "../../../lib/uapi/drm.ts";
import { sha256 } from "../../harness/bytes.ts";
import type { Context } from "../../harness/context.ts";
import { graphicsNode, importHandle } from "../../harness/graphics.ts";
import { borrowModules } from "../../harness/modules.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { pictures } from "./client.ts";

const STREAM = "vp9-320x240.ivf";

export async function primeChecks(suite: Suite, context: Context): Promise<void> {
  await suite.check("prime: a graphics driver's dumb buffers through the filter", async () => {
    await using _vgem = await borrowModules("vgem");
    const device = graphicsNode("vgem");
    const input = `${context.fixtures}/noise-vga.pgm`;
    const [output, reference] = ["dumb", "reference"].map((name) =>
      `${context.scratch}/${name}.pgm`
    );
    await context.run("fixture-feed", context.filter, device, input, output);
    await context.run("cv-ref", input, reference);
    expectEqual("SHA-256", sha256(Deno.readFileSync(output)), sha256(Deno.readFileSync(reference)));
    return `${device} is a HEAP: all bytes as the reference's`;
  });

  await suite.check("prime: CAPTURE buffers in a graphics driver", async () => {
    await using _vgem = await borrowModules("vgem");
    const path = graphicsNode("vgem");
    using device = File.open(path, O_RDWR);
    const handles = new Set<number>();
    let imported:
      | { readonly handle: number; readonly size: number; readonly sha256: string }
      | undefined;
    for (const { stream, index } of pictures(`${context.fixtures}/streams/${STREAM}`, "nv12")) {
      const exported = stream.capture.export();
      const [{ fd, size }] = exported[index];
      const handle = importHandle(device, fd);
      handles.add(handle);
      const picture = sha256(stream.capture.mappings[index][0].bytes);
      imported = { handle, size, sha256: picture };
      for (const { file } of exported.flat()) file.close();
    }
    expect(imported !== undefined, "no picture");
    // The stream is gone, and the driver still has what it was shown last.
    const { handle, size } = imported;
    const back = drm_prime_handle.alloc({ handle, flags: O_RDWR | O_CLOEXEC });
    ioctl(device, DRM_IOCTL_PRIME_HANDLE_TO_FD, back.bytes);
    using memory = new Dmabuf(new File(path, back.fd), size);
    memory.begin(READING);
    const found = sha256(memory.bytes);
    memory.end(READING);
    expectEqual("the last picture", found, imported.sha256);
    for (const handle of handles) {
      ioctl(device, DRM_IOCTL_GEM_CLOSE, drm_gem_close.alloc({ handle }).bytes);
    }
    return `${path} imported ${handles.size} buffers, and has the last picture behind the stream's end`;
  });
}
