/**
 * This project's version, which stands in deno.json.
 *
 * @module
 */
import project from "../deno.json" with { type: "json" };

export const VERSION: string = project.version;
