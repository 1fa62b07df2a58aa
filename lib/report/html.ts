/**
 * HTML that cannot be broken by what is put into it.
 *
 * @module
 */

/** Text that is HTML already. */
export class Markup {
  constructor(readonly text: string) {}
}

/** What a template takes: text is escaped, `false` and `undefined` are left out. */
export type Content = string | number | Markup | false | undefined | readonly Content[];

const ESCAPES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function render(content: Content): string {
  if (content === undefined || content === false) return "";
  if (content instanceof Markup) return content.text;
  if (Array.isArray(content)) return content.map(render).join("");
  return String(content).replace(/[&<>"']/g, (character) => ESCAPES[character]);
}

/** Tag of HTML templates; what `deno fmt` puts around them is taken away again. */
export function html(strings: TemplateStringsArray, ...values: Content[]): Markup {
  return new Markup(String.raw({ raw: strings }, ...values.map(render)).trim());
}

/** A value for a script to parse, which no content can end. */
export function jsonScript(id: string, value: unknown): Markup {
  const json = JSON.stringify(value).replaceAll("<", "\\u003c");
  return new Markup(`<script type="application/json" id="${id}">${json}</script>`);
}

/** A script of this project's, or one that is packed with it. */
export function script(source: string): Markup {
  // Within a script `</script` can only be in a string or a regular expression; a source map would
  // be asked of whoever serves the page.
  const text = source.replace(/<\/(?=script)/gi, "<\\/").replace(/^\/\/# sourceMappingURL.*$/m, "");
  return new Markup(`<script>\n${text}\n</script>`);
}
