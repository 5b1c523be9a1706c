// Is report.html accessible? Runs axe-core on it at a desktop's and a phone's width; exit code 1 if
// a rule of WCAG 2 level A or AA is broken, if the page asks for anything from the network, if
// its Content-Security-Policy refuses anything, or if it has to be scrolled sideways.
//
//   mkdir /tmp/axe && cd /tmp/axe && npm install axe-core puppeteer-core
//   cp .../benchmarks/axe.mjs . && node axe.mjs .../report.html [folder for screenshots]
//
// CHROMIUM names the browser, if it is not /usr/bin/chromium.
import { createRequire } from "node:module";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const WIDTHS = [1440, 390];
const [report, pictures] = process.argv.slice(2);

const profile = mkdtempSync(join(tmpdir(), "axe-"));
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  userDataDir: profile,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
  ],
});
let failures = 0;
const fail = (text) => { failures += 1; console.log(text); };
try {
  for (const width of WIDTHS) {
    const page = await browser.newPage();
    await page.setViewport({ width, height: 900, isMobile: width < 700 });
    page.on("console", (message) => message.type() === "error" && fail(`${width}: ${message.text()}`));
    page.on("pageerror", (error) => fail(`${width}: ${error.message}`));
    page.on("request", (request) => request.url().startsWith("http") && fail(`${width}: asks for ${request.url()}`));
    await page.goto(pathToFileURL(resolve(report)).href, { waitUntil: "load" });
    await new Promise((done) => setTimeout(done, 1000));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    if (wide > width) fail(`${width}: the page is ${wide} pixels wide`);
    if (pictures) await page.screenshot({ path: join(pictures, `${width}.png`), fullPage: true, captureBeyondViewport: true });
    // axe brings its own script, which the page's policy would refuse: a second page without it.
    const open = await browser.newPage();
    await open.setViewport({ width, height: 900, isMobile: width < 700 });
    await open.setBypassCSP(true);
    await open.goto(pathToFileURL(resolve(report)).href, { waitUntil: "load" });
    await open.evaluate(() => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
    await open.addScriptTag({ path: AXE });
    const found = await open.evaluate((tags) => globalThis.axe.run({ runOnly: tags }), TAGS);
    for (const one of found.violations) {
      fail(`${width}: ${one.id} (${one.impact}): ${one.help}; ${one.nodes.length} places, such as ${one.nodes[0].html.slice(0, 200)}`);
    }
    console.log(`${width}: ${found.violations.length} violations, ${found.passes.length} rules passed, ${found.incomplete.length} undecided (${found.incomplete.map((one) => one.id).join(", ")})`);
    await page.close();
    await open.close();
  }
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}
process.exitCode = failures ? 1 : 0;
