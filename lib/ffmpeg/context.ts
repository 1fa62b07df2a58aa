/**
 * An AVCodecContext.
 *
 * @module
 */
import { cString } from "../sys/libc.ts";
import { AV_OPT_SEARCH_CHILDREN } from "./abi/avutil.ts";
import type { FoundDecoder } from "./decoders.ts";
import { allocated, FfmpegError } from "./abi/error.ts";
import { pointerCell } from "./frame.ts";
import type { Ffmpeg } from "./abi/libraries.ts";

const POINTER_BYTES = 8;

const { symbols: malloc } = Deno.dlopen("libc.so.6", {
  malloc_usable_size: { parameters: ["pointer"], result: "usize" },
});

/** What the decoder calls for memory for a picture: see AVCodecContext.get_buffer2. */
export type GetBuffer = Deno.UnsafeCallback<{
  readonly parameters: readonly ["pointer", "pointer", "i32"];
  readonly result: "i32";
}>;

/** What only some decoders are opened with. */
export interface ContextExtra {
  readonly getBuffer?: GetBuffer;
  readonly parameters?: Deno.PointerObject;
}

/** A decoder that was opened. */
export class CodecContext implements Disposable {
  readonly #ffmpeg: Ffmpeg;
  readonly pointer: Deno.PointerObject;

  /**
   * @param options by name, as the ffmpeg command takes them; what this decoder or this FFmpeg does
   * not have is left out
   * @param extra.getBuffer called instead of avcodec_default_get_buffer2; it must outlive the context
   * @param extra.parameters a file's AVCodecParameters for this stream
   * @throws {FfmpegError} the decoder cannot be opened
   * @throws {Error} an FFmpeg in whose context the hook has no certain place
   */
  constructor(
    ffmpeg: Ffmpeg,
    decoder: FoundDecoder,
    options: Readonly<Record<string, string>>,
    { getBuffer, parameters }: ContextExtra = {},
  ) {
    this.#ffmpeg = ffmpeg;
    const { avcodec } = ffmpeg;
    this.pointer = allocated(
      "avcodec_alloc_context3",
      avcodec.avcodec_alloc_context3(decoder.pointer),
    );
    try {
      if (parameters) {
        const code = avcodec.avcodec_parameters_to_context(this.pointer, parameters);
        if (code < 0) throw new FfmpegError(ffmpeg, "avcodec_parameters_to_context", code);
      }
      for (const [name, value] of Object.entries(options)) this.setOption(name, value);
      if (getBuffer) this.#replaceGetBuffer(getBuffer);
      const code = avcodec.avcodec_open2(this.pointer, decoder.pointer, null);
      if (code < 0) throw new FfmpegError(ffmpeg, `avcodec_open2 of ${decoder.name}`, code);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  // The member's offset differs between FFmpeg's releases. In a fresh context it holds the address
  // of an exported function, and is the only member to do so.
  #replaceGetBuffer(callback: GetBuffer): void {
    const { avcodec, version } = this.#ffmpeg;
    const bytes = Number(malloc.malloc_usable_size(this.pointer));
    const words = new BigUint64Array(
      Deno.UnsafePointerView.getArrayBuffer(this.pointer, bytes - bytes % POINTER_BYTES),
    );
    const original = Deno.UnsafePointer.value(avcodec.address_of_default_get_buffer2);
    const at = words.indexOf(original);
    if (at < 0 || words.lastIndexOf(original) !== at) {
      const found = at < 0 ? "no member" : "more than one member";
      throw new Error(
        `FFmpeg ${version}: ${found} of a new AVCodecContext is avcodec_default_get_buffer2`,
      );
    }
    words[at] = Deno.UnsafePointer.value(callback.pointer);
  }

  /** Sets an option, where this decoder and this FFmpeg have it. */
  setOption(name: string, value: string): void {
    const { av_opt_set } = this.#ffmpeg.avutil;
    av_opt_set(this.pointer, cString(name), cString(value), AV_OPT_SEARCH_CHILDREN);
  }

  /** Forgets all coded frames: the next one stands alone. */
  flush(): void {
    this.#ffmpeg.avcodec.avcodec_flush_buffers(this.pointer);
  }

  [Symbol.dispose](): void {
    this.#ffmpeg.avcodec.avcodec_free_context(pointerCell(this.pointer));
  }
}
