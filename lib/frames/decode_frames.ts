/**
 * What `decode-file` does: a compressed file through a decoder, its pictures in display order into a
 * raw file.
 *
 * @module
 */
import { isStatefulDecoder } from "../v4l2/decoder/stateful_stream.ts";
import { writeBlockRows } from "./block_rows.ts";
import type { DecodeSettings } from "./decode_run.ts";
import { decodeStateful } from "./decode_stateful.ts";
import { decodeStateless } from "./decode_stateless.ts";
import type { Report, ToolSession } from "../cli/tool.ts";

/** Decodes a file. What was written stays when something fails, or a signal ends it. */
export async function decodeFile(
  { blocks, ...settings }: DecodeSettings & { readonly blocks: string | undefined },
  session: ToolSession,
): Promise<Report> {
  if (blocks !== undefined) await writeBlockRows(settings.input, blocks, session.stop);
  if (session.stop.requested) return { text: [], json: {} };
  const decode = isStatefulDecoder(settings.device) ? decodeStateful : decodeStateless;
  return decode(settings, session);
}
