/**
 * The report's pages in a real browser: that nothing complains, that every chart shows something and answers,
 * that nothing is cut, on screens and on paper. Pictures are kept in build/test/browser.
 *
 * @module
 */
import { compare } from "../../lib/report/comparison.ts";
import { comparisonPage } from "../../lib/report/comparison_page.ts";
import { FIGURES } from "../../lib/report/figures.ts";
import { readBench } from "../../lib/report/folder.ts";
import { page } from "../../lib/report/page.ts";
import { junit } from "../harness/junit.ts";
import { expect, expectEqual, Suite } from "../harness/suite.ts";
import { Chromium, chromiumVersion } from "./chromium.ts";
import { madeUpBench, madeUpSides } from "./made_up_bench.ts";

const FOLDER = `${Deno.cwd()}/build/test/browser`;
const PROBES = Deno.readTextFileSync(new URL("probes.js", import.meta.url));
/** What `tests/run` takes for a step that was not run. */
const SKIPPED = 77;

const WIDTHS = [400, 1280];
/** What comes last stays for the checks that use the mouse. */
const SCHEMES = ["dark", "light"] as const;
/** Of the paper in style.css: 297 mm less its margins, in pixels. */
const PAPER = Math.floor((297 - 2 * 12) / 25.4 * 96);
/** Fewer pixels than these are no data. */
const LEAST_INK = 20;
/** WCAG's least contrast of text. */
const CONTRAST = 4.5;

const version = chromiumVersion();
if (version === undefined) {
  console.log("browser: skipped: there is no chromium here: 'make setup' installs it where it can");
  Deno.exit(SKIPPED);
}

function write(folder: string, files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) {
    Deno.mkdirSync(`${folder}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
    Deno.writeTextFileSync(`${folder}/${name}`, text);
  }
  return folder;
}

/** Looks at one page in every way. */
async function checkPage(suite: Suite, browser: Chromium, name: string, kinds: readonly string[]) {
  const picture = (...words: readonly (string | number)[]) =>
    `${FOLDER}/${[name, ...words].join("-")}.png`;
  const ask = (call: string) => browser.value(`probes.${call}`);
  const open = async (width: number, scheme: "light" | "dark") => {
    await browser.media(scheme);
    await browser.resize(width, 900);
    await browser.show(`${FOLDER}/${name}.html`);
    await browser.value(`${PROBES}; undefined`);
    return await ask("drawAll()") as number;
  };
  const expectWhole = async (where: string) => {
    const cut: string[] = await ask("cut()");
    expect(cut.length === 0, `${where}: ${cut.length} cut: ${cut.slice(0, 5).join(", ")}`);
  };

  for (const scheme of SCHEMES) {
    for (const width of WIDTHS) {
      await suite.check(`${name}: ${scheme}, ${width} pixels wide`, async () => {
        const charts = await open(width, scheme);
        await browser.longPicture(picture(scheme, width));
        await expectWhole(`${width} pixels`);
        for (let i = 0; i < charts; i++) {
          const ink = await ask(`ink(${i})`);
          expect(ink >= LEAST_INK, `chart ${i} has ${ink} pixels of data`);
        }
        const { ratio, words } = await ask("contrast()");
        expect(ratio >= CONTRAST, `"${words}" has a contrast of ${ratio.toFixed(2)}`);
        return `${charts} charts drawn, ${await ask("tables()")} tables whole, contrast from ` +
          ratio.toFixed(1);
      });
    }
  }

  await suite.check(`${name}: a tooltip of each kind of chart`, async () => {
    const types: string[] = await ask("types()");
    expectEqual("kinds", [...new Set(types)].sort().join(), [...kinds].sort().join());
    const said: string[] = [];
    for (const kind of kinds) {
      const chart = types.indexOf(kind);
      const { x, y } = await ask(`place(${chart})`);
      await browser.mouse("Moved", x + 1, y);
      await browser.mouse("Moved", x, y);
      const words: string = await ask(`tooltip(${chart})`);
      expect(/\d (ns|µs|ms|s|%)/.test(words), `${kind}: no figure in "${words}"`);
      expect(!/NaN|undefined|Infinity/.test(words), `${kind}: ${words}`);
      said.push(words);
    }
    return said.join(" | ");
  });

  for (const kind of kinds.filter((kind) => kind === "timeline" || kind === "heat")) {
    await suite.check(`${name}: a ${kind} is dragged over, and clicked twice`, async () => {
      const chart = (await ask("types()")).indexOf(kind);
      const all = await ask(`times(${chart})`);
      const at = (share: number) => all.left + share * (all.right - all.left);
      await browser.mouse("Pressed", at(0.25), all.y, { button: "left", clickCount: 1 });
      await browser.mouse("Moved", at(0.4), all.y, { button: "left", buttons: 1 });
      await browser.mouse("Moved", at(0.5), all.y, { button: "left", buttons: 1 });
      await browser.mouse("Released", at(0.5), all.y, { button: "left", clickCount: 1 });
      const part = await ask(`times(${chart})`);
      const near = (is: number, share: number) =>
        Math.abs((is - all.min) / (all.max - all.min) - share) < 0.01;
      expect(near(part.min, 0.25) && near(part.max, 0.5), `${part.min} to ${part.max} are shown`);
      const ink = await ask(`ink(${chart})`);
      expect(ink >= LEAST_INK, `${ink} pixels of data are left`);
      await browser.picture(picture(kind, "zoomed"));
      for (const clickCount of [1, 2]) {
        const more = { button: "left", clickCount };
        await browser.mouse("Pressed", at(0.5), all.y, more);
        await browser.mouse("Released", at(0.5), all.y, more);
      }
      const again = await ask(`times(${chart})`);
      expect(again.min === all.min && again.max === all.max, `${again.min} to ${again.max} again`);
      return `a quarter of ${(all.max - all.min).toFixed(1)} s, and all of them again`;
    });
  }

  await suite.check(`${name}: on paper`, async () => {
    await browser.media("light", "print");
    await browser.resize(PAPER, 900);
    await expectWhole("paper");
    const bytes = await browser.pdf(`${FOLDER}/${name}.pdf`);
    const pages = new TextDecoder("latin1").decode(bytes).match(/\/Type \/Page\b/g)?.length ?? 0;
    expect(pages > 1, `${pages} pages`);
    return `${pages} pages, ${PAPER} pixels wide`;
  });

  await suite.check(`${name}: nothing complains`, () => {
    const { complaints } = browser;
    expect(complaints.length === 0, complaints.slice(0, 3).join("; "));
    return "no error and no warning in the console";
  });
}

Deno.mkdirSync(FOLDER, { recursive: true });
const bench = write(`${FOLDER}/bench`, madeUpBench());
Deno.writeTextFileSync(`${FOLDER}/report.html`, page(readBench(bench, FIGURES)));
const sides = write(`${FOLDER}/sides`, madeUpSides(6));
const side = (folder: string) => ({ folder, runs: readBench(`${sides}/${folder}`, FIGURES) });
Deno.writeTextFileSync(
  `${FOLDER}/comparison.html`,
  comparisonPage(compare(side("base"), side("new")), "base", "new"),
);

const suite = new Suite();
{
  await using browser = await Chromium.start();
  console.log(version);
  suite.begin("browser");
  await checkPage(suite, browser, "report", [
    ...["stack", "distribution", "timeline", "heat", "histogram"],
  ]);
  await checkPage(suite, browser, "comparison", ["ratios", "distribution", "stack"]);
}
if (Deno.args[0] === "--junit") Deno.writeTextFileSync(Deno.args[1], junit(suite.groups));
console.log(suite.closing);
Deno.exit(suite.counts.failed === 0 ? 0 : 1);
