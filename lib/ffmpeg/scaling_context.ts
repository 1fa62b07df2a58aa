/**
 * A context of libswscale.
 *
 * @module
 */
import type { Ffmpeg } from "./abi/libraries.ts";
import { SWS_BICUBIC } from "./abi/swscale.ts";

/** Size in pixels, and AV_PIX_FMT_*. */
interface ScaledPicture {
  readonly width: number;
  readonly height: number;
  readonly format: number;
}

/** What converts from one to the other, bicubic where the size differs; null where there is no way. */
export function scalingContext(
  { swscale: { sws_getContext } }: Ffmpeg,
  { width, height, format }: ScaledPicture,
  { width: toWidth, height: toHeight, format: target }: ScaledPicture,
): Deno.PointerValue {
  const flags = SWS_BICUBIC;
  const [sourceFilter, targetFilter, parameters] = [null, null, null];
  return sws_getContext(
    width,
    height,
    format,
    toWidth,
    toHeight,
    target,
    flags,
    sourceFilter,
    targetFilter,
    parameters,
  );
}
