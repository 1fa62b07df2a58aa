/**
 * Writes a stream of field pictures to the file that is named.
 *
 * @module
 */
import { codeFields, fieldFile } from "./h264_field_streams.ts";

Deno.writeFileSync(Deno.args[0], fieldFile(codeFields("all of these")));
