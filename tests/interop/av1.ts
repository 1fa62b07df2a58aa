/**
 * AV1 as a stateless client sends it, headers in controls alone: all kinds of frames, spatial layers, and film grain
 * where the control says so. Run it in a guest, by `ffmpeg.ts`.
 *
 * @module
 */
import { Assembly } from "../../daemon/rebuild/access_unit_buffer.ts";
import { rebuilder } from "../../daemon/rebuild/choose.ts";
import type { FrameControls } from "../../daemon/rebuild/rebuilder.ts";
import { readStream } from "../../lib/codec/stream.ts";
import { Decoder } from "../../lib/ffmpeg/decoder.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import * as c from "../../lib/uapi/v4l2_controls_av1.ts";
import { Av1Client } from "../harness/av1_client.ts";
import { inTwoLayers, withHiddenKeys } from "../harness/av1_rewritten.ts";
import { expect, expectEqual, type Suite } from "../harness/suite.ts";
import { decodePacket, Digests, sameSamples } from "./picture_digests.ts";
import { reference, Scratch, STREAMS } from "./streams.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Grain = ReturnType<typeof c.v4l2_ctrl_av1_film_grain.alloc>;

const MAX_PIXELS = 1 << 20;

const unitsOf = (path: string) =>
  [...readStream(Deno.readFileSync(path), "av1")].map(({ data }) => data);

/**
 * Each frame by itself shows what the temporal unit shows that it is in.
 *
 * @param units temporal units
 */
export function checkAv1(ffmpeg: Ffmpeg, units: readonly Bytes[], bitDepth = 8): string {
  using whole = new Digests(ffmpeg, "av1", bitDepth);
  using frames = new Digests(ffmpeg, "av1", bitDepth);
  const client = new Av1Client();
  const rebuilt = rebuilder("av1");
  const packet = new Assembly();
  /** Pictures by their timestamps, for those that are shown again. */
  const pictures = new Map<number, number>();
  let others = 0;
  for (const [number, data] of units.entries()) {
    const expected = whole.of(data);
    expect(expected !== -1, `unit ${number} has no picture`);
    const sent = client.read(data);
    for (const { coded, timestamp } of sent) {
      if (!coded) continue;
      packet.clear();
      rebuilt.add(packet, coded.data, coded.controls);
      pictures.set(timestamp, frames.of(packet.bytes));
      expect(pictures.get(timestamp) !== -1, `unit ${number}: a frame has no picture`);
    }
    // Of several layers the last one is shown.
    const shown = sent.findLast(({ shown }) => shown)!;
    expectEqual(`unit ${number}`, pictures.get(shown.timestamp), expected);
    others += sent.length - 1;
  }
  return `${units.length} pictures, ${others} frames that are not shown at once`;
}

/** The upper layer's pictures are those of each second frame, in and out of their temporal units. */
function checkLayers(ffmpeg: Ffmpeg, path: string): string {
  const units = unitsOf(path);
  const layered = inTwoLayers(units);
  using plain = new Digests(ffmpeg, "av1", 8);
  using layers = new Digests(ffmpeg, "av1", 8);
  const expected = units.map((unit) => plain.of(unit));
  for (const [number, unit] of layered.entries()) {
    expectEqual(`upper layer of unit ${number}`, layers.of(unit), expected[2 * number + 1]);
  }
  return `${layered.length} temporal units; ${checkAv1(ffmpeg, layered)}`;
}

/** The controls of a frame, but for film grain. */
const withGrain = (controls: FrameControls, grain: Grain | undefined): FrameControls => ({
  find: (id) => id === c.V4L2_CID_STATELESS_AV1_FILM_GRAIN ? grain?.bytes : controls.find(id),
  timestampLow: controls.timestampLow,
  timestampHigh: controls.timestampHigh,
});

const grainOf = (controls: FrameControls): Grain =>
  c.v4l2_ctrl_av1_film_grain.at(controls.find(c.V4L2_CID_STATELESS_AV1_FILM_GRAIN)!.slice());

/** Whether a frame has grain, by its number in decoding order; undefined where no control comes. */
const GRAINS: Readonly<Record<string, (number: number) => boolean | undefined>> = {
  "in all frames": () => true,
  "in no frame": () => false,
  "without its control": () => undefined,
  "in each second frame": (number) => number % 2 === 1,
};

/** @param applied one of GRAINS */
function checkGrain(ffmpeg: Ffmpeg, path: string, applied: (typeof GRAINS)[string]): string {
  const units = unitsOf(path);
  const frames = (raw: Bytes) =>
    units.map((_, at) =>
      raw.subarray(raw.length / units.length * at).subarray(0, raw.length / units.length)
    );
  const grained = frames(reference(path, "nv12"));
  const clean = frames(reference(path, "nv12", "-export_side_data", "film_grain"));
  expect(
    grained.every((one, at) => !sameSamples(one, clean[at])),
    "there is no grain to leave out",
  );
  using decoder = new Decoder(ffmpeg, "av1", MAX_PIXELS);
  const client = new Av1Client();
  const rebuilt = rebuilder("av1");
  const packet = new Assembly();
  const pictures = new Map<number, { readonly bytes: Bytes; readonly grain: boolean }>();
  for (const [place, unit] of units.entries()) {
    const sent = client.read(unit);
    for (const { coded, timestamp } of sent) {
      if (!coded) continue;
      const grain = applied(pictures.size);
      const control = grainOf(coded.controls);
      if (!grain) control.flags &= ~c.V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN;
      packet.clear();
      const controls = withGrain(coded.controls, grain === undefined ? undefined : control);
      rebuilt.add(packet, coded.data, controls);
      const decoded = decodePacket(ffmpeg, decoder, packet);
      expect(decoded !== undefined && !decoded.damaged, "a frame has no whole picture");
      pictures.set(timestamp, { bytes: decoded.bytes, grain: grain ?? false });
    }
    const { timestamp } = sent.findLast(({ shown }) => shown)!;
    const { bytes, grain } = pictures.get(timestamp)!;
    const expected = grain ? grained : clean;
    expect(
      sameSamples(bytes, expected[place]),
      `picture ${place} ${grain ? "with" : "without"} grain`,
    );
  }
  const count = [...pictures.values()].filter(({ grain }) => grain).length;
  return `${count} of ${pictures.size} frames have grain`;
}

/** Grain as of a reference is as if its parameters were spelled out, with the frame's own seed. */
function checkGrainOfReference(ffmpeg: Ffmpeg, path: string): string {
  using named = new Digests(ffmpeg, "av1", 8);
  using spelled = new Digests(ffmpeg, "av1", 8);
  using own = new Digests(ffmpeg, "av1", 8);
  const [naming, spelling, owning] = [rebuilder("av1"), rebuilder("av1"), rebuilder("av1")];
  const packet = new Assembly();
  const client = new Av1Client();
  const known = new Map<number, Grain>();
  let others = 0;
  const digest = (of: Digests, by: typeof naming, data: Bytes, controls: FrameControls) => {
    packet.clear();
    by.add(packet, data, controls);
    return of.of(packet.bytes);
  };
  for (const { coded, timestamp } of unitsOf(path).flatMap((unit) => client.read(unit))) {
    if (!coded) continue;
    const { data, controls } = coded;
    const frame = c.v4l2_ctrl_av1_frame.at(controls.find(c.V4L2_CID_STATELESS_AV1_FRAME)!);
    const slot = frame.ref_frame_idx[0];
    const reference = known.get(frame.reference_frame_ts[2 * slot]);
    const grain = grainOf(controls);
    const { grain_seed } = grain;
    const inter = frame.frame_type === 1 && reference !== undefined;
    const byReference = inter
      ? c.v4l2_ctrl_av1_film_grain.alloc({
        flags: c.V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN,
        grain_seed,
        film_grain_params_ref_idx: slot,
      })
      : grain;
    const bySpelling = inter ? c.v4l2_ctrl_av1_film_grain.at(reference.bytes.slice()) : grain;
    bySpelling.grain_seed = grain_seed;
    known.set(timestamp, bySpelling);
    const expected = digest(spelled, spelling, data, withGrain(controls, bySpelling));
    const got = digest(named, naming, data, withGrain(controls, byReference));
    expect(got !== -1, `frame ${timestamp} has no picture`);
    expectEqual(`frame ${timestamp}`, got, expected);
    if (digest(own, owning, data, controls) !== got) others++;
  }
  expect(others > 0, "all frames have the same parameters");
  return `${known.size} frames, ${others} other than with parameters of their own`;
}

export async function checkAv1Frames(suite: Suite, ffmpeg: Ffmpeg): Promise<void> {
  using scratch = new Scratch();
  const rate = ["-pix_fmt", "yuv420p", "-frames:v", "8", "-c:v", "libsvtav1", "-preset", "10"];
  await suite.check(
    "av1: two spatial layers",
    () => checkLayers(ffmpeg, `${STREAMS}av1-switch.ivf`),
  );
  await suite.check("av1: two spatial layers of other sizes", () => {
    const params = ["-svtav1-params", "lp=1:pred-struct=1:resize-mode=2"];
    const sizes = scratch.make("sizes.ivf", "160x120", ...rate, ...params);
    return checkLayers(ffmpeg, sizes);
  });
  await suite.check("av1: hidden key frames that are shown later", () => {
    // Shown, a key frame is in all slots: what refers to what was in them is left out.
    const units = unitsOf(`${STREAMS}av1-intra-only.ivf`).slice(0, 17).map(withHiddenKeys);
    return checkAv1(ffmpeg, units);
  });
  const grain = `${STREAMS}av1-grain.ivf`;
  for (const [where, applied] of Object.entries(GRAINS)) {
    await suite.check(`av1: film grain ${where}`, () => checkGrain(ffmpeg, grain, applied));
  }
  await suite.check("av1: film grain of a reference", () => checkGrainOfReference(ffmpeg, grain));
}
