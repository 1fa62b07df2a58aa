import { assertEquals } from "@std/assert";
import { type Turn, turnOf, turnPlane } from "../../lib/ffmpeg/rotation.ts";
import { VideoFile } from "../../lib/ffmpeg/video_file.ts";

const ONE = 1 << 16;
/** The matrix of ffmpeg's -display_rotation and flips: a, b, c, d are its corners. */
const matrix = (a: number, b: number, c: number, d: number) =>
  Int32Array.of(a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30);

/** `abc` above `def`, turned; lines and cells may be longer than one byte. */
function turned(turn: Turn, size: number): string[] {
  const cells = ["abc", "def"];
  const pad = 5;
  const bytes = (lines: string[]) => {
    const stride = lines[0].length * size + pad;
    const out = new Uint8Array(stride * lines.length).fill(0x2e);
    lines.forEach((line, y) =>
      [...line].forEach((cell, x) =>
        out.fill(cell.charCodeAt(0), y * stride + x * size, y * stride + (x + 1) * size)
      )
    );
    return { bytes: out, stride, width: lines[0].length, height: lines.length };
  };
  const to = bytes(turn.transposed ? ["..", "..", ".."] : ["...", "..."]);
  turnPlane(bytes(cells), to, size, turn);
  return Array.from({ length: to.height }, (_, y) =>
    Array.from({ length: to.width }, (_, x) => {
      const cell = to.bytes.subarray(y * to.stride + x * size, y * to.stride + (x + 1) * size);
      assertEquals(new Set(cell).size, 1);
      return String.fromCharCode(cell[0]);
    }).join(""));
}

Deno.test("turn: what a display matrix says, as the ffmpeg command does it", () => {
  assertEquals(turnOf(matrix(1, 0, 0, 1)), undefined);
  assertEquals(turnOf(matrix(0, 0, 0, 0)), undefined);
  const half = Math.SQRT1_2;
  assertEquals(turnOf(matrix(half, half, -half, half)), undefined);
  const shown = ([a, b, c, d]: number[], size = 1) => turned(turnOf(matrix(a, b, c, d))!, size);
  for (const size of [1, 2, 3]) {
    assertEquals(shown([0, 1, -1, 0], size), ["da", "eb", "fc"]);
    assertEquals(shown([-1, 0, 0, -1], size), ["fed", "cba"]);
    assertEquals(shown([0, -1, 1, 0], size), ["cf", "be", "ad"]);
  }
  assertEquals(shown([1, 0, 0, -1]), ["def", "abc"]);
  assertEquals(shown([-1, 0, 0, 1]), ["cba", "fed"]);
  assertEquals(shown([0, 1, 1, 0]), ["ad", "be", "cf"]);
  assertEquals(shown([0, -1, -1, 0]), ["fc", "eb", "da"]);
});

function isThere(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["-version"] }).outputSync().success;
  } catch {
    return false;
  }
}

Deno.test({
  name: "turn: a file with a rotation, byte for byte as the ffmpeg command",
  ignore: !isThere("ffmpeg"),
  // The libraries stay loaded.
  sanitizeResources: false,
  async fn() {
    const folder = Deno.makeTempDirSync();
    const ffmpeg = async (...args: string[]) => {
      const { success, stderr } = await new Deno.Command("ffmpeg", {
        args: ["-hide_banner", "-nostdin", "-v", "error", "-y", ...args],
      }).output();
      return success ? "" : new TextDecoder().decode(stderr);
    };
    try {
      const plain = `${folder}/plain.mp4`;
      const source = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=10", "-frames:v", "3"];
      assertEquals(await ffmpeg(...source, "-c:v", "mpeg4", "-pix_fmt", "yuv420p", plain), "");
      for (const degrees of [90, 180, 270]) {
        const file = `${folder}/${degrees}.mp4`;
        const copy = ["-i", plain, "-c", "copy"];
        // The option is of FFmpeg 6 and newer, the metadata of those before.
        const failed = await ffmpeg("-display_rotation", String(degrees), ...copy, file);
        if (failed !== "") {
          const angle = ["-metadata:s:v:0", `rotate=${degrees}`];
          assertEquals(await ffmpeg(...copy, ...angle, file), "");
        }
        for (
          const [format, name] of [["NV12", "nv12"], ["GREY", "gray"], ["YUYV", "yuyv422"]] as const
        ) {
          const raw = `${folder}/raw`;
          const to = ["-pix_fmt", name, "-sws_flags", "bicubic", "-f", "rawvideo", raw];
          assertEquals(await ffmpeg("-i", file, "-fps_mode", "passthrough", ...to), "");
          const expected = Deno.readFileSync(raw);
          using video = VideoFile.open(file, { format });
          const size = degrees === 180 ? [64, 48] : [48, 64];
          assertEquals([video.width, video.height], size);
          const frame = new Uint8Array(video.size);
          let at = 0;
          for (; video.readInto(frame); at += frame.length) {
            assertEquals(frame, expected.subarray(at, at + frame.length), `${degrees} ${name}`);
          }
          assertEquals(at, expected.length);
        }
      }
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
});
